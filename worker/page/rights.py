"""Who may look at what, and change it: visitors, and the signed texts that carry them. Pure.

A visitor is in a cookie, and the way to one in a link; both are signed with `PAGE_SECRET`, so nothing of them
is kept here. Whoever has no valid one has no rights.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final, Literal

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import SecretStr, TypeAdapter, ValidationError

Kind = Literal["session", "link", "message", "consent"]
"""What a signed text is for; one that is for something else is not valid."""

SESSION_LASTS: Final = 12 * 3600.0
"""Seconds of a session that began with a token; one that began with a link ends with it at the latest."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the page, until when.

    Attributes:
        who: As the journal names them.
        account: The one account that they may see; None for operators, who see all.
        may_change: Whether they may do anything but look.
        until: When it ends, in seconds since 1970.
    """

    who: str
    account: str | None
    may_change: bool
    until: float

    @property
    def is_operator(self) -> bool:
        """Whether they may see all accounts."""
        return self.account is None

    def may_see(self, account: str) -> bool:
        """Tell whether they may see an account."""
        return self.account in {None, account}


_VISITOR: Final = TypeAdapter(Visitor)


@dataclass(frozen=True, slots=True)
class Signer:
    """Writes and reads signed texts.

    A text is `BODY.SIGNATURE`, both in URL-safe Base64 without `=`: the body is JSON, and the signature the
    HMAC-SHA256 of the body's text, under a key that is the HMAC-SHA256 of `kit-worker KIND` under the secret.
    So the platform can write links, too (docs/page.md). That is what itsdangerous does with these settings.
    """

    secret: SecretStr

    def write(self, kind: Kind, value: Any) -> str:  # noqa: ANN401  # whatever JSON holds
        """Return a value as a signed text."""
        return str(self._serializer(kind).dumps(value))

    def read(self, kind: Kind, text: str) -> Any:  # noqa: ANN401  # whatever JSON holds
        """Return the value of a signed text; None where it is not ours, or for something else."""
        try:
            return self._serializer(kind).loads(text)
        except BadSignature:  # also where the body cannot be read
            return None

    def write_visitor(self, kind: Kind, visitor: Visitor) -> str:
        """Return a visitor as a signed text."""
        return self.write(kind, asdict(visitor))

    def read_visitor(self, kind: Kind, text: str, now: float) -> Visitor | None:
        """Return the visitor of a signed text; None where it is not valid, or has ended.

        Args:
            kind: What the text is to be for.
            text: Of anybody.
            now: Seconds since 1970.
        """
        try:
            visitor = _VISITOR.validate_python(self.read(kind, text))
        except ValidationError:
            return None
        return visitor if visitor.until > now else None

    def _serializer(self, kind: Kind) -> URLSafeSerializer:
        return URLSafeSerializer(
            self.secret.get_secret_value(),
            salt=f"kit-worker {kind}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )


def operator(*, may_change: bool, now: float) -> Visitor:
    """Return who signs in with a token."""
    who = "operator" if may_change else "operator, looking only"
    return Visitor(who, None, may_change, now + SESSION_LASTS)


def of_link(link: Visitor, now: float) -> Visitor:
    """Return who comes with a link."""
    return Visitor(link.who, link.account, link.may_change, min(link.until, now + SESSION_LASTS))
