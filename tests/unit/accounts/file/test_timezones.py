"""Time zones are there wherever the worker runs."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator

import pytest

from tests.unit.accounts.harness import KIT, parse
from worker.accounts.file.timezones import check_timezone


@pytest.fixture
def bare_system() -> Iterator[None]:
    """A system without time zones of its own, as some container images are."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(())
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(before)
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.usefixtures("bare_system")
def test_a_system_need_not_have_any_itself() -> None:
    assert check_timezone("Europe/Berlin") == "Europe/Berlin"
    assert (
        str(parse(f"{KIT}options: {{timezone: America/New_York}}\n").options.timezone) == "America/New_York"
    )


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Berlin", "; did you mean Europe/Berlin?"),
        ("europe/berlin", "; did you mean Europe/Berlin?"),
        ("Sao Paulo", "; did you mean America/Sao_Paulo?"),
        ("+02:00", ", which is written as in Europe/Berlin"),
        ("", ", which is written as in Europe/Berlin"),
    ],
)
def test_a_zone_by_another_name_is_asked_about(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=r" is no time zone") as caught:
        check_timezone(name)

    assert str(caught.value) == f"{name} is no time zone{meant}"
