"""A message's body, as the bytes of its JSON, whatever its labels say. Pure.

The bytes decide: what begins as gzip is unpacked, and what is UTF-8 is read as that. Labels are set by habit
(`binary`, `us-ascii`, `none`, or a charset of the machine's), so that plain JSON is never refused for one.
They help where the bytes alone do not tell, and name what is at fault where nothing can be read.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

from worker.errors import UndecodableEvent
from worker.events.delivery import Delivery

MAX_BODY_BYTES: Final = 256 * 1024
"""Of a body as it was sent, and of what comes out where it is packed."""

GZIP: Final = b"\x1f\x8b"
"""What every gzip member begins with (RFC 1952, 2.3.1); no JSON does."""

_AMQP_VALUE: Final = b"\x00Sw"
"""How the section begins in which AMQP 1.0 sends one value (3.2.8), which RabbitMQ passes on as it is."""

_UTF_8: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_NO_ENCODING: Final = frozenset({"", "identity", "none", "null", "binary", "8bit", "7bit", "gzip", "x-gzip"})
_LATIN_1: Final = frozenset(
    {"iso-8859-1", "iso8859-1", "iso_8859-1", "latin-1", "latin1", "windows-1252", "cp1252"}
)
"""Read as windows-1252, as browsers do (WHATWG Encoding Standard): nobody sends control characters of C1."""

_CHARSET: Final = re.compile(r";\s*charset\s*=\s*[\"']?([^\"';\s]+)", re.IGNORECASE)
_MOST_OF_A_LABEL: Final = 255


def content_type(delivery: Delivery) -> str:
    """Return the content type; the SDK for JavaScript puts it among the headers, as HTTP has it."""
    given = delivery.properties.get("content_type") or next(
        (value for name, value in delivery.headers.items() if name.lower() == "content-type"), ""
    )
    return str(given)[:_MOST_OF_A_LABEL]


def media_type(delivery: Delivery) -> str:
    """Return the content type in lower case, without its parameters."""
    return content_type(delivery).partition(";")[0].strip().lower()


def plain_body(delivery: Delivery) -> bytes:
    """Return the body unpacked, and in UTF-8 where its labels name an older charset that it is in.

    Raises:
        UndecodableEvent: It is too large, as it is or unpacked, or damaged.
    """
    body = unpacked(delivery.body)
    return body if _LATIN_1.isdisjoint(_labels(delivery)) else _in_utf_8(body)


def unpacked(body: bytes) -> bytes:
    """Return a body, unpacked where it is gzip; never more than `MAX_BODY_BYTES` come out.

    Raises:
        UndecodableEvent: It is too large, as it is or unpacked, or damaged.
    """
    if len(body) > MAX_BODY_BYTES:
        raise UndecodableEvent(f"body: {len(body)} bytes; at most {MAX_BODY_BYTES} are allowed")
    if not body.startswith(GZIP):
        return body
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise UndecodableEvent("body: begins as gzip, but is damaged") from error
    if len(plain) > MAX_BODY_BYTES:
        raise UndecodableEvent(f"body: more than {MAX_BODY_BYTES} bytes once unpacked, which are too many")
    if not unpacker.eof or unpacker.unused_data:
        raise UndecodableEvent("body: gzip that is cut short, or that something else follows")
    return plain


def why_unreadable(delivery: Delivery) -> str:
    """Return what to say of a body that cannot be read, by how it begins and its labels; empty otherwise."""
    if delivery.body.startswith(_AMQP_VALUE):
        return "body: is a value of AMQP 1.0; send the JSON as data, which is bytes"
    encoding = _encoding(delivery)
    if encoding not in _NO_ENCODING | _UTF_8 | _LATIN_1:
        return f"content_encoding: {encoding[:40]!r} is not supported; send UTF-8 JSON, plain or as gzip"
    charset = _charset(delivery)
    if charset not in {"", *_UTF_8, *_LATIN_1}:
        return f"content_type: the charset {charset[:40]!r} is not supported; send UTF-8 JSON"
    media = media_type(delivery)
    if media and not media.endswith("json") and media.startswith("application/cloudevents"):
        return f"content_type: {media[:60]!r} is not supported; send application/cloudevents+json"
    return ""


def _encoding(delivery: Delivery) -> str:
    return str(delivery.properties.get("content_encoding", "")).strip().lower()


def _charset(delivery: Delivery) -> str:
    found = _CHARSET.search(content_type(delivery))
    return found[1].lower() if found else ""


def _labels(delivery: Delivery) -> set[str]:
    return {_encoding(delivery), _charset(delivery)}


def _in_utf_8(body: bytes) -> bytes:
    # UTF-8 first: many a publisher names its machine's charset, and sends UTF-8 all the same.
    for charset in ("utf-8", "cp1252"):
        try:
            return body.decode(charset).encode()
        except UnicodeDecodeError:
            continue
    return body
