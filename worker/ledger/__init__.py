"""What was applied, by account and subscriber, in SQLite or PostgreSQL."""
