"""Checks single values of an account file: names, event types, apps, variables.

Each check raises a `ValueError` whose text is a sentence for the admin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from itertools import pairwise
from typing import Final

from worker.accounts.file.odd_characters import named
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS
from worker.mapping import MAX_NAME_LENGTH
from worker.mapping.template import placeholder

MAX_TYPE_LENGTH: Final = 190
MAX_APP_LENGTH: Final = 64
"""Together they fit a routing key, which holds 255 bytes."""

APP_PATTERN: Final = rf"^[A-Za-z0-9_-]{{1,{MAX_APP_LENGTH}}}$"
EVENT_PATTERN: Final = r"^[^\s.*#]+(\.[^\s.*#]+)*$"
PATH_PATTERN: Final = r"^data(\.[^\s.{}]+)+$"
ENV_PATTERN: Final = "^KIT_[A-Z0-9_]+$"
STORED: Final = "stored"
"""What an account file says of an API key that was entered on the page."""

_NO_TYPES: Final = frozenset(
    {"add_tags", "remove_tags", "rules", "set_fields", "clear_fields", "subscriber_state"}
)

_SETTINGS: Final = frozenset(
    {"KIT_BASE_URL", "KIT_RATE_LIMIT", "KIT_CONCURRENCY", "KIT_TIMEOUT", "KIT_ALLOW_HTTP"}
)
_SECRET_NAME: Final = re.compile(r"(API_?KEY|SECRET|TOKEN|PASSWORD)(_|$)")
_WORDS: Final = re.compile(r"(?i)\W*kit([_-][a-z]{1,12}){1,6}\W*")
"""A variable's name in whatever spelling: a key of Kit holds digits, and longer words."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9_+/=-]{16,}")
_LONGEST_SHOWN: Final = 60


def shown(text: object) -> str:
    """Return text as a message may repeat it: short, printable, and without anything like a secret."""
    safe = _TOKEN.sub(lambda match: "…" if _is_secret(match[0]) else match[0], str(text))
    safe = "".join(letter if letter.isprintable() else "�" for letter in safe)
    return safe if len(safe) <= _LONGEST_SHOWN else f"{safe[:_LONGEST_SHOWN]}…"


def looks_like_key(text: str) -> bool:
    """Tell whether text may be an API key rather than a name."""
    if re.fullmatch(ENV_PATTERN, text) or _WORDS.fullmatch(text):
        return False
    return text.lower().startswith("kit_") or (bool(_TOKEN.fullmatch(text)) and _is_secret(text))


def _is_secret(token: str) -> bool:
    """Tell whether a word looks random: Kit's form of a key, or digits and letters in turn."""
    kinds = [letter.isdigit() for letter in token if letter.isalnum()]
    turns = sum(one != other for one, other in pairwise(kinds))
    return turns >= 3 or (token.lower().startswith("kit_") and any(kinds))


