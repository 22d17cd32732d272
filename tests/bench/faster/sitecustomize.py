"""Shortens the time in which Kit's limit allows its calls, so that a drain of 42 minutes takes two.

A larger limit in 60 s would not be the same: what a worker takes in hand goes by its limit, and calls that
come in one burst a minute would come in one burst a minute still. How old an event may grow in hand, until
the worker takes fewer of them, is shorter with it.
"""

from __future__ import annotations

import os

from worker.kit.limiter import Limiter
from worker.retry import PATIENCE

_faster = float(os.environ["FASTER"])
_defaults = Limiter.__init__.__kwdefaults__
if _defaults is None or "window" not in _defaults:
    raise SystemExit("the limiter's window is no longer its argument: tests/bench/faster has to be mended")
_defaults["window"] /= _faster
object.__setattr__(PATIENCE, "max_age", PATIENCE.max_age / _faster)
