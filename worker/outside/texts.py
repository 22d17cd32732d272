"""Texts from outside made harmless: short, without secrets, without what acts on a terminal. Pure.

Events, Kit, RabbitMQ, PostgreSQL, HTTP clients and files may say anything, of any length. Errors take their
own texts through here, logs each value, and commands what they print. All of it is linear in the length of a
text.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote

MAX_TEXT: Final = 2_000
"""Characters of a text that people still read."""
MAX_TRACEBACK: Final = 16_000
MAX_ADDRESS: Final = 320
"""Characters; whatever is longer is no email address (RFC 5321, 4.5.3.1), and is not looked at or kept."""

_MASK: Final = "***"
_LOCAL: Final = r"[^\s@<>\"'(),:;=/*\[\]{}]"
# Each run of letters is taken whole (`++`), so that no letter is looked at again from the next one on.
_ADDRESS: Final = re.compile(rf"({_LOCAL}++)(?:@([\w-]++(?:\.[\w-]++)*+))?")
_URL_LOGIN: Final = re.compile(r"://([^\s\"]*+)")
_MASKED_LOGIN: Final = re.compile(r"[\w-]*:\*\*\*")
_KEY: Final = re.compile(r"\bkit_(?:(?=[a-z]*+[A-Z0-9])[A-Za-z0-9]{8,}+|[a-z]{16,}+)\b")
"""What Kit's v4 API keys look like; names of ours, as `kit_rejected`, are short and of small letters."""
_ACTING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""What acts on a terminal or on the direction of text instead of showing, or cannot be shown at all."""


class Secrets:
    """The secrets that this process knows. However many there are, a text is read a few times at most.

    Attributes:
        longest: Characters of the longest one.
        version: Another one, whenever there are more, or fewer.
    """

    SHORTEST: Final = 6
    """Characters; what is shorter, such as `guest`, is a word of many texts."""
    FEW: Final = 16
    """Secrets that are looked for one by one, which takes less than to cut the text into its beginnings."""
    PASSING: Final = 4_096
    """So many of those that are replaced every few hours are remembered."""

    def __init__(self) -> None:
        self.longest = 0
        self.version = 0
        self._by_beginning: dict[str, set[str]] = {}
        self._passing: deque[str] = deque()

    def add(self, *secrets: str) -> None:
        """Remember secrets, also as they stand in an address."""
        for form in (form for secret in secrets for form in _forms(secret)):
            if len(form) >= self.SHORTEST and form not in self._beginning_as(form):
                self._by_beginning.setdefault(form[: self.SHORTEST], set()).add(form)
                self.longest = max(self.longest, len(form))
                self.version += 1

    def add_passing(self, *secrets: str) -> None:
        """Remember secrets that are soon replaced by others, in place of the oldest of them."""
        self.add(*secrets)
        self._passing += secrets
        while len(self._passing) > self.PASSING:
            oldest = self._passing.popleft()
            self._beginning_as(oldest).discard(oldest)

    @contextmanager
    def while_known(self, secret: str) -> Iterator[None]:
        """Remember what somebody typed for as long as this lasts: it may be a secret, or any word."""
        new = [form for form in _forms(secret) if form not in self._beginning_as(form)]
        self.add(secret)
        try:
            yield
        finally:
            self.version += 1
            for form in new:
                self._beginning_as(form).discard(form)

    def clear(self) -> None:
        """Forget all."""
        self.longest = 0
        self._by_beginning.clear()
        self._passing.clear()

    def taken_out(self, text: str) -> str:
        """Return a text with a mask in place of each secret."""
        for secret in sorted(self._found(text), key=len, reverse=True):
            text = text.replace(secret, _MASK)
        return text

    def _beginning_as(self, secret: str) -> set[str]:
        return self._by_beginning.get(secret[: self.SHORTEST], set())

    def _found(self, text: str) -> set[str]:
        size, known = self.SHORTEST, self._by_beginning
        if len(known) <= self.FEW:
            beginnings = {beginning for beginning in known if beginning in text}
        else:
            beginnings = {text[at : at + size] for at in range(len(text) - size + 1)} & known.keys()
        return {secret for beginning in beginnings for secret in known[beginning] if secret in text}


def _forms(secret: str) -> tuple[str, str]:
    """Return a secret, and how it stands in an address."""
    return secret, quote(secret, safe="")


SECRETS: Final = Secrets()
"""Whoever reads a secret adds it here."""


def line(text: str, limit: int = MAX_TEXT, *, addresses: bool = True) -> str:
    """Return a text as one line that can be printed, logged and kept.

    Args:
        text: Of anybody.
        limit: Characters; of a longer text its beginning is kept.
        addresses: Whether to mask addresses.
    """
    return redacted(text, limit, addresses=addresses).replace("\n", " ")


def redacted(text: str, limit: int = MAX_TEXT, *, addresses: bool = True) -> str:
    """Return a text of any number of lines as `line` does."""
    # What the window may cut in two, a secret or an address, lies in the margin, which is let go of again.
    margin = max(SECRETS.longest, MAX_ADDRESS)
    shown = _masked(harmless(SECRETS.taken_out(text[: limit + margin])), addresses=addresses)
    if len(text) > limit + margin:
        return _cut(shown[: len(shown) - margin], limit, len(text))
    return shown if len(shown) <= limit else _cut(shown, limit, len(text))


def tells_whom(text: str) -> bool:
    """Tell whether a text holds a whole address or a secret, so that it may not be kept as it is."""
    plain = _plain_signs(text)
    return SECRETS.taken_out(text) != text or _masked(plain, addresses=True) != plain


def harmless(text: str) -> str:
    """Return a text such that it can only be read: what would act stands as its `code`."""
    return text if text.isprintable() else _ACTING.sub(lambda match: code(match[0]), text)


def harmless_json(text: str) -> str:
    """Return JSON that means the same and only shows on a terminal."""
    return text if text.isprintable() else _ACTING.sub(lambda match: _escaped(match[0]), text)


def mask_email(address: str) -> str:
    """Return an address as logs may show it: `m…@example.com`."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}" if at else "…"


def code(letter: str) -> str:
    """Return how a letter is shown that cannot stand for itself."""
    number = ord(letter)
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )


def _cut(text: str, limit: int, whole: int) -> str:
    told = f"… ({whole:,} characters)"
    return text[: max(0, limit - len(told))] + told


def _masked(text: str, *, addresses: bool) -> str:
    """Return a text without API keys, without logins in URLs and, where asked, without addresses."""
    if "kit_" in text:
        text = _KEY.sub("kit_***", text)
    if addresses:
        text = _plain_signs(text)
    if "@" not in text:
        return text  # nearly every text of every line
    text = _URL_LOGIN.sub(_without_login, text)
    return _ADDRESS.sub(_without_local_part, text) if addresses else text


def _plain_signs(text: str) -> str:
    """Return a text with each @ that stands in it as it does in URLs and JSON."""
    return text.replace("%40", "@").replace("\\u0040", "@")


def _without_login(match: re.Match[str]) -> str:
    login, at, rest = match[1].rpartition("@")
    if not at or _MASKED_LOGIN.fullmatch(login):
        return match[0]
    return f"://{_MASK}@{rest}"


def _without_local_part(match: re.Match[str]) -> str:
    return match[0] if match[2] is None else mask_email(match[0])


def _escaped(letter: str) -> str:
    number = ord(letter)
    if number < 0x10000:
        return f"\\u{number:04x}"
    high, low = divmod(number - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
