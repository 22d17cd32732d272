"""Takes in the API key of an account: Kit is asked whose it is, and only then is it kept, encrypted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from contextlib import suppress
from typing import Final

from pydantic import SecretStr

from worker.accounts.claims import mark
from worker.errors import KitUnavailable, LedgerUnavailable
from worker.kit.access import KitAccess
from worker.kit.account import KitAccount
from worker.kit.credentials import ApiKey
from worker.ledger.api_keys import ApiKeys
from worker.ledger.connecting import Connected, TakenError
from worker.ledger.kit_accounts import KitAccounts
from worker.ledger.registry import Registry
from worker.ledger.sealing import Seal
from worker.ledger.store import Ledger
from worker.ops.connect import KitAccountTakenError, account_behind
from worker.outside.texts import SECRETS
from worker.settings import Settings

WITHIN: Final = 5.0
"""Seconds for which Kit is waited for."""
_KEY: Final = re.compile(r"[!-~]{8,2048}")
"""What can be sent as a header, and is long enough to be looked for in texts."""


class NoApiKeyError(Exception):
    """What was entered cannot be kept; the text says why and what to do, and repeats nothing of it."""


async def enter_key(
    settings: Settings,
    account: str,
    entered: str,
    ledger: Ledger,
    *,
    names: Collection[str],
    instead_of: Connected | None = None,
) -> KitAccount:
    """Keep an account's API key; return what it opens. Workers have it in force within 5 seconds.

    What Kit does not take is not kept, nor what Kit cannot be asked about: the key before it goes on.

    Args:
        settings: Where Kit is, and the key of the ledger.
        account: Its name.
        entered: What somebody typed.
        ledger: Where it is kept.
        names: The accounts that have a file.
        instead_of: What it shall replace, also where that is of another account at Kit.

    Raises:
        NoApiKeyError: It can be no key, or there is no `LEDGER_KEY`.
        KitAccountTakenError: The account at Kit, or the key, belongs to another account of this worker.
        OtherConnectionError: The account is connected to another one at Kit, which was not named.
        CredentialRefused: Kit refuses the key.
        KitWorkerError: Kit, or the ledger, does not answer.
    """
    if settings.ledger_key is None:
        raise NoApiKeyError(
            "LEDGER_KEY is not set, with which keys are encrypted: set it for the page and all workers and "
            "commands (kit-worker connect makes one), and keep a copy"
        )
    key = _checked(entered)
    with SECRETS.while_known(key.get_secret_value()):
        await _check_claim(ledger, account, key, names)
        at_kit = await _asked(KitAccess(settings, ledger), account, key)
        keys = ApiKeys(ledger, Seal(settings.ledger_key))
        try:
            await keys.keep(account, key, at_kit.id, settings.kit_base_url.rstrip("/"), instead_of=instead_of)
        except TakenError as error:
            raise KitAccountTakenError(at_kit.name, str(error)) from error
    with suppress(LedgerUnavailable):  # the key is kept by now
        await KitAccounts(ledger).saw(account, at_kit.name, at_kit.plan)
    SECRETS.add(key.get_secret_value())
    return at_kit


def _checked(entered: str) -> SecretStr:
    key = entered.strip()
    if not key:
        raise NoApiKeyError("no key was entered: copy it from Kit (Settings, Developer)")
    if not _KEY.fullmatch(key):
        raise NoApiKeyError(
            "this cannot be an API key, which is one word of at least 8 plain letters, digits and signs: "
            "copy it from Kit again (Settings, Developer)"
        )
    return SecretStr(key)


async def _check_claim(ledger: Ledger, account: str, key: SecretStr, names: Collection[str]) -> None:
    """Refuse the key that another account has by a variable or a file; the ledger knows it by its digest."""
    claims = await Registry(ledger, ledger.worker).claims()
    owner = claims.get(mark(("secret", key.get_secret_value())))
    if owner not in {None, account} and owner in names:
        raise KitAccountTakenError("this", owner)


async def _asked(kit: KitAccess, account: str, key: SecretStr) -> KitAccount:
    try:
        async with asyncio.timeout(WITHIN):
            return await account_behind(kit, account, ApiKey(key))
    except TimeoutError:
        raise KitUnavailable(f"Kit has not answered within {WITHIN:.0f} seconds") from None
