"""What a test of the writer begins with: Ada in Kit and known here, or a call that fails."""

from __future__ import annotations

from tests.unit.examples import EMAIL, change
from tests.unit.kit.harness import Account
from worker.sandbox import Fault, FaultKind, Rule

TAG = "/v4/tags/*/subscribers/*"


def fields(count: int) -> dict[str, str | None]:
    return {f"field_{number}": f"value {number}" for number in range(count)}


def failing(*, path: str | None = None, skip: int = 0, applied: bool = False) -> Rule:
    """One call, after the first `skip` ones, is answered 502."""
    return Rule(Fault(FaultKind.STATUS, applied=applied), path=path, times=1, skip=skip)


async def known(of: Account, *tags: str, **kit_fields: str) -> None:
    """Given Ada is in Kit with these tags and fields, and this worker has met her and all its tags."""
    of.kit.add_subscriber(EMAIL, tags=tags, fields=kit_fields)
    await of.apply(change(0))
    for name in ("A", "B", "C"):
        of.kit.add_tag(name)
    await of.catalog.missing([], [])
    of.restart()
    await of.apply(change(0, remove=("A",)))
    if "A" in tags:
        of.kit.add_subscriber(EMAIL, tags=("A",))
    of.calls()
