"""What every command begins with."""

from __future__ import annotations

from worker import logs
from worker.settings import Settings, load_settings


def begin() -> Settings:
    """Return the settings, with logging set up as they say.

    Raises:
        ConfigurationError: A setting is wrong.
    """
    settings = load_settings()
    logs.configure(settings.log_level, settings.log_format)
    return settings
