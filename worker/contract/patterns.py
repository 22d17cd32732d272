"""Patterns for what an event's texts must look like, for whoever checks without `format`. Pure.

They are written for both ECMA 262, which JSON Schema names, and Python, whose `$` would allow a line break.
What they accept, the worker accepts, but for what no pattern can tell: whether a domain beyond ASCII is a
valid one, and whether a time lies ahead.
"""

from __future__ import annotations

from typing import Final

from email_validator import SPECIAL_USE_DOMAIN_NAMES

_END: Final = r"$(?!\n)"


def _in_any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" for letter in word)


def _email() -> str:
    atom = r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|[^\u0000-\u007F])+"
    inner, edge = r"(?:[A-Za-z0-9-]|[^\u0000-\u007F])", r"(?:[A-Za-z0-9]|[^\u0000-\u007F])"
    label = rf"(?![^.]{{64}})(?!(?![Xx][Nn])[^.]{{2}}--){edge}(?:{inner}*{edge})?"
    # `.test` is for the platform's own trials; the others can get no mail (RFC 6761).
    reserved = "|".join(_in_any_case(name) for name in SPECIAL_USE_DOMAIN_NAMES if name != "test")
    last = rf"(?!(?:{reserved}){_END})(?!.*[0-9]{_END}){label}"
    return rf"^(?=.{{3,254}}{_END}){atom}(?:\.{atom})*@(?:{label}\.)+{last}{_END}"


def _time() -> str:
    long = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    short = "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    february = "02-(?:0[1-9]|1[0-9]|2[0-8])"
    leap_years = "(?:19|20)(?:0[48]|[2468][048]|[13579][26])|2000"
    day = f"(?:(?:19|20)[0-9]{{2}}-(?:{long}|{short}|{february})|(?:{leap_years})-02-29)"
    clock = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
    return rf"^{day}[Tt]{clock}:[0-5][0-9](?:\.[0-9]+)?(?:[Zz]|[+-]{clock}){_END}"


EMAIL: Final = _email()
"""An address, without blanks around it."""
TIME: Final = _time()
"""A time with its offset (RFC 3339), in the years 1900 to 2099."""
BASE64: Final = rf"^(?:[A-Za-z0-9+/]{{4}})*(?:[A-Za-z0-9+/]{{2}}==|[A-Za-z0-9+/]{{3}}=)?{_END}"
