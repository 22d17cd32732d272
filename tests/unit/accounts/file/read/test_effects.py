"""What an admin reads of a wrong effect of an event: when, for how long, on which fields and people."""

import pytest

from tests.unit.accounts.file.read.problems import event, problem


@pytest.mark.parametrize(
    ("block", "place", "said"),
    [
        (
            "{set_fields: Source}",
            ".set_fields",
            "must be a custom field's name and what it is set to, such as",
        ),
        (
            "{set_fields: {Source: no}}",
            ".set_fields.Source",
            'YAML reads no as false; write "no" in quotes, or',
        ),
        (
            "{set_fields: {Source: [a]}}",
            ".set_fields.Source",
            "must be one text, number, true, false, or null to",
        ),
        (
            "{set_fields: {Source: ''}}",
            ".set_fields.Source",
            "the text is empty; write null to clear the field",
        ),
        (
            "{set_fields: {Source: }}",
            ".set_fields.Source",
            "nothing stands after the colon; write null to clear",
        ),
        (
            "{set_fields: {Plan: '{data.plan}'}}",
            ".set_fields.Plan",
            "set_fields takes text as it stands; what an",
        ),
        (
            "{set_fields: {Plan B: x, plan_b: y}}",
            ".set_fields.plan_b",
            "plan_b is the field Plan B, which stands h",
        ),
        (
            "{set_fields: {First name: x}}",
            ".set_fields.First name",
            "write first_name to mean Kit's own first n",
        ),
        (
            "{set_fields: {first_name: null}}",
            ".set_fields.first_name",
            "Kit's own first name is never cleared",
        ),
        ("{clear_fields: Plan}", ".clear_fields", "must be all, not Plan"),
        ("{unsubscribe: please}", ".unsubscribe", "must be true or false, not please"),
        ("{create: 0}", ".create", "must be true or false, not 0"),
        (
            "{subscriber_state: activ}",
            ".subscriber_state",
            "must be active or inactive, not activ; did you mean",
        ),
        ("{at: ends_at}", ".at", "unknown value; did you mean mk_subscription_ends_at?"),
        (
            "{opens: subscriptions}",
            ".opens",
            "must be subscription, not subscriptions; did you mean subscription?",
        ),
        (
            "{opens: subscription, closes: subscription}",
            "",
            "opens and closes both stand here; keep one of them",
        ),
        (
            "{skip: true, add_tags: [A]}",
            ".skip",
            "skips the event, so that nothing of add_tags is done; delete s",
        ),
        (
            "{remove_tags: All}",
            ".remove_tags",
            "write all in small letters to take off all tags that this worker",
        ),
        ("{remove_tags: everything}", ".remove_tags", "must be a list; write [everything]"),
        (
            "{remove_tags: [{group: plan}]}",
            ".remove_tags[1].group",
            "no event gives a tag of a group plan; a gro",
        ),
        ("{remove_tags: [{grup: plan}]}", ".remove_tags[1]", "unknown key grup; did you mean group?"),
        ("{remove_tags: [{group: [a]}]}", ".remove_tags[1].group", "must be one name, not a list"),
        (
            "{add_tags: [{tag: A, replaces: plan}, {tag: B, replaces: plan}]}",
            ".add_tags[2]",
            "people have one tag of plan at a time, and A stands here already",
        ),
        (
            '{add_tags: ["{mk_access_level|} access"]}',
            ".add_tags[1]",
            "write a default after the | in {mk_access",
        ),
        (
            '{add_tags: ["{level|Basic} access"]}',
            ".add_tags[1]",
            "unknown placeholder {level}; did you mean mk_a",
        ),
    ],
)
def test_a_wrong_effect(block: str, place: str, said: str) -> None:
    assert f": events.order.paid{place}: {said}" in problem(event(block))
