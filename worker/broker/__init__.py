"""RabbitMQ: connections, topology, publishing, and what a frame says."""