def suggestion(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return `; did you mean …?` where a known name is close, else nothing."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return f"; did you mean {by_lower[near[0]]}?" if near else ""


def check_text(text: str) -> str:
    """Return a name without outer blanks; it must be a short line of visible text."""
    name = text.strip()
    if not name:
        raise ValueError("the name is empty; write one, or delete the entry")
    if odd := next((letter for letter in name if not letter.isprintable()), ""):
        raise ValueError(
            f"the name holds a character that cannot be seen ({named(odd)}); write it on one line, with "
            "spaces only"
        )
    if len(name) > MAX_NAME_LENGTH:
        raise ValueError(f"the name has {len(name)} characters; at most {MAX_NAME_LENGTH} are allowed")
    return name


def check_name(text: str) -> str:
    """Return a tag's name, in which each pair of braces must name a value."""
    name = check_text(text)
    rest = re.sub(r"\{[^{}]*\}", "", name)
    if "{" in rest or "}" in rest:
        raise ValueError(
            f'the braces in "{shown(name)}" do not match; each {{ needs its }}, as in '
            '"{mk_access_level} access"'
        )
    for inside in re.findall(r"\{([^{}]*)\}", name):
        _check_value_name(placeholder(inside).name, "placeholder {%s}")
        if "|" in inside and not placeholder(inside).default:
            raise ValueError(f"write a default after the | in {{{shown(inside)}}}, or take the | out")
    return name


def check_value_name(text: str) -> str:
    """Return the name of an event's value: a platform field or a path."""
    return _check_value_name(text, "value")


def _check_value_name(text: str, what: str) -> str:
    if text in PLATFORM_FIELDS or re.fullmatch(PATH_PATTERN, text):
        return text
    named = what % shown(text) if "%" in what else what
    if text != text.strip() and (text.strip() in PLATFORM_FIELDS or re.fullmatch(PATH_PATTERN, text.strip())):
        raise ValueError(f"unknown {named}; write {shown(text.strip())} without the spaces around it")
    raise ValueError(f"unknown {named}{_meant(text)}")


def _meant(text: str) -> str:
    """Return what somebody may have meant who wrote `plan`, `mk_plan` or `user.locale`."""
    word = text.strip()
    last = re.split(r"\.|mk_", word)[-1]
    ends = [name for name in PLATFORM_FIELDS if last and name.endswith(f"_{last}")]
    paths = {path: name for name, path in PLATFORM_FIELDS.items()}
    if name := paths.get(word.removeprefix("data.")) or (ends[0] if len(ends) == 1 else None):
        return f"; did you mean {name}?"
    if "." in word and re.fullmatch(PATH_PATTERN, f"data.{word}"):
        return f"; did you mean data.{shown(word)}?"
    return suggestion(word, PLATFORM_FIELDS, 0.75) or (
        "; use a platform field such as mk_subscription_plan, or a path such as data.user.locale"
    )


def check_event_type(text: str) -> str:
    """Return an event type; one that is nearly a known one is taken for a slip."""
    if len(text) > MAX_TYPE_LENGTH:
        raise ValueError(f"an event type has at most {MAX_TYPE_LENGTH} characters; this one has {len(text)}")
    if text in _NO_TYPES:
        raise ValueError("not an event type; indent this line, and those below it, under an event type")
    if text not in HANDLERS and (known := next((name for name in HANDLERS if _is_slip(text, name)), None)):
        odd = next((f" ({letter} is a {named(letter)})" for letter in text if not letter.isascii()), "")
        raise ValueError(f"unknown event type; did you mean {known}?{odd}")
    if not (re.fullmatch(EVENT_PATTERN, text) and text.isascii() and text.isprintable()):
        raise ValueError(
            "not an event type, which is words with dots between them, without spaces, * and #, "
            "such as order.paid"
        )
    return text


def _is_slip(text: str, known: str) -> bool:
    """Tell whether a type is a known one misspelt, and not another word such as `user.signed_in`."""
    if re.sub(r"[\W_]", "", text.lower()) == re.sub(r"[\W_]", "", known):
        return True
    theirs, ours = re.split(r"[\W_]+", text.lower().strip()), re.split(r"[\W_]+", known)
    return len(theirs) == len(ours) and all(map(_is_nearly, theirs, ours))


def _is_nearly(word: str, known: str) -> bool:
    if word == known:
        return True
    # `restarted` is a word of its own beside `started`; and of short words, `in` is not `up` misspelt.
    if len(known) < 4 or word.endswith(known):
        return False
    return SequenceMatcher(None, word, known).ratio() >= 0.8


def check_app(text: str) -> str:
    """Return an app's name, which is one word of a routing key."""
    if not re.fullmatch(APP_PATTERN, text):
        raise ValueError(
            f'"{shown(text)}" cannot be an app; letters, digits, hyphens and underscores only, '
            f"at most {MAX_APP_LENGTH}, as in sunny-kitchen"
        )
    return text


def check_file(text: str) -> str:
    """Return the path of a file; the text is not repeated, since it may be the key."""
    if "/" not in text and _TOKEN.fullmatch(text) and _is_secret(text):
        raise ValueError(KEY_IN_FILE)
    return check_text(text)


def check_env(text: str) -> str:
    """Return the name of an environment variable; the text is never repeated, since it may be the key."""
    if looks_like_key(text):
        raise ValueError(KEY_IN_FILE)
    if not re.fullmatch(ENV_PATTERN, text):
        if _WORDS.fullmatch(text):
            name = re.sub(r"\W", "", text.replace("-", "_")).upper()
            raise ValueError(f"write {name}: the variable's name alone, in capital letters, with underscores")
        raise ValueError(
            "must be the name of an environment variable that begins with KIT_, in capital letters, digits "
            "and underscores, such as KIT_API_KEY"
        )
    if text.endswith("_FILE"):
        name = text.removesuffix("_FILE")
        raise ValueError(f"write {name}: where {text} is set, the secret is in the file that it names")
    if text in _SETTINGS:
        raise ValueError(f"{text} is a setting of the worker, not a secret; use a name such as KIT_API_KEY")
    return text


def check_stored(value: object) -> object:
    """Return the word that says where the key is; what else stands there is never repeated."""
    if value == STORED:
        return value
    if value is None:
        raise ValueError("nothing stands here; write stored, and enter the key on the page")
    if not isinstance(value, str) or suggestion(value, (STORED,)):
        raise ValueError("must be stored; the key itself is entered on the page")
    if re.fullmatch(ENV_PATTERN, value):
        raise ValueError("this is a variable's name; did you mean api_key_env?")
    raise ValueError(KEY_IN_FILE)


def check_public(text: str) -> str:
    """Return the name of a variable whose value is shown to everybody; no secret's is."""
    if _SECRET_NAME.search(text) and "CLIENT_ID" not in text:
        raise ValueError(
            f"{text} is named as a secret is, and a client id is shown to everybody; use a name such as "
            "KIT_CLIENT_ID"
        )
    return text


def secret_in_file(what: str, key: str, variable: str) -> str:
    """Return what to do about a secret that was pasted into the file itself."""
    return (
        f"this looks like the {what} itself, which must not stand in a file that people share; put it into "
        f"the environment variable {variable}, write {key}: {variable} here, and make a new key in Kit if "
        "anybody else has seen this file"
    )


KEY_IN_FILE: Final = secret_in_file("API key", "api_key_env", "KIT_API_KEY")
