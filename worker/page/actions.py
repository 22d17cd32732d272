"""What people do by the page: each is a line in the journal, and ends in a sentence on a view."""

from __future__ import annotations

import structlog
from aiohttp import web

from worker.errors import LedgerUnavailable
from worker.ledger.journal import Action
from worker.page.answers import going_to
from worker.page.request import site_of, visitor_of
from worker.page.words import Told

log = structlog.get_logger()


async def ended(
    request: web.Request, action: str, told: Told, place: str, *, what: str = "", count: int = 1
) -> web.Response:
    """Note what somebody did, and send their browser to a view that says how it ended.

    Args:
        request: Of whoever did it.
        action: What, as the journal names it.
        told: How it ended.
        place: The view.
        what: To what, or why; empty where the account says it.
        count: To how many it was done.
    """
    await noted(request, action, told, what=what, count=count)
    return going_to(request, place, told)


async def noted(
    request: web.Request, action: str, told: Told, *, what: str = "", count: int = 1, account: str = ""
) -> None:
    """Note in the journal what somebody did; see `ended`.

    It is done by then: a ledger that does not take the line is said in the log, and undoes nothing.

    Args:
        request: Of whoever did it.
        action: What, as the journal names it.
        told: How it ended.
        what: To what, or why.
        count: To how many.
        account: Whose it is, where the request's address does not say so.
    """
    account, who = request.match_info.get("account", account), visitor_of(request).who
    try:
        await site_of(request).note(Action(account, who, action, what, count, told.sentence))
    except LedgerUnavailable as error:
        log.warning("page_action_not_noted", account=account, who=who, action=action, problem=str(error))
