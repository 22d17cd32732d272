"""How the sandbox's pages look: head, style, and pieces that both have. Nothing is loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from worker.sandbox.answers import HTML, Answer

LONGEST_PIECE = 20  # characters after which a word without any sign may be broken

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --faint: #566072; --paper: #fff; --plane: #f4f6f9;
  --line: #d5dbe4; --link: #0b57a4; --on-link: #fff; --tag: #e3edf8; --bad: #a3172a }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --faint: #a3adbd; --paper: #14181f;
  --plane: #1d232c; --line: #39424f; --link: #8cc2ff; --on-link: #0d1218; --tag: #21374f; --bad: #ff9aa6 } }
* { box-sizing: border-box }
body { margin: 0; font: 1rem/1.5 system-ui, "Liberation Sans", sans-serif; color: var(--ink);
  background: var(--paper); overflow-wrap: break-word }
header, main { max-width: 68rem; margin: 0 auto; padding: .75rem 1rem }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center;
  border-bottom: 1px solid var(--line) }
header p { margin: 0; color: var(--faint) }
header .name { font-weight: 700; color: var(--ink) }
header .last { margin-left: auto }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 1rem 0 }
h2 { font-size: 1.15rem; margin: 2rem 0 .25rem }
main > p, section > p { margin: .25rem 0 .75rem }
.whole { white-space: nowrap }
[role=status]:empty { position: absolute }
.bad { color: var(--bad); font-weight: 600 }
a { color: var(--link) }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
button, .button { display: inline-block; font: inherit; line-height: 1.4; padding: .45rem 1rem;
  cursor: pointer; border: 1px solid var(--link); border-radius: .4rem; background: var(--link);
  color: var(--on-link); text-decoration: none; text-align: left; max-width: 100% }
button.second, .button.second { background: none; color: var(--link) }
[hidden] { display: none }
input { font: inherit; width: 100%; max-width: 26rem; padding: .45rem .6rem; border: 1px solid var(--faint);
  border-radius: .4rem; color: inherit; background: var(--paper) }
form { display: grid; gap: .4rem; justify-items: start }
.choices { list-style: none; padding: 0; display: grid; gap: .6rem; justify-items: start }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .4rem 1rem .4rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line) }
th:last-child, td:last-child { padding-right: 0 }
thead th { color: var(--faint); font-weight: 500; white-space: nowrap }
td b { font-weight: 600 }
td ul { list-style: none; margin: 0; padding: 0 }
.tags { display: flex; flex-wrap: wrap; gap: .25rem }
.tags li { background: var(--tag); border-radius: .7rem; padding: 0 .6rem }
@media (max-width: 52rem) {
  header .last { margin-left: 0 }
  thead { position: absolute; left: -99rem }
  table, tbody, tr, td { display: block }
  tr { padding: .6rem 0; border-bottom: 1px solid var(--line) }
  td { display: flex; gap: 1rem; padding: .1rem 0; border: 0 }
  td:empty { display: none }
  td::before { content: attr(data-label); color: var(--faint); flex: 0 0 6.5rem }
  td > * { min-width: 0 }
}
"""

_AFTER_SIGNS = tuple(re.compile(rf"(?<=[{signs}])(?=[^{signs}])") for signs in ("@", "/?&", "._+:=,;-"))
"""Where the lines of an address end best, first of all after its @."""


class Cell(NamedTuple):
    """HTML that stands in a table as it is; every other text is escaped."""

    html: str


def document(status: int, title: str, body: str) -> Answer:
    """A page of the sandbox; `body` is HTML."""
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style></head><body>{body}</body></html>\n",
    ]
    return Answer(status, "".join(parts).encode(), HTML)


def breakable(text: str) -> str:
    """A text as HTML in which what is longer than `LONGEST_PIECE` may break after the signs of an address.

    So no word is, but those that are longer themselves: after each so many characters.
    """
    return "".join(map(_word, re.split(r"(\s+)", text)))


def table(title: str, columns: tuple[str, ...], rows: Iterable[Iterable[object]]) -> str:
    """Rows under their columns; on a narrow screen, one value below the other, with its column's name."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(f"<tr>{_cells(columns, row)}</tr>" for row in rows)
    named = f'aria-label="{escape(title)}"'
    return f"<table {named}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def listed(kind: str, items: Iterable[str]) -> Cell:
    """A list, without one where there is nothing."""
    lines = "".join(f"<li>{breakable(item)}</li>" for item in items)
    return Cell(f'<ul class="{kind}">{lines}</ul>' if lines else "")


def whole(text: str) -> Cell:
    """A short text that stands on one line."""
    return Cell(f'<span class="whole">{escape(text)}</span>')


def _cells(columns: tuple[str, ...], row: Iterable[object]) -> str:
    return "".join(
        f'<td data-label="{escape(column)}">{_cell(cell)}</td>'
        for column, cell in zip(columns, row, strict=True)
    )


def _cell(cell: object) -> str:
    html = cell.html if isinstance(cell, Cell) else breakable(str(cell))
    return f"<div>{html}</div>" if html else ""


def _word(word: str) -> str:
    pieces = [word]
    for signs in _AFTER_SIGNS:
        pieces = [part for piece in pieces for part in (signs.split(piece) if _is_long(piece) else [piece])]
    chunks = (
        piece[at : at + LONGEST_PIECE] for piece in pieces for at in range(0, len(piece), LONGEST_PIECE)
    )
    return "<wbr>".join(map(escape, chunks))


def _is_long(piece: str) -> bool:
    return len(piece) > LONGEST_PIECE
