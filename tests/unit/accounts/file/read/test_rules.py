"""What an admin reads of a wrong rule: where, what, and what to do."""

import pytest

from tests.unit.accounts.file.read.problems import event, problems


@pytest.mark.parametrize(
    ("rule", "place", "said"),
    [
        ("{when: {}, add_tags: [A]}", ".when", "is empty, so the rule would always apply"),
        ("{add_tags: [A]}", ".when", "is missing; a rule needs a value's name and the value"),
        ("{when: Annual, add_tags: [A]}", ".when", "must be a value's name and the value"),
        ("{when: {mk_user_id: 1}}", "", "the rule does nothing; give it add_tags or remove_tags"),
        (
            "{when: {mk_user_id: 1}, add_tags: []}",
            "",
            "the rule does nothing; give it add_tags or remove_tags",
        ),
        (
            "{when: {plan: A}, add_tags: [A]}",
            ".when.plan",
            "unknown value; did you mean mk_subscription_plan?",
        ),
        ("{when: {user.x: A}, add_tags: [A]}", ".when.user.x", "unknown value; did you mean data.user.x?"),
        ("{when: {mk_user_id: }, add_tags: [A]}", ".when.mk_user_id", "a value is missing here"),
        ("{when: {mk_user_id: [A, null]}, add_tags: [A]}", ".when.mk_user_id[2]", "a value is missing here"),
        (
            "{when: {mk_user_id: []}, add_tags: [A]}",
            ".when.mk_user_id",
            "the list is empty, so the rule would never",
        ),
        ("{when: {mk_user_id: {a: b}}, add_tags: [A]}", ".when.mk_user_id", "must be one or several values"),
        (
            "{when: {mk_user_id: no}, add_tags: [A]}",
            ".when.mk_user_id",
            'YAML reads no as false; write "no" in quotes, or false without',
        ),
        ("{when: {mk_user_id: 010}, add_tags: [A]}", ".when.mk_user_id", "YAML reads 010 as a number"),
        ("{when: {mk_user_id: ''}, add_tags: [A]}", ".when.mk_user_id", "an empty text never matches"),
        (
            "{when: {mk_user_id: ' A'}, add_tags: [A]}",
            ".when.mk_user_id",
            "never matches because of the spaces",
        ),
        ("{when: {mk_user_id: 1}, add_tags: [A], rules: []}", ".rules", "unknown key; what may stand here"),
        ("Annual", "", "must be a rule, with a value's name and the value"),
        (
            "{when: {data.a: '>40'}, add_tags: [A]}",
            ".when.data.a",
            '">40" would be compared to the letter; write {above: 40}',
        ),
        (
            "{when: {data.a: [x, '<= 5']}, add_tags: [A]}",
            ".when.data.a[2]",
            '"<= 5" would be compared to the',
        ),
        (
            "{when: {data.a: '*'}, add_tags: [A]}",
            ".when.data.a",
            '"*" would be compared to the letter; write {pre',
        ),
        (
            "{when: {data.a: 'VIP*'}, add_tags: [A]}",
            ".when.data.a",
            '"VIP*" would be compared to the letter; wri',
        ),
        (
            "{when: {data.a: '!=x'}, add_tags: [A]}",
            ".when.data.a",
            '"!=x" would be compared to the letter; write',
        ),
        (
            "{when: {data.a: '== x'}, add_tags: [A]}",
            ".when.data.a",
            '"== x" would be compared to the letter; wri',
        ),
        (
            "{when: {data.a: {abov: 4}}, add_tags: [A]}",
            ".when.data.a.abov",
            "unknown key; did you mean above?",
        ),
        (
            "{when: {data.a: {above: x}}, add_tags: [A]}",
            ".when.data.a.above",
            "must be a number such as 40 or 49",
        ),
        (
            "{when: {data.a: {above: '4'}}, add_tags: [A]}",
            ".when.data.a.above",
            "must be a number, without quotes",
        ),
        (
            "{when: {data.a: {above: [4]}}, add_tags: [A]}",
            ".when.data.a.above",
            "must be a number such as 40 or",
        ),
        (
            "{when: {data.a: {below: 2027-01-01}}, add_tags: [A]}",
            ".when.data.a.below",
            "must be a number such as 4",
        ),
        (
            "{when: {data.a: {present: maybe}}, add_tags: [A]}",
            ".when.data.a.present",
            "must be true or false, not",
        ),
        (
            "{when: {data.a: {not: []}}, add_tags: [A]}",
            ".when.data.a.not",
            "the list is empty, so the rule would",
        ),
        (
            "{when: {data.a: {not: [a, null]}}, add_tags: [A]}",
            ".when.data.a.not[2]",
            "a value is missing here",
        ),
        (
            "{when: {data.a: {like: VIP}}, add_tags: [A]}",
            ".when.data.a.like",
            '"VIP" has no *, which stands for an',
        ),
        (
            "{when: {data.a: {}}, add_tags: [A]}",
            ".when.data.a",
            "must be one or several values, or compare, as in",
        ),
        ("{unless: {}, add_tags: [A]}", ".unless", "is empty, so the rule would always apply"),
        ("{when: {data.a: 1}, unless: {dta.x: 1}, add_tags: [A]}", ".unless.dta.x", "unknown value"),
        (
            "{when: {data.a: 1}, at: mk_x, add_tags: [A]}",
            ".at",
            "does not belong here; move it, indented, under ord",
        ),
        (
            "{when: {data.a: 1}, skip: true, add_tags: [A]}",
            ".skip",
            "skips the event, so that nothing of add_tags",
        ),
        (
            "{when: {data.a: 1}, skip: false}",
            "",
            "the rule does nothing; give it add_tags or remove_tags, or set",
        ),
        ("{when: {data.a: 1}, skp: true}", ".skp", "unknown key; did you mean skip?"),
    ],
)
def test_a_wrong_rule(rule: str, place: str, said: str) -> None:
    found = problems(event(f"{{rules: [{rule}]}}"))
    assert f": events.order.paid.rules[1]{place}: {said}" in found[-1]
