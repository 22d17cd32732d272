"""Bounds on how long work may take, in processor time of the machine that runs the tests."""

from collections.abc import Callable
from time import process_time

STEPS = 400_000
"""Steps of the loop that shows how fast this machine is."""
USUAL = 0.0075
"""Seconds that the loop takes on a machine for which the bounds are meant."""
TRIES = 3


def takes_less(work: Callable[[], object], seconds: float) -> bool:
    """Return whether `work` takes less than `seconds` of processor time, by the best of three runs.

    Neighbours of a machine and its other processes slow a run down, and some machines are slower than
    others: the bound grows by as much as a plain loop beside it takes longer than usual.
    """
    for _ in range(TRIES):
        slower = max(1.0, _loop() / USUAL)
        began = process_time()
        work()
        took = process_time() - began
        if took < seconds * max(slower, _loop() / USUAL):
            return True
    return False


def _loop() -> float:
    began = process_time()
    total = 0
    for step in range(STEPS):
        total += step
    return process_time() - began
