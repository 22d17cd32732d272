"""The rows of a drift's plan, as they are written down and read again."""

import msgspec

from worker.subscribers.drifted import DriftKind, DriftRow


def test_a_row_is_read_again_as_it_was_written() -> None:
    """What a plan says is what the worker's message says."""
    row = DriftRow(DriftKind.FIELD, "Plan", "Gold")

    written = msgspec.json.encode(row)

    assert written == b'{"class":"field","name":"Plan","kit":"Gold"}'
    assert msgspec.json.decode(written, type=DriftRow) == row
