"""Whom a dead letter is about, even where its event could not be read."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from worker.broker.topology import work_queue
from worker.dead_letters.letter import DeadLetter
from worker.errors import EventError
from worker.events.body import GZIP
from worker.events.json_body import parse_json
from worker.subscribers.identity import naming, person_in, person_key

MOST_UNPACKED: Final = 1024 * 1024
"""Bytes of a compressed body that are looked at."""
_BASE64: Final = re.compile(rb'"data_base64"\s*:\s*"([\w+/=-]*)')
_ESCAPE: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class AboutPerson:
    """Selects the dead letters about one person.

    Attributes:
        addresses: As `normalize_email` writes them.
        user_ids: As `person_key` writes them.
        home_app: The account's; see `person_key`.
    """

    addresses: Collection[str]
    user_ids: Collection[str]
    home_app: str = ""

    def matches(self, letter: DeadLetter) -> bool:
        """Tell whether a dead letter is about the person.

        It is where the address stands outside of its body: in an id, a header or a property. Where the body
        names nobody that one could read, it is about whoever's address stands in it, however written.
        """
        bodies = list(_bodies(letter.body))
        people = [_person(body) for body in bodies]
        apps = _apps(letter, self.home_app)
        if any(self._knows(user_id, apps) for _, user_id in people):
            return True
        if any(email in self.addresses for email, _ in people) or self._names(_around(letter)):
            return True
        return all(email is None for email, _ in people) and self._names(map(_text, bodies))

    def is_mentioned(self, letter: DeadLetter) -> bool:
        """Tell whether the address stands anywhere in it, though it may be about somebody else."""
        return self._names([*_around(letter), *map(_text, _bodies(letter.body))])

    def _knows(self, user_id: str | None, apps: Collection[str | None]) -> bool:
        keys = () if user_id is None else (person_key(user_id, app, self.home_app) for app in apps)
        return any(key in self.user_ids for key in keys)

    def _names(self, texts: Iterator[str] | Collection[str]) -> bool:
        patterns = [naming(address) for address in self.addresses]
        return any(pattern.search(each) for text in texts for each in _readings(text) for pattern in patterns)


def _apps(letter: DeadLetter, home_app: str) -> Collection[str | None]:
    """Return of which apps a dead letter may be: the last word of its routing key, or none."""
    _, dot, last = letter.routing_key.rpartition(".")
    routed = {last} if dot and letter.routing_key != work_queue(letter.account) else set[str]()
    return routed if routed and home_app else {None, *routed}


def _around(letter: DeadLetter) -> list[str]:
    """Return all of a dead letter but its body: ids, properties, and headers with all that is in them."""
    own = (letter.id, letter.event_id, letter.event_type, letter.routing_key, letter.detail)
    return [*own, *_strings(letter.properties), *_strings(letter.headers)]


def _strings(value: Any) -> Iterator[str]:  # noqa: ANN401  # whatever a header may hold
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, bytes | bytearray):
        yield _text(bytes(value))
    elif isinstance(value, str):
        yield value


def _bodies(body: bytes) -> Iterator[bytes]:
    """Yield a body as it is, unpacked, and what a CloudEvent has in it as base64."""
    if body.startswith(GZIP):
        body = _unpacked(body)
    yield body
    for found in _BASE64.findall(body):
        try:
            yield base64.b64decode(found.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=") + b"==")
        except binascii.Error:
            continue  # it is no base64, and so hides nobody


def _unpacked(body: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(body, MOST_UNPACKED)
    except zlib.error:
        return body


def _text(body: bytes) -> str:
    """Return bytes as text; without NULs, between which the letters of UTF-16 stand."""
    return body.decode("utf-8", errors="replace").replace("\0", "")


def _readings(text: str) -> Iterator[str]:
    """Yield a text as it is, and as JSON and addresses of the web write the same."""
    yield unicodedata.normalize("NFC", text)
    if "\\" in text:
        yield unicodedata.normalize("NFC", _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text))
    if "%" in text:
        yield unicodedata.normalize("NFC", unquote(text))


def _person(body: bytes) -> tuple[str | None, str | None]:
    try:
        event = parse_json(body)
    except EventError:
        return None, None
    data = event.get("data", event) if isinstance(event, dict) else None  # a binary CloudEvent is all data
    return person_in(data) if isinstance(data, dict) else (None, None)
