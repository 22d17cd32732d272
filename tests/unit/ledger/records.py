"""A record with something in every part, and the text that the first version of the ledger kept of it."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from tests.unit.examples import order
from worker.events.event import OrderKey
from worker.subscribers.change import Change
from worker.subscribers.fact import Fact
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record
from worker.subscribers.record_parts import HeldTag, KnownPart, Moved

ADA: Final = "ada@example.com"


def full_record() -> Record:
    """Return the record."""
    vip = Part(TagWish("VIP", present=True, by_placeholder=True, rule=2), order(1))
    old, new = TagWish("Old", present=False), TagWish("New", present=True)
    return Record(
        ADA,
        2**40,
        tags={"vip": KnownPart(vip, 17.25, 11), "old": KnownPart(Part(old, order(2)), 0.0)},
        fields={
            "Plan": KnownPart(Part("Gold \ud800", order(3)), 18.5, 12),
            "Gone": KnownPart(Part(None, order(4)), 0.0),
        },
        first_name=KnownPart(Part("Ada", order(5)), 19.0),
        ensured=OrderKey("0017", order(5).time, 5),
        gave={"a\nvip": vip},
        seen={"first": None, "second": None},
        users={"u-1": order(5)},
        owed=Change(
            tags={"new": Part(new, order(6))},
            fields={"X": Part("y", order(6))},
            first_name=Part("Eve", order(6)),
            ensure=Part(value=True, order=order(6)),
        ),
        moved=Moved("eve@example.com", order(7)),
        created=True,
        asked=True,
        facts=(
            Fact(
                order(8),
                opens=False,
                user="u-1",
                subscription="s-1",
                tags={"vip": TagWish("VIP", present=False)},
                gave={"group plan\n": TagWish("", present=False)},
                sets={"Source": "app"},
                shows={"Plan": None},
                due=order(9).time,
                phase=1,
                again=True,
            ),
        ),
        settled=True,
        base=Change(tags={"new": Part(new, order(6))}, fields={"X": Part("y", order(6))}),
        tags_off=Part(value=True, order=order(8)),
        fields_off=Part(value=True, order=order(8)),
        unsubscribed=Part(value=True, order=order(8)),
        moving=True,
        placed=order(7),
        held={"new": HeldTag("New", order(6), 20.0, "user.signed_up")},
    )


def record_of_version_1() -> Record:
    """Return what the first version knew of it."""
    known = replace(full_record(), facts=(), settled=False, base=Change(), placed=None, held={})
    return replace(known, tags_off=None, fields_off=None, unsubscribed=None, moving=False)


FULL_V1: Final = (
    r'{"tags":{"vip":["VIP",true,true,2,["","2026-07-01T12:00:01+00:00",1],17.25,11],'
    r'"old":["Old",false,false,0,["","2026-07-01T12:00:02+00:00",2],0.0,0]},'
    r'"fields":{"Plan":["Gold \ud800",["","2026-07-01T12:00:03+00:00",3],18.5,12],'
    r'"Gone":[null,["","2026-07-01T12:00:04+00:00",4],0.0,0]},'
    r'"first_name":["Ada",["","2026-07-01T12:00:05+00:00",5],19.0],'
    r'"ensured":["0017","2026-07-01T12:00:05+00:00",5],'
    r'"gave":{"a\nvip":["VIP",true,true,2,["","2026-07-01T12:00:01+00:00",1]]},'
    r'"seen":["first","second"],"users":{"u-1":["","2026-07-01T12:00:05+00:00",5]},'
    r'"owed":{"tags":{"new":["New",true,false,0,["","2026-07-01T12:00:06+00:00",6]]},'
    r'"fields":{"X":["y",["","2026-07-01T12:00:06+00:00",6]]},'
    r'"first_name":["Eve",["","2026-07-01T12:00:06+00:00",6]],'
    r'"ensure":[true,["","2026-07-01T12:00:06+00:00",6]]},'
    r'"moved":["eve@example.com",["","2026-07-01T12:00:07+00:00",7]],"created":true,"asked":true}'
)
EMPTY_V1: Final = '{"ensured":["","0001-01-01T00:00:00+00:00",0]}'
