"""`kit-worker schema`: what is printed is what the code says."""

from __future__ import annotations

import json

from tests.unit.commands.conftest import Command
from worker.accounts.file.model import account_schema
from worker.contract.asyncapi import asyncapi_document


def test_schema_account_prints_the_json_schema(kit_worker: Command) -> None:
    ended = kit_worker("schema", "account")

    assert ended.code == 0
    assert json.loads(ended.out) == account_schema()


def test_schema_events_prints_the_asyncapi_document(kit_worker: Command) -> None:
    ended = kit_worker("schema", "events")

    assert ended.code == 0
    assert json.loads(ended.out) == asyncapi_document("platform.events")
