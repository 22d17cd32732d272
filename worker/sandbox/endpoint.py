"""What an endpoint is: from a request and an account to a status and the JSON of the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from worker.sandbox.bulk import PLAIN_TERMS, BulkTerms
from worker.sandbox.state import Account

Json = dict[str, object]
Result = tuple[int, Json | None]  # status and body; None for a 204


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request, parsed: the ids in its path, its query, its JSON body, and when it came (Unix seconds).

    `bulk` is what a bulk request meets besides.
    """

    now: float
    ids: Sequence[int] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    bulk: BulkTerms = PLAIN_TERMS


Endpoint = Callable[["Account", Incoming], Result]
