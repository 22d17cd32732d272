"""Time zones, by their names in the IANA database (python.org, `zoneinfo`)."""

from __future__ import annotations

from zoneinfo import available_timezones

from worker.accounts.file.values import shown, suggestion


def check_timezone(name: str) -> str:
    """Return the name of a time zone.

    Raises:
        ValueError: There is no such zone; the text is a sentence for the admin.
    """
    known = available_timezones()
    if name in known:
        return name
    cities = {zone.rpartition("/")[2]: zone for zone in known if "/" in zone}
    meant = suggestion(name, known, 0.8) or suggestion(name.replace(" ", "_"), cities, 0.8)
    city = meant.removeprefix("; did you mean ").removesuffix("?")
    meant = f"; did you mean {cities[city]}?" if city in cities else meant
    raise ValueError(f"{shown(name)} is no time zone{meant or ', which is written as in Europe/Berlin'}")
