"""A dead letter as it is read from its queue, with an id that is its own."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from worker.dead_letters.death import made_up_id
from worker.dead_letters.letter import DeadLetter, read_dead_letter
from worker.events.delivery import Delivery


def read_letter(delivery: Delivery, account: str) -> DeadLetter:
    """Return a dead letter with an id that is its own, and the same whenever one looks.

    The `message_id` of what no worker wrote is its publisher's, who may have left it out, or use one again
    and again; its number here depends on what lies before it. So what it is tells it from others.
    """
    letter = read_dead_letter(delivery, account)
    own = delivery.properties.get("message_id")
    if own and letter.is_by_worker:
        return letter
    if own == made_up_id(letter.body, letter.headers):
        own = None  # it was moved
    says = (letter.event_id, letter.event_type, letter.event_time, letter.routing_key, letter.failed_at)
    digest = sha256("\0".join(says).encode(errors="surrogatepass") + letter.body).hexdigest()
    return replace(letter, id=f"{own or 'digest'}-{digest[:16]}")
