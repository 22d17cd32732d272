"""What is done to letters in the background comes to an end, whatever is in the way."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import SecretStr

from tests.unit.page.letters import entry, indexed, ledger_in
from worker.ledger.journal import Journal
from worker.ledger.letter_runs import RunAction, Wanted
from worker.ops.letters.runner import CRASHED, LetterRunner
from worker.ops.letters.turns import Turns
from worker.outside.texts import SECRETS
from worker.settings import Settings

ACCOUNT = "sunny-kitchen"


async def test_a_secret_that_is_in_an_accounts_name_ends_no_background_work(tmp_path: Path) -> None:
    """Given somebody who types an account's name as their API key, a run of that account ends as any does."""
    async with ledger_in(tmp_path) as ledger:
        await ledger.ready()
        await indexed(tmp_path, [entry(1)], account=ACCOUNT)
        nowhere = Settings.model_construct(amqp_url=SecretStr("nowhere"))
        runner = LetterRunner(nowhere, ledger, lambda _: None, Turns())
        running = asyncio.create_task(runner.run())

        with SECRETS.while_known(ACCOUNT):
            wanted = Wanted(RunAction.ARCHIVE, f"admin of {ACCOUNT}", reason="invalid_event")
            await runner.begin(ACCOUNT, wanted, within=10.0)

        assert not running.done()
        (line,) = await Journal(ledger).page(ACCOUNT)
        assert (line.action.who, line.action.result) == ("admin of ***", CRASHED)
        running.cancel()
