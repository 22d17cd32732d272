"""The figures, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from tests.bench.consumers import PLAIN, WORKER
from tests.bench.figures import Row, Spread, rows, troubles
from tests.bench.life import EVENTS, PEOPLE
from tests.bench.runs import BacklogRun, MemoryRun


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured.

    Attributes:
        processors: How many the machine has.
        load_before: The machine's load average over the minute before the first run: what others did.
        seconds: How long all of it took.
    """

    runs: Sequence[BacklogRun]
    memory: Sequence[MemoryRun]
    rounds: int
    processors: int
    load_before: float
    seconds: float

    @property
    def rows(self) -> list[Row]:
        """The table's lines."""
        return rows(self.runs, self.memory)

    @property
    def missed(self) -> list[Row]:
        """The lines whose aim was missed."""
        return [row for row in self.rows if row.met is False]

    @property
    def failed(self) -> bool:
        """Whether an aim was missed that no machine is an excuse for, or an event was left."""
        ours = [run for run in self.runs if run.consumer == WORKER]
        return any(not row.by_machine for row in self.missed) or bool(troubles(ours))

    def table(self) -> Table:
        """The figures beside their aims."""
        rounds = "1 round" if self.rounds == 1 else f"median of {self.rounds} rounds (lowest to highest)"
        table = Table(
            title=f"{EVENTS:,} events of {PEOPLE:,} people; {rounds}",
            caption=f"{self.processors} processors, load average {self.load_before:.1f} before the first "
            f"run, {self.seconds:.0f} s in all",
        )
        for name in ("", PLAIN, WORKER, f"aim for {WORKER}", ""):
            table.add_column(name, justify="right" if name in {PLAIN, WORKER} else "left")
        for row in self.rows:
            plain = "" if row.plain is None else _text(row.plain, row.digits)
            table.add_row(row.what, plain, _text(row.worker, row.digits), row.aim, _verdict(row))
        return table

    def conclusion(self) -> list[str]:
        """What the table means, one sentence each."""
        missed = [f"Missed: {row.what}; the aim is {row.aim}." for row in self.missed]
        return [*(missed or ["Every aim was met."]), *troubles(self.runs)]

    def json(self) -> str:
        """The figures and the runs behind them."""
        return json.dumps(
            {
                "figures": [asdict(row) for row in self.rows],
                "conclusion": self.conclusion(),
                "runs": [asdict(run) for run in self.runs],
                "memory": [asdict(run) for run in self.memory],
                "machine": {"processors": self.processors, "load_before": self.load_before},
                "seconds": self.seconds,
            },
            indent=2,
        )


def _text(figure: Spread, digits: int) -> str:
    text = f"{figure.median:,.{digits}f}"
    lowest, highest = f"{figure.lowest:,.{digits}f}", f"{figure.highest:,.{digits}f}"
    return text if lowest == highest else f"{text} ({lowest} to {highest})"


def _verdict(row: Row) -> str:
    if row.met is None:
        return ""
    return "[green]met[/]" if row.met else "[bold red]missed[/]"
