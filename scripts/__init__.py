"""The project's own tools: setting up, finding a broker, trying the commands that the documents show."""
