"""What operators look at: health, readiness, presence, the connection test."""
