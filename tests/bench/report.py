"""The table, for people, for docs/performance.md and for programs. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table

from tests.bench.consumers import PLAIN, STREAM, WORKER
from tests.bench.figures import Line

COLUMNS = (PLAIN, STREAM, WORKER)


@dataclass(slots=True)
class Report:
    """All that was measured.

    Attributes:
        rounds: How often, where a row is measured more than once.
        lines: So far.
        failures: By row, why it could not be measured.
        processors: How many the machine has.
        load_before: The machine's load average over the minute before the first row: what others did.
        programs: Which versions of Python and RabbitMQ it was.
        seconds: How long all of it took.
    """

    rounds: int
    processors: int
    load_before: float
    programs: str = ""
    lines: list[Line] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def read(cls, text: str) -> Report:
        """Return what `json` made of one."""
        saved: dict[str, Any] = json.loads(text)
        return cls(**{**saved, "lines": [Line.read(line) for line in saved["lines"]]})

    @property
    def missed(self) -> list[Line]:
        """The lines whose aim was missed."""
        return [line for line in self.lines if line.met is False]

    @property
    def failed(self) -> bool:
        """Whether something is off that no machine is an excuse for, or a row could not be measured."""
        return any(line.failed for line in self.lines) or bool(self.failures)

    @property
    def caption(self) -> str:
        """How it was measured."""
        return (
            f"medians (lowest to highest); {self.programs}, {self.processors} processors, "
            f"load average {self.load_before:.1f} before the first row, {self.seconds / 60:.0f} min in all"
        )

    def table(self) -> Table:
        """The figures beside their aims."""
        table = Table(caption=self.caption)
        for name in ("", *COLUMNS, "of", f"aim for {WORKER}", ""):
            table.add_column(name, justify="right" if name in COLUMNS else "left")
        for before, line in zip([None, *self.lines], self.lines, strict=False):
            if before is not None and before.row != line.row:
                table.add_section()
            colour = {"met": "green", "missed": "bold red"}.get(line.verdict, "none")
            table.add_row(line.what, *_figures(line), line.over, line.aim, f"[{colour}]{line.verdict}[/]")
        return table

    def markdown(self) -> str:
        """The same for docs/performance.md."""
        rows = [["", *COLUMNS, "of", f"aim for {WORKER}", ""], ["---"] * (len(COLUMNS) + 4)]
        for line in self.lines:
            verdict = f"**{line.verdict}**" if line.met is False else line.verdict
            rows.append([line.what, *_figures(line), line.over, line.aim, verdict])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def conclusion(self) -> list[str]:
        """What the table means, one sentence each."""
        missed = [f"Missed: {line.what}; the aim is {line.aim}." for line in self.missed]
        failures = [f"Not measured: {row}. {why}" for row, why in self.failures.items()]
        return [*(missed or ["Every aim was met."]), *failures]

    def json(self) -> str:
        """The figures."""
        return json.dumps(asdict(self), indent=2)


def _figures(line: Line) -> list[str]:
    return [line.figures[name].text(line.digits) if name in line.figures else "" for name in COLUMNS]
