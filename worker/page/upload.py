"""Takes the one large thing that somebody may send: a form with a file, read piece by piece up to a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

LARGEST_FILE: Final = 10 * 1024 * 1024
"""Bytes of a file."""
LARGEST_BOX: Final = 4096
"""Bytes of what somebody wrote into one box."""
MOST_PARTS: Final = 20
WITHIN: Final = 120.0
"""Seconds until all of it has to be there."""
CHUNK: Final = 64 * 1024
TOO_LARGE: Final = (
    "The file has more than 10 MB, which the page takes at most. Nothing was done. Take the command for it: "
    "kit-worker backfill."
)
NOT_WHOLE: Final = "What came is no whole form with a file. Nothing was done."
TOO_SLOW: Final = "The file did not come within two minutes. Nothing was done."


class NotUploadedError(ValueError):
    """What came cannot be taken; the text says why, and `status` what is answered."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class Upload(NamedTuple):
    """A form with a file.

    Attributes:
        name: Of the file, as whoever sent it calls it.
        content: What is in it.
        boxes: What else was in the form.
    """

    name: str
    content: bytes
    boxes: Mapping[str, str]


async def uploaded(request: web.Request) -> Upload:
    """Return the form that somebody sends; no more than its bounds is ever in memory.

    Raises:
        NotUploadedError: It is too large, too slow, or no such form.
    """
    if (request.content_length or 0) > LARGEST_FILE + MOST_PARTS * LARGEST_BOX:
        raise NotUploadedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE)
    if request.content_type != "multipart/form-data":
        raise NotUploadedError(HTTPStatus.BAD_REQUEST, NOT_WHOLE)
    try:
        async with asyncio.timeout(WITHIN):
            return await _read(await request.multipart())
    except TimeoutError as error:
        raise NotUploadedError(HTTPStatus.REQUEST_TIMEOUT, TOO_SLOW) from error
    except NotUploadedError:
        raise
    except (ValueError, AssertionError, LookupError, RuntimeError, HttpProcessingError) as error:
        # That is what aiohttp's reader raises, whatever is wrong with what came.
        raise NotUploadedError(HTTPStatus.BAD_REQUEST, NOT_WHOLE) from error


async def _read(reader: MultipartReader) -> Upload:
    name, content, boxes = "", b"", dict[str, str]()
    for _ in range(MOST_PARTS):
        part = await reader.next()
        if part is None:
            return Upload(name, content, boxes)
        if not isinstance(part, BodyPartReader):
            raise NotUploadedError(HTTPStatus.BAD_REQUEST, NOT_WHOLE)
        if part.filename is not None:
            name, content = part.filename, await _content(part, LARGEST_FILE)
        else:
            boxes[part.name or ""] = (await _content(part, LARGEST_BOX)).decode("utf-8", "replace")
    raise NotUploadedError(HTTPStatus.BAD_REQUEST, NOT_WHOLE)


async def _content(part: BodyPartReader, largest: int) -> bytes:
    found = bytearray()
    while chunk := await part.read_chunk(CHUNK):
        found += chunk
        if len(found) > largest:
            raise NotUploadedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE)
    return bytes(found)
