"""Events: from bytes to what happened. Pure."""
