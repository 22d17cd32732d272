"""What people do in Kit's own pages, past this worker."""

from __future__ import annotations

import time
from dataclasses import replace

from worker.sandbox import AccountView
from worker.sandbox.inputs import subscriber_input


def take_off(kit: AccountView, email: str, *tags: str) -> None:
    """Take tags off somebody."""
    for name in tags:
        row = kit.account.subscriber(kit.subscriber(email).id)
        kit.account.memberships.untag(kit.tags()[name], row, time.time())


def put_on(kit: AccountView, email: str, *tags: str) -> None:
    """Put tags on somebody, which are made if need be."""
    kit.add_subscriber(email, tags=tags)


def unsubscribe(kit: AccountView, email: str) -> None:
    """Let somebody get no more mail."""
    kit.account.unsubscribe(kit.subscriber(email).id, time.time())


def resubscribe(kit: AccountView, email: str) -> None:
    """Let somebody get mail again."""
    row = kit.account.subscriber(kit.subscriber(email).id)
    kit.account.subscribers.put(replace(row, state="active", cancelled_at=None), time.time())


def change_address(kit: AccountView, email: str, new: str) -> None:
    """Give somebody another address."""
    kit.account.update(
        kit.subscriber(email).id, subscriber_input({"email_address": new, "fields": {}}), time.time()
    )
