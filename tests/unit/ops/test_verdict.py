"""What would become of an event, in a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from worker.accounts.preview import CallView, Preview, PreviewVerdict
from worker.errors import Reason
from worker.ops.tried import Tried
from worker.ops.verdict import verdict_on
from worker.subscribers.item import Kind

CALL = CallView("POST /v4/tags/{VIP}/subscribers/{id}", "add the tag VIP")
TRIED = Tried(
    Preview("sunny", "order.paid", "ada@example.com", PreviewVerdict.APPLIED, None, ""),
    Kind.APPLIED,
    calls=(CALL,),
)
DEAD = replace(TRIED, kind=Kind.DEAD_LETTERED, calls=(), detail="data.user.email: missing")


@pytest.mark.parametrize(
    ("tried", "said"),
    [
        (TRIED, "It would be applied, with 1 call to Kit."),
        (replace(TRIED, calls=(CALL, CALL)), "It would be applied, with 2 calls to Kit."),
        (replace(TRIED, calls=()),
         "It would be applied without a call: Kit has it all already, by its own answers."),
        (replace(TRIED, detail="on 2027-01-31: tag VIP off"),
         "It would be applied, with 1 call to Kit; and again on 2027-01-31: tag VIP off."),
        (replace(TRIED, calls=(), held=("VIP",)),
         "It would be applied without a call; held until somebody allows it: 'VIP'."),
        (replace(TRIED, held=("VIP", "Gold")),
         "It would be applied, with 1 call to Kit; held until somebody allows it: 'VIP' and 'Gold'."),
        (replace(DEAD, reason=Reason.INVALID_EVENT),
         "It would be a dead letter (invalid_event): data.user.email: missing."),
        (DEAD, "It would be a dead letter: data.user.email: missing."),
        (replace(DEAD, calls=(CALL,), reason=Reason.PARTLY_APPLIED, detail="owed"),
         "It would be applied, with 1 call to Kit; the rest would be a dead letter (partly_applied): owed."),
        (replace(TRIED, kind=Kind.IGNORED, calls=()), "It would be ignored: the file asks for nothing."),
        (replace(TRIED, kind=Kind.IGNORED, detail="rule 1 skips"), "It would be ignored: rule 1 skips."),
        (replace(TRIED, kind=Kind.IGNORED, detail="did you mean order.paid?"),
         "It would be ignored: did you mean order.paid?"),
        (replace(TRIED, kind=Kind.SCHEDULED, detail="on 2027-01-31: tag VIP"),
         "It would wait, on 2027-01-31: tag VIP."),
        (replace(TRIED, kind=Kind.SUPERSEDED, detail="anything"),
         "Nothing would be done: all that it says is so already, or newer events say otherwise."),
    ],
)  # fmt: skip
def test_each_end_is_one_sentence(tried: Tried, said: str) -> None:
    assert verdict_on(tried) == said
