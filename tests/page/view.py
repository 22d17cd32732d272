"""What is worth a picture."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from playwright.async_api import Page

from tests.page.browser import DARK, LIGHT, PHONE, Look

WIDE: Final = replace(LIGHT, width=840, height=520)
LOOKS: Final = (WIDE, replace(DARK, width=840, height=520), PHONE)


@dataclass(frozen=True, slots=True)
class View:
    """An address, and what is called after it.

    Attributes:
        name: Of the picture, without how one looks.
        looks: How one looks at it.
        act: What is done there before the picture is taken.
        part: A selector of what is shown of it; empty for all, from the top.
    """

    name: str
    url: str
    looks: tuple[Look, ...] = LOOKS
    act: Callable[[Page], Awaitable[None]] | None = None
    part: str = ""
