"""What a worker tells about its accounts."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from worker.accounts.account import Account
from worker.consumer.account_state import Status
from worker.consumer.shared import Shared
from worker.consumer.supervisors import Supervisors
from worker.errors import LedgerUnavailable
from worker.ledger.failures import Usability
from worker.ledger.witness import Witness
from worker.metrics import Metrics
from worker.ops.depths import Depth, Depths
from worker.ops.readiness import StatusReport

NO_DEPTHS = Depths(cast("Any", None), list)


class Supervising(dict[str, Any]):
    """Supervisors of accounts whose files are in order."""

    never_started: frozenset[str] = frozenset()
    loaded = SimpleNamespace(problems_of=lambda _: ())

    @property
    def running(self) -> dict[str, Any]:
        return self


def shared_with(usability: Usability) -> SimpleNamespace:
    ledger = SimpleNamespace(database=SimpleNamespace(usability=usability), witness=Witness())
    return SimpleNamespace(metrics=Metrics(), ledger=ledger)


def test_a_ledger_that_is_away_is_measured_until_it_is_back() -> None:
    """Given looks at the ledger that fail, and then do not, the metric is 0 and then 1."""
    usability = Usability()
    supervisors = SimpleNamespace(running={}, never_started=set())
    report = StatusReport(cast("Shared", shared_with(usability)), cast("Supervisors", supervisors), NO_DEPTHS)
    with pytest.raises(LedgerUnavailable), usability.of_use(writes=True):
        raise LedgerUnavailable("it is away")
    assert b"kit_worker_ledger_up 0.0" in report.metrics_text()
    with usability.of_use(writes=True):
        pass
    assert b"kit_worker_ledger_up 1.0" in report.metrics_text()


def test_an_account_that_was_removed_is_no_longer_measured() -> None:
    """Given an account that was held when its file was deleted, no alert of it stays on."""
    status = Status("credential_refused", "401", 900.0, 3)
    client = SimpleNamespace(
        limiter=SimpleNamespace(used_ratio=0.5), login=SimpleNamespace(has_unwritten=True)
    )
    catalog = SimpleNamespace(client=client)
    running: dict[str, Any] = {
        name: SimpleNamespace(status=status, catalog=catalog) for name in ("gone", "here")
    }
    supervisors = SimpleNamespace(running=running, never_started=set())
    shared = shared_with(Usability())
    depths = Depths(cast("Any", None), lambda: running)
    depths._known = {"gone": Depth(4, 2), "here": Depth(0, None)}
    report = StatusReport(cast("Shared", shared), cast("Supervisors", supervisors), depths)
    assert b'kit_worker_queue_depth{account="gone",queue="kit.gone.dead"} 2.0' in report.metrics_text()

    del running["gone"]

    text = report.metrics_text()
    assert b'"gone"' not in text
    assert b'kit_worker_queue_depth{account="here",queue="kit.here"} 0.0' in text
    assert b'kit_worker_token_not_written{account="here"} 1.0' in text
    assert b"kit.here.dead" not in text  # nothing is told that is not known


def test_what_the_worker_tells_the_ledger_has_nothing_that_it_does_not_know() -> None:
    """Given no word of the broker yet, no depth is told, where `null` would pass for one."""
    told = _told_of("here")

    assert "queue_depth" not in told
    assert told["state"] == "running"


def test_the_worker_tells_which_file_it_has_in_force() -> None:
    """Given a saved file, whoever saved it can see which workers have it, by its fingerprint."""
    assert _told_of("here")["config_hash"] == "0123456789ab"


def test_the_worker_tells_how_many_calls_to_kit_count_now() -> None:
    """Given an account that has not begun yet, that is none."""
    client = SimpleNamespace(limiter=SimpleNamespace(used=17))
    assert _told_of("here", SimpleNamespace(client=client))["kit_calls"] == 17
    assert _told_of("here")["kit_calls"] == 0


def _told_of(name: str, catalog: Any = None) -> Mapping[str, Any]:  # noqa: ANN401  # stands for a Catalog
    account = Account(name, version="0123456789ab")
    supervisor = SimpleNamespace(status=Status("running", ""), account=account, catalog=catalog)
    supervisors: Any = Supervising({name: supervisor})
    return StatusReport(cast("Any", None), supervisors, NO_DEPTHS).accounts()[name]


def test_a_ledger_that_went_back_is_counted() -> None:
    """Given an account whose ledger was found older than it was, the metric says how often."""
    status = Status("running", "")
    running = {"sunny": SimpleNamespace(status=status, catalog=None)}
    supervisors = SimpleNamespace(running=running, never_started=set())
    shared = shared_with(Usability())
    shared.ledger.witness.went_back["sunny"] += 2
    text = StatusReport(cast("Shared", shared), cast("Supervisors", supervisors), NO_DEPTHS).metrics_text()
    assert b'kit_worker_ledger_went_back{account="sunny"} 2.0' in text
