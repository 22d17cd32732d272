"""Prints dead letters, for people and for programs."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from worker.commands.output import say, show, show_json, table
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.listing import Listing
from worker.events.values import time_text


def show_listings(listings: list[Listing], limit: int, *, as_json: bool) -> None:
    """Print accounts' dead letters: by reason, then the newest one by one."""
    if as_json:
        show_json([_listing(listing) for listing in listings])
        return
    groups = [group for listing in listings for group in listing.groups]
    if groups:
        headings = ("Account", "Reason", "Count", "Oldest", "Newest", "The newest says")
        rows = [
            (each.account, each.reason, str(each.count), _time(each.oldest), _time(each.newest), each.example)
            for each in groups
        ]
        show(table(headings, rows))
        _show_one_by_one([letter for listing in listings for letter in listing.letters], limit)
    for listing in listings:
        say(*_remarks(listing))


def _show_one_by_one(letters: list[DeadLetter], limit: int) -> None:
    newest = letters[-limit:] if limit else letters
    several = len({letter.account for letter in newest}) > 1
    rows = [
        (
            each.id,
            _time(each.failed_at),
            f"{each.event_type} {each.event_id}".strip(),
            _why(each, several=several),
        )
        for each in newest
    ]
    show(table(("Id", "Failed at", "Event", "Why"), rows, whole=2))
    if len(newest) < len(letters):
        say(f"These are the newest {len(newest)} of {len(letters)}: --limit 0 shows all of them.")


def _why(letter: DeadLetter, *, several: bool) -> str:
    of_account = f"{letter.account}: " if several else ""
    return f"{of_account}{letter.reason}: {letter.detail}"


def _remarks(listing: Listing) -> list[str]:
    remarks = []
    if not listing.exists:
        remarks.append(
            f"{listing.account}: no dead-letter queue yet; the worker declares it when it first runs."
        )
    elif not listing.matching and not listing.missing:
        among = f" among {listing.ready} dead letters" if listing.ready else ""
        remarks.append(f"{listing.account}: nothing{among}.")
    if listing.matching > len(listing.letters):
        remarks.append(f"{listing.account}: only the oldest {len(listing.letters)} are named one by one.")
    if listing.copies:
        remarks.append(
            f"{listing.account}: {listing.copies} more of the queue's messages are copies of these, "
            "which RabbitMQ confirmed late. They go with them."
        )
    if listing.missing:
        remarks.append(
            f"{listing.account}: {listing.missing} did not come; another tool holds them. Try again."
        )
    if listing.watchers:
        remarks.append(
            f"{listing.account}: {listing.watchers} other consumer{_s(listing.watchers)} of "
            "this queue may hold more dead letters, which are not shown."
        )
    return remarks


def _listing(listing: Listing) -> dict[str, Any]:
    return {
        **{name: value for name, value in asdict(listing).items() if name != "letters"},
        "letters": [_known(letter) for letter in listing.letters],
    }


def show_letters(letters: list[DeadLetter], *, as_json: bool) -> None:
    """Print dead letters with all that is known of them."""
    if as_json:
        show_json([_whole(letter) for letter in letters])
        return
    for letter in letters:
        labels = {name: letter.properties.get(name) for name in ("content_type", "content_encoding")}
        known = {**_known(letter), **labels}
        facts = [(name.replace("_", " "), str(value)) for name, value in known.items() if value]
        show(table(("Dead letter", letter.id), [fact for fact in facts if fact[0] != "id"]))
        show(
            table(
                ("Header", "Value"), [(name, _text(value)) for name, value in sorted(letter.headers.items())]
            )
        )
        say("Body", style="bold")
        say(letter.text, "")


def show_moved(letters: list[DeadLetter], verb: str, *, as_json: bool) -> None:
    """Print what was done to which dead letters."""
    if as_json:
        show_json([{"id": each.id, "account": each.account, "event_id": each.event_id} for each in letters])
        return
    for (account, reason), count in Counter((each.account, each.reason) for each in letters).items():
        say(f"{account}: {count} dead letter{_s(count)} ({reason}) {verb}.")
    if not letters:
        say(f"No dead letter was {verb}.")


def print_line(letter: DeadLetter) -> None:
    """Print a dead letter as one line of JSON."""
    show_json(_whole(letter), indent=None)


def _known(letter: DeadLetter) -> dict[str, Any]:
    """Return all but headers, body and properties."""
    left_out = {"headers", "body", "properties", "seen"}
    names = [field.name for field in fields(letter) if field.name not in left_out]
    return {name: _plain(getattr(letter, name)) for name in names}


def _whole(letter: DeadLetter) -> dict[str, Any]:
    """Return everything; the body as text where it is some, and to the byte where that is not all of it."""
    plain = letter.plain_body
    body: dict[str, str] = {}
    with suppress(UnicodeDecodeError):
        body["body"] = plain.decode()
    if not body or plain != letter.body:
        body["body_base64"] = b64encode(letter.body).decode()
    outside = {"headers": _plain(letter.headers), "properties": _plain(letter.properties)}
    return {**_known(letter), **outside, **body}


def _plain(value: object) -> Any:  # noqa: ANN401  # any JSON
    """Return what AMQP carries as JSON can carry it."""
    if isinstance(value, Mapping):
        return {_readable(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    if value is None or isinstance(value, bool | int | float):
        return value
    return _readable(str(value))


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _text(value: object) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _time(text: str) -> str:
    """Return a time to the second, which is what people compare."""
    return text[:19].replace("T", " ") + "Z" if len(text) > 19 else text


def _s(count: int) -> str:
    return "" if count == 1 else "s"
