"""A bar chart as SVG for docs: light and dark, on a phone, and in words for who does not see it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from tests.bench.figures import Spread

WIDTH: Final = 400
"""A phone shows it in 330 to 400 pixels, so that its letters stay as large as those around it."""
MARGIN: Final = 16
BAR_HIGH: Final = 12
CAP_HIGH: Final = 4
ROW: Final = 40
GROUP: Final = 28
GAP: Final = 14
"""Between two groups."""
HEAD: Final = 66

STYLE: Final = """
svg { --paper: #ffffff; --edge: #d5dae1; --ink: #1c2430; --faint: #566072; --track: #eef1f5;
  --other: #97a3b4; --ours: #2f6fd0; font: 13px system-ui, "Segoe UI", "Liberation Sans", sans-serif }
@media (prefers-color-scheme: dark) {
  svg { --paper: #12171f; --edge: #343d4b; --ink: #e8edf4; --faint: #a3afbf; --track: #202835;
    --other: #66758a; --ours: #6aa5ff } }
text { fill: var(--ink) }
.paper { fill: var(--paper); stroke: var(--edge) }
.title { font-size: 17px; font-weight: 600 }
.note { fill: var(--faint) }
.group { font-size: 14px; font-weight: 600 }
.value { text-anchor: end; font-variant-numeric: tabular-nums }
.track { fill: var(--track) }
.other { fill: var(--other) }
.ours { fill: var(--ours) }
.spread { stroke: var(--ink); stroke-width: 1.5; fill: none }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure with its spread.

    Attributes:
        ours: Whether it is kit-worker's.
    """

    name: str
    figure: Spread
    ours: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows.

    Attributes:
        note: How to read it: the unit, and which end is the better one.
        groups: Bars by what they have in common; its name may be empty.
        digits: Of the figures, after the decimal point.
    """

    title: str
    note: str
    groups: Sequence[tuple[str, Sequence[Bar]]]
    digits: int = 0

    @property
    def words(self) -> str:
        """All of it in words."""
        groups = (
            (f"{name}: " if name else "")
            + ", ".join(f"{bar.name} {bar.figure.text(self.digits)}" for bar in bars)
            for name, bars in self.groups
        )
        return f"{self.title}, {self.note}. {'. '.join(groups)}."

    def svg(self) -> str:
        """Draw it."""
        most = max(bar.figure.highest for _, bars in self.groups for bar in bars) or 1.0
        body: list[str] = []
        high = HEAD
        for number, (name, bars) in enumerate(self.groups):
            high += GAP if number else 0
            if name:
                body.append(_text(MARGIN, high + 14, name, "group"))
                high += GROUP
            for bar in bars:
                body += _bar(bar, high, most, self.digits)
                high += ROW
        high += MARGIN // 2
        opening = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{high}"'
        lines = [
            f'{opening} viewBox="0 0 {WIDTH} {high}" role="img" aria-labelledby="title words">',
            f'<title id="title">{escape(self.title)}</title>',
            f'<desc id="words">{escape(self.words)}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{high - 1}" rx="8"/>',
            _text(MARGIN, 30, self.title, "title"),
            _text(MARGIN, 50, self.note, "note"),
            *body,
            "</svg>",
        ]
        return "".join(f"{line}\n" for line in lines)


def _bar(bar: Bar, top: int, most: float, digits: int) -> Iterator[str]:
    room = WIDTH - 2 * MARGIN
    middle, bottom = top + 20 + BAR_HIGH // 2, top + 20

    def at(value: float) -> float:
        return round(MARGIN + room * value / most, 1)

    yield _text(MARGIN, top + 14, bar.name)
    yield _text(WIDTH - MARGIN, top + 14, bar.figure.text(digits), "value")
    yield f'<rect class="track" x="{MARGIN}" y="{bottom}" width="{room}" height="{BAR_HIGH}" rx="2"/>'
    wide = round(at(bar.figure.median) - MARGIN, 1)
    kind = "ours" if bar.ours else "other"
    yield f'<rect class="{kind}" x="{MARGIN}" y="{bottom}" width="{wide}" height="{BAR_HIGH}" rx="2"/>'
    low, high = at(bar.figure.lowest), at(bar.figure.highest)
    if high > low:
        cap = f"v{2 * CAP_HIGH}"
        ends = " ".join(f"M{end} {middle - CAP_HIGH}{cap}" for end in (low, high))
        yield f'<path class="spread" d="M{low} {middle}H{high} {ends}"/>'


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    shown = f' class="{kind}"' if kind else ""
    return f'<text{shown} x="{x}" y="{y}">{escape(text)}</text>'
