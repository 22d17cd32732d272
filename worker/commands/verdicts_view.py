"""Prints what would become of events."""

from __future__ import annotations

from collections.abc import Sequence

from worker.commands.exits import ExitCode
from worker.commands.output import say, show_json
from worker.contract.verdict import Verdict


def show_verdicts(verdicts: Sequence[Verdict], *, as_json: bool) -> ExitCode:
    """Print a line for each event, or JSON; return 0 where all would be taken, else 2."""
    refused = sum(each.error is not None for each in verdicts)
    if as_json:
        show_json([_as_json(each) for each in verdicts])
    else:
        for each in verdicts:
            say(_line(each))
        say(f"{len(verdicts)} checked, {refused} refused; nothing was sent.")
    return ExitCode.CONFIGURATION if refused else ExitCode.OK


def _line(each: Verdict) -> str:
    if each.error is None:
        return f"{each.sample.where}: good: {each.routing_key}"
    return f"{each.sample.where}: refused ({each.error.reason.value}): {each.error}"


def _as_json(each: Verdict) -> dict[str, object]:
    return {
        "where": each.sample.where,
        "id": each.sample.id or None,
        "type": each.sample.type or None,
        "routing_key": each.routing_key or None,
        "good": each.error is None,
        "reason": each.error.reason.value if each.error else None,
        "problem": str(each.error) if each.error else None,
    }
