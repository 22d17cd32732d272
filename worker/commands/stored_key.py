"""`kit-worker connect ACCOUNT --api-key-stdin`: takes in an API key, which the ledger keeps."""

from __future__ import annotations

import sys
from typing import Final

from worker.accounts.load import Loaded
from worker.commands.common import one_account, opened_ledger, read_accounts, run_async
from worker.commands.exits import UsageError
from worker.commands.output import say
from worker.kit.account import KitAccount
from worker.kit.credentials import StoredKey
from worker.ledger.connecting import OtherConnectionError
from worker.ledger.tokens import TokenStore
from worker.ops.api_key import NoApiKeyError, enter_key
from worker.ops.connect import KitAccountTakenError
from worker.settings import Settings

LONGEST: Final = 4096
"""Characters that are read; a key is much shorter."""


def store_key(settings: Settings, account: str, *, replace: bool) -> None:
    """Read a key from standard input and keep it.

    Raises:
        UsageError: It is not kept, or the account's file does not say that it is to be.
        CredentialRefused: Kit refuses it.
        KitWorkerError: Kit, or the ledger, does not answer.
    """
    loaded = read_accounts(settings)
    found = one_account(loaded, account)
    if not isinstance(found.credential, StoredKey):
        raise UsageError(
            f"{found.path} names another way into Kit: write kit: {{api_key: stored}} there, in place of it"
        )
    try:
        at_kit = run_async(_store(settings, loaded, account, replace=replace))
    except NoApiKeyError as error:
        raise UsageError(str(error)) from error
    except KitAccountTakenError as error:
        raise UsageError(
            f"{error}; one Kit account is one file, with a list of apps. If {error.owner} has no file "
            f"any more: kit-worker disconnect {error.owner}"
        ) from error
    except OtherConnectionError as error:
        raise UsageError(
            f"{account} is {error}, and this key is of another one. Nothing was changed: if that is meant, "
            "run the command again with --replace"
        ) from error
    say(f"The API key of {at_kit.name} is kept for {account}; its workers notice within seconds.")


async def _store(settings: Settings, loaded: Loaded, account: str, *, replace: bool) -> KitAccount:
    entered = sys.stdin.read(LONGEST)
    async with opened_ledger(settings) as ledger:
        before = (await TokenStore(ledger, None).connected()).get(account) if replace else None
        return await enter_key(settings, account, entered, ledger, names=loaded.names, instead_of=before)
