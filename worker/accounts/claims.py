"""What only one account may have, and who has it where several files claim it.

Whoever had it keeps it, also while its file is invalid, and over restarts: the ledger remembers it. Of what
nobody had, the file that comes first by name has it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from worker.accounts.account import PLACE, Account
from worker.accounts.file.read import Draft
from worker.accounts.file.values import shown
from worker.errors import Problem
from worker.kit.credentials import AccessToken
from worker.ledger.connecting import Opened

Claim: TypeAlias = tuple[str, str]
"""Its kind, and which one: an app, a secret, or the place that a secret is in."""
Held: TypeAlias = Mapping[str, str]
"""The accounts that have something, by its mark."""


def mark(claim: Claim) -> str:
    """Return what a claim is remembered by; no secret can be read from it."""
    return sha256("\0".join(claim).encode(errors="surrogatepass")).hexdigest()


def opened_by(account: Account, kit_account: int, kit_url: str) -> Opened:
    """Return what an account's credential opens, as the ledger keeps it.

    Args:
        account: As its file is.
        kit_account: Kit's id of what it opens.
        kit_url: Where Kit is.
    """
    place = mark((PLACE, account.secret_place)) if account.secret_place else ""
    return Opened(account.name, place, kit_account, kit_url)


def held_after(held: Held, accounts: Mapping[str, Account]) -> dict[str, str]:
    """Return who has what, once these accounts are at work; the others keep what they had."""
    kept = {each: name for each, name in held.items() if name not in accounts}
    return kept | {mark(claim): name for name, account in accounts.items() for claim in account.claims()}


class Rivals:
    """The account files of a folder, of which some may claim what is another's.

    Args:
        drafts: By path.
        held: Who had what before.
    """

    def __init__(self, drafts: Mapping[Path, Draft], held: Held) -> None:
        self._drafts = drafts
        self._paths = {path.stem: path for path in drafts if path.suffix == ".yaml"}
        self._marks = {path: _marks(draft) for path, draft in drafts.items()}
        self._held = {each: self._paths[name] for each, name in held.items() if name in self._paths}

    def refused(self) -> dict[Path, tuple[Problem, ...]]:
        """Return the files that claim what is another's, each with its problems."""
        keeping = {path for path, draft in self._drafts.items() if draft.account is None}
        while True:
            refused = self._refused(keeping)
            # An account whose new file is refused goes on by its old one, and keeps what that one claims.
            more = refused.keys() & set(self._held.values()) - keeping
            if not more:
                return refused
            keeping |= more

    def _refused(self, keeping: Collection[Path]) -> dict[Path, tuple[Problem, ...]]:
        owners: dict[str, Path] = {
            each: path for each, path in self._held.items() if path in keeping or each in self._marks[path]
        }
        refused = {}
        for path, marks in self._marks.items():
            owned = {claim: owners.get(each, path) for each, claim in marks.items()}
            taken = {claim: owner for claim, owner in owned.items() if owner != path}
            if taken:
                refused[path] = tuple(self._problems(path, taken))
            else:
                owners |= dict.fromkeys(marks, path)
        return refused

    def _problems(self, path: Path, taken: Mapping[Claim, Path]) -> Iterator[Problem]:
        draft = self._drafts[path]
        for (kind, name), owner in taken.items():
            if kind == "app":
                yield draft.problem(path, ("app",), f"{_app_taken(name, owner)}{self._hint(owner)}")
        if owners := [owner for (kind, _), owner in taken.items() if kind != "app"]:
            said = (
                f"the {_secret_of(draft)} is that of {owners[0]} too; one Kit account is one file, for Kit's "
                "limit is the credential's: list both apps there (app: [one, two]) and delete this file"
            )
            yield draft.problem(path, ("kit",), f"{said}{self._hint(owners[0])}")

    def _hint(self, owner: Path) -> str:
        if self._drafts[owner].account is None:
            return f" (and {owner} is invalid now, and keeps what it had: mend that file, or remove it)"
        return ""


def _marks(draft: Draft) -> dict[str, Claim]:
    return {mark(claim): claim for claim in sorted(draft.account.claims())} if draft.account else {}


def _secret_of(draft: Draft) -> str:
    is_token = draft.account is not None and isinstance(draft.account.credential, AccessToken)
    return "access token" if is_token else "API key"


def _app_taken(app: str, owner: Path) -> str:
    if app:
        return f"{shown(app)} belongs to {owner} already; an app's events go to one account"
    return f"{owner} takes the events that name no app already; add app: and a name to one of the files"
