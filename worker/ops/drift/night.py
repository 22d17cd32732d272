"""When an account is compared with Kit by itself: once a night, by its own time zone. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from hashlib import blake2b
from typing import Final

BEGINS: Final = 1
"""The hour at which the first accounts begin."""
SPREAD: Final = 3 * 60
"""Minutes within which all of them begin, each at a time of its own."""
LATE: Final = timedelta(hours=3)
"""A comparison that could not begin by then is left to the next night."""


def is_time(account: str, zone: tzinfo, now: datetime, last: datetime | None) -> bool:
    """Tell whether an account is to be compared now.

    Args:
        account: Its name, which says when in the night.
        zone: Its time zone.
        now: What time it is.
        last: When it was last compared, or began to be; None for never.
    """
    local = now.astimezone(zone)
    digest = blake2b(account.encode(), digest_size=4).digest()
    minutes = int.from_bytes(digest) % SPREAD
    begins = local.replace(hour=BEGINS, minute=0, second=0, microsecond=0) + timedelta(minutes=minutes)
    return begins <= local < begins + LATE and (last is None or last < begins)
