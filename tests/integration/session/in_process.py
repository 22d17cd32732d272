"""Sessions in this process, and ways to wait for what they do."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from pydantic import SecretStr

from tests.integration.harness import KEY
from worker.accounts.account import Account
from worker.consumer.supervisor import Supervisor
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS
from worker.kit.credentials import ApiKey
from worker.mapping import FieldTarget, Options

Running = Callable[..., AbstractAsyncContextManager[Supervisor]]


def ledger_at(folder: Path) -> str:
    """Return the address of the ledger of all that runs in a folder."""
    return f"sqlite+aiosqlite:///{folder}/ledger.db"


def account_called(name: str) -> Account:
    """Return an account with the default mapping."""
    return Account(
        name,
        credential=ApiKey(SecretStr(KEY)),
        events={kind: handler.default for kind, handler in HANDLERS.items() if handler.default},
        fields=tuple(
            FieldTarget(source, "first_name" if source == "mk_first_name" else source)
            for source in PLATFORM_FIELDS
        ),
        options=Options(max_new_taggings_per_hour=10**6),
        version="1",
    )


async def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something has come true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
