"""Subscribers: what events ask of them, and what is known of them. Pure."""
