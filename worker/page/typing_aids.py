"""What those who type into a form may choose from: what Kit has, and what came in the last events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from worker.accounts.account import Account
from worker.errors import LedgerUnavailable
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS
from worker.ledger.history import Line, find_history
from worker.ledger.seen import event_types
from worker.mapping.words import name_of
from worker.ops.came import sent_in
from worker.ops.check_kit import named_fields, named_tags
from worker.outside.texts import harmless
from worker.page.kit_names import KitLists
from worker.page.site import Site

LATEST: Final = 200
"""Events in which values are looked for."""
MOST_VALUES: Final = 12
"""Of one name; what has more is no choice of a few."""
LONGEST: Final = 60
MOST_OPTIONS: Final = 1_000
"""Tags and fields that a form offers: it is sent with each of them."""
OF_ONE_PERSON: Final = frozenset({"mk_user_id", "mk_first_name", "mk_last_name", "mk_subscription_id"})
"""Values that tell people apart are nothing to choose from."""
MOMENTS: Final = tuple((name, name_of(name)) for name in PLATFORM_FIELDS if name.endswith("_at"))


@dataclass(frozen=True, slots=True)
class TypingAids:
    """What a form offers.

    Attributes:
        tags: Those of Kit, and those that the file names.
        fields: Custom fields, likewise.
        names: Of the values in events, with what people call them; those that came lately first.
        moments: Those of the platform's names that are times.
        values: That came lately, with what people call them.
        kinds: Event types.
    """

    tags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    kinds: tuple[str, ...] = ()
    moments: tuple[tuple[str, str], ...] = MOMENTS


async def typing_aids(site: Site, name: str) -> TypingAids:
    """Return what forms about an account offer; nobody is asked for it, and nobody waits."""
    account, kit = site.account(name), await kit_lists(site, site.account(name))
    if account is None:
        return TypingAids(kinds=tuple(HANDLERS), names=_named(PLATFORM_FIELDS))
    seen, latest = await _seen(site, name)
    came = came_lately(account, latest)
    others = [source for each in account.fields for source in each.sources]
    return TypingAids(
        tags=_choices(kit.tags, [each.name for each in named_tags(account)]),
        fields=_choices(kit.fields, named_fields(account)),
        names=_named(dict.fromkeys([*came, *PLATFORM_FIELDS, *others])),
        values=tuple((value, name_of(source)) for source, values in came.items() for value in values),
        kinds=tuple(sorted({*HANDLERS, *account.events, *seen})),
    )


async def kit_lists(site: Site, account: Account | None) -> KitLists:
    """Return what Kit has, as far as that is known by now; nobody is kept waiting."""
    try:
        # Without a ledger nobody is connected to Kit, and to look for that would make one.
        return site.kit_names.of(account) if account and await site.has_ledger() else KitLists()
    except LedgerUnavailable:
        return KitLists()


async def _seen(site: Site, name: str) -> tuple[list[str], list[Line]]:
    """Return which event types came, and the latest events."""
    try:
        if await site.has_ledger():
            kinds = await event_types(site.ledger.database, name)
            return kinds, await find_history(site.ledger.database, account=name, limit=LATEST)
    except LedgerUnavailable:
        pass  # one types without help
    return [], []


def _named(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, name_of(name)) for name in names)


def _choices(of_kit: Iterable[str], of_file: Iterable[str]) -> tuple[str, ...]:
    found = {each.strip().lower(): each for each in (*of_file, *of_kit)}
    return tuple(sorted(found.values(), key=str.lower)[:MOST_OPTIONS])


def came_lately(account: Account, lines: Iterable[Line]) -> Mapping[str, list[str]]:
    """Return which values events had, by their names, as far as they are a few that many people share.

    The history has those that were sent to custom fields.
    """
    sources = {each.target: each.source for each in account.fields if not each.otherwise}
    found: dict[str, dict[str, None]] = {}
    for each in lines:
        for target, value in sent_in(each).items():
            if target in sources and value:
                found.setdefault(sources[target], {})[value] = None
    return {
        source: sorted(map(harmless, values))
        for source, values in found.items()
        if source not in OF_ONE_PERSON and not source.endswith("_at") and _is_choice(values)
    }


def _is_choice(values: Mapping[str, None]) -> bool:
    is_short = all(len(value) <= LONGEST and "@" not in value for value in values)
    return is_short and len(values) <= MOST_VALUES
