"""All that knows Kit's HTTP API; facts about it cite the Kit API reference (developers.kit.com, v4)."""
