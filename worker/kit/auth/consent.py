"""Asks a creator to let an app into a Kit account, and reads what the browser brings back.

What a second run of the command needs of the first comes back with the answer: `state` holds a random word,
when the question ends and a keyed hash of both, from which the PKCE verifier follows, too, so that nothing
has to be kept in between. Who finds an old question can do nothing with it.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qs

from pydantic import SecretStr

from worker.clock import Clock
from worker.kit.auth.endpoint import authorize_url
from worker.kit.credentials import OAuthApp
from worker.outside.texts import line

SEPARATOR: Final = "."
VALID_FOR: Final = 900.0
"""Seconds from the question to the answer. Kit's own code is good for some minutes more."""
_AROUND: Final = " \t\r\n'\"<>"
"""What is copied along with an address."""


def tenant_name(secret: bytes, account: str) -> str:
    """Return what Kit is to tell one installation's access to an account by from all others of the app.

    The ledger is the installation: `secret` is the key of its hashes, which stays for as long as it does.
    """
    installation = hmac.new(secret, b"tenant", sha256).hexdigest()[:12]
    return f"kit-worker-{installation}-{account}"


class ConsentError(Exception):
    """There is no consent in what came back; the text says why, and what to do at a shell.

    Attributes:
        why: The first part of that alone.
    """

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(f"{why}: {remedy}" if remedy else why)
        self.why = why


class DeclinedError(ConsentError):
    """The creator said no, or Kit did."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A code to be exchanged for tokens, and the PKCE verifier that goes with it."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Consent:
    """The question whether an app may use an account.

    Attributes:
        account: As its file is named.
        redirect_uri: Where Kit sends the browser afterwards; it must be known to the app at Kit.
        key: `LEDGER_KEY`.
        tenant: See `tenant_name`.
    """

    app: OAuthApp
    account: str
    redirect_uri: str
    key: SecretStr
    tenant: str
    clock: Clock

    def address(self, base_url: str, nonce: str) -> str:
        """Return where the creator says yes, within `VALID_FOR`; `nonce` is a random word."""
        question = f"{nonce}{SEPARATOR}{self.clock.time() + VALID_FOR:.0f}"
        return authorize_url(
            base_url,
            self.app,
            redirect_uri=self.redirect_uri,
            state=f"{question}{SEPARATOR}{self._hash('state', question)}",
            verifier=self._hash("verifier", question),
            tenant=self.tenant,
        )

    def pasted(self, text: str) -> Granted:
        """Return what somebody copied: the address at which the browser ended, its query, or the code alone.

        Raises:
            ConsentError: It is no answer to a question of ours.
        """
        # A shell hands on bytes that are no text as what no text may hold.
        text = text.encode(errors="replace").decode().strip(_AROUND)
        if "?" in text or "=" in text:
            return self.returned(text if "?" in text else f"?{text}")
        if not text:
            raise ConsentError("nothing was pasted")
        if self.app.client_secret is None:
            raise ConsentError("paste the whole address at which the browser ended, not only the code")
        return Granted(text, "")

    def returned(self, address: str) -> Granted:
        """Return what stands in the address at which the browser ended; raises as `pasted` does."""
        text = address.partition("?")[2].partition("#")[0]
        query = {name: values[0] for name, values in parse_qs(text).items()}
        question, _, proof = query.get("state", "").rpartition(SEPARATOR)
        self._check(question, proof)
        if said := query.get("error_description") or query.get("error"):
            raise DeclinedError(f"Kit says: {line(said, 200)}")
        if not query.get("code"):
            raise ConsentError(
                "there is no code in it",
                "paste the address at which the browser ended, not the one that the command printed",
            )
        return Granted(query["code"], self._hash("verifier", question))

    def _check(self, question: str, proof: str) -> None:
        if not hmac.compare_digest(proof.encode(), self._hash("state", question).encode()):
            raise ConsentError(
                f"this is no answer to a question about {self.account}",
                "run the command again, open the address that it prints, and use the same --redirect-uri and "
                "LEDGER_KEY both times",
            )
        if self.clock.time() > float(question.rpartition(SEPARATOR)[2]):
            raise ConsentError(
                "this answer comes too late, for the address that was opened held for "
                f"{VALID_FOR / 60:.0f} minutes",
                "run the command again, and open the new one",
            )

    def _hash(self, purpose: str, question: str) -> str:
        message = f"{purpose}\0{self.account}\0{self.redirect_uri}\0{question}".encode()
        digest = hmac.new(self.key.get_secret_value().encode(), message, sha256).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")
