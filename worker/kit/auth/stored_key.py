"""The login of an account whose API key was entered on the page."""

from __future__ import annotations

from collections.abc import Mapping

from worker.errors import CredentialRefused, LedgerUnavailable, TryLater
from worker.kit.auth.login import API_KEY_HEADER, KEY_REFUSED, Login, check_place, same_kit_account
from worker.ledger.api_keys import ApiKeys, EnteredKey
from worker.ledger.connecting import Connected


class StoredKeyLogin(Login):
    """The login of one account, to one Kit account; a key of another one takes another login.

    Args:
        account: Its name.
        keys: Where its key is kept.
        base_url: Where Kit is.
    """

    def __init__(self, account: str, keys: ApiKeys, base_url: str) -> None:
        self.refused = f"{KEY_REFUSED}, and enter it on the page"
        self._account = account
        self._keys = keys
        self._base_url = base_url.rstrip("/")
        self._known: EnteredKey | None = None
        self._kit_account: int | None = None

    async def check(self) -> None:
        """Return where a key was entered; raises as `headers` does, and asks nobody but the ledger."""
        await self._stored()

    async def headers(self) -> Mapping[str, str]:
        """Return the header of the key that was entered.

        Raises:
            CredentialRefused: None was entered yet, or it cannot be read.
            TryLater: The ledger does not answer now.
        """
        return _header(self._known or await self._stored())

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        """Tell whether another key than the one that Kit has refused was entered meanwhile."""
        return _header(await self._stored()) != refused

    def is_stale(self, found: Connected | None) -> bool:
        """Tell whether the key in use was forgotten, or another one entered; see `Login`."""
        return self._known is not None and self._known.connected != found

    async def _stored(self) -> EnteredKey:
        self._known = None
        try:
            stored = await self._keys.load(self._account)
        except LedgerUnavailable as error:
            raise TryLater(str(error)) from error
        if stored is None:
            raise CredentialRefused(not_entered(self._account))
        check_place(stored.kit_url, self._base_url, "enter the API key of this one")
        self._kit_account = same_kit_account(self._kit_account, stored.connected)
        self._known = stored
        return stored


def not_entered(account: str) -> str:
    """Return what to do about an account without a key."""
    return (
        "no API key has been entered yet: enter it on the page, or run kit-worker connect "
        f"{account} --api-key-stdin"
    )


def _header(stored: EnteredKey) -> Mapping[str, str]:
    return {API_KEY_HEADER: stored.api_key.get_secret_value()}
