"""Tries docker-compose.yml for real, with three workers under load. It needs a Docker Engine: see `trial`."""
