"""What the connection test says, in words."""

from __future__ import annotations

import pytest

from worker.ops.check_kit import LIMIT_REACHED, KitCheck, KitReport
from worker.page.words import of_kit


def test_a_kit_that_answers_is_told_with_its_name_and_plan() -> None:
    told = of_kit(KitReport("sunny", KitCheck.OK, name="Sunny Kitchen", plan="creator"))
    assert told.mood == "good"
    assert told.sentence == "It works: this is 'Sunny Kitchen' in Kit, plan creator."


def test_what_kit_lacks_is_named_and_who_makes_it() -> None:
    report = KitReport("sunny", KitCheck.OK, "S", "free", lacking_tags=("A", "B"), lacking_fields=("Plan",))
    told = of_kit(report)
    assert told.mood == "good"
    assert (
        "Kit lacks the tags A, B and the custom fields Plan; each is made when it is needed" in told.sentence
    )


def test_what_nobody_may_make_is_bad_news_with_a_remedy() -> None:
    told = of_kit(KitReport("sunny", KitCheck.OK, "S", "free", lacking_tags=("A",), will_create=False))
    assert (told.mood, told.remedy) == ("bad", "Make them in Kit: the file has create_missing: false.")


def test_a_limit_that_is_reached_is_no_kit_that_is_down() -> None:
    told = of_kit(KitReport("sunny", KitCheck.LIMITED, detail=LIMIT_REACHED))
    assert told.mood == "busy"
    assert told.sentence.endswith("check again in a minute.")


@pytest.mark.parametrize("state", [KitCheck.REFUSED, KitCheck.UNREACHABLE, KitCheck.NO_SECRET])
def test_what_does_not_work_says_what_to_do(state: KitCheck) -> None:
    told = of_kit(KitReport("sunny", state, detail="Kit said 401"))
    assert told.mood == "bad"
    assert told.remedy
