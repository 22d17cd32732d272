"""Sunny's account file, and the form of one of its events as it is opened."""

from __future__ import annotations

from multidict import MultiDict

from tests.unit.page.forms import form_on
from tests.unit.page.serve import Client

FILE = """\
# Sunny's own
app: sunny
kit: {api_key_env: KIT_API_KEY_SUNNY}   # not the key

events:
  # who buys something
  order.paid:
    add_tags: [Buyer, {tag: "{mk_access_level}", replaces: true}]   # both
    set_fields: {Source: app}
    rules:
      - when: {mk_subscription_plan: Annual}
        add_tags: [Yearly]   # by plan
      - when: {data.a: 1, data.b: 2}
        skip: true
  order.sent: null

fields:
  mk_user_id: null
"""
EDIT = "/accounts/sunny/events/edit"
PAID = f"{EDIT}?event=order.paid"


async def opened(client: Client, kind: str) -> MultiDict[str]:
    answer = await client.ask(f"{EDIT}?event={kind}")
    assert answer.status == 200
    return form_on(answer.text, "/events/edit")
