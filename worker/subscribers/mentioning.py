"""Whether a message mentions somebody: where an address stands in it, however written, or an id. Pure."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from worker.errors import EventError
from worker.events.body import GZIP
from worker.events.json_body import parse_json
from worker.events.values import Json
from worker.subscribers.identity import given_id, id_key, id_of, naming, spellings

MOST_UNPACKED: Final = 1024 * 1024
"""Bytes of a compressed body that are looked at."""
TELLING_DIGITS: Final = 8
"""Of an id that is a number: a shorter one may be an amount, a count or a year, of anything."""
_BASE64: Final = re.compile(rb'"data_base64"\s*:\s*"([\w+/=-]*)')
_ESCAPE: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")
_ASCII: Final = re.compile(r"[ -~]+")
_WRITTEN_OTHERWISE: Final = re.compile(rb'\\+u|%|\0|"data_base64"|' + re.escape(GZIP))
"""Where one of these stands, an address may stand that is not to be seen in the bytes."""


class Mentions:
    """Finds one person in messages about others.

    Args:
        addresses: As `normalize_email` writes them.
        user_ids: As `person_key` writes them. One counts where a value of an event is just this id.
    """

    def __init__(self, addresses: Collection[str], user_ids: Collection[str] = ()) -> None:
        self._patterns = [naming(each) for each in addresses]
        self._ids = {id_ for each in user_ids if _tells(id_ := id_of(each))}
        self._plain = [each.encode().lower() for each in (*pieces(addresses), *self._ids)]

    def may_be_in(self, message: bytes) -> bool:
        """Tell, fast, whether it is worth reading a message as a whole."""
        lowered = message.lower()
        return any(each in lowered for each in self._plain) or bool(_WRITTEN_OTHERWISE.search(message))

    def in_texts(self, texts: Iterable[str]) -> bool:
        """Tell whether an address stands in one of these texts."""
        found = (reading for text in texts for reading in _readings(text))
        return any(pattern.search(each) for each in found for pattern in self._patterns)

    def in_event(self, body: bytes, around: Iterable[str]) -> bool:
        """Tell whether an event mentions the person.

        Args:
            body: Its body, packed or not.
            around: The texts of its headers and properties.
        """
        plain = list(bodies(body))
        return self.in_texts((*around, *map(text_of, plain))) or any(map(self._has_id, plain))

    def _has_id(self, body: bytes) -> bool:
        """Tell whether an id is one of an event's values; whose event it is, says that of its user."""
        try:
            event = parse_json(body) if self._ids else None
        except EventError:
            return False
        data = event.get("data", event) if isinstance(event, dict) else event
        return any(id_key(text) in self._ids for value in _others(data) if (text := given_id(value)))


def _tells(user_id: str) -> bool:
    return not user_id.isdigit() or len(user_id) >= TELLING_DIGITS


def _others(data: Json) -> Iterator[Json]:
    """Yield all values of an event's data but the id of its user."""
    user = data.get("user") if isinstance(data, dict) else None
    if isinstance(data, dict) and isinstance(user, dict):
        data = {**data, "user": {name: value for name, value in user.items() if name != "id"}}
    yield from _values(data)


def _values(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _values(item)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item)
    else:
        yield value


def pieces(addresses: Collection[str]) -> list[str]:
    """Return what stands wherever an address does, however its letters beyond ASCII are written there."""
    written = {spelling for address in addresses for spelling in spellings(address)}
    return sorted({max(_ASCII.findall(each), key=len) for each in written})


def bodies(body: bytes) -> Iterator[bytes]:
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


def text_of(body: bytes) -> str:
    """Return bytes as text; without NULs, between which the letters of UTF-16 stand."""
    return body.decode("utf-8", errors="replace").replace("\0", "")


def strings_in(value: Any) -> Iterator[str]:  # noqa: ANN401  # whatever a header may hold
    """Yield all texts of a value, such as the headers of a message."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from strings_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings_in(item)
    elif isinstance(value, bytes | bytearray):
        yield text_of(bytes(value))
    elif isinstance(value, str):
        yield value


def _readings(text: str) -> Iterator[str]:
    """Yield a text as it is, and as JSON and addresses of the web write the same."""
    yield unicodedata.normalize("NFC", text)
    if "\\" in text:
        yield unicodedata.normalize("NFC", _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text))
    if "%" in text:
        yield unicodedata.normalize("NFC", unquote(text))
