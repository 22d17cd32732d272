"""What an admin's file says about events, and what it makes of one event. Pure.

::

    template, condition    a tag's name, with placeholders; one line of a rule's `when` or `unless`
    rule                   what is done, and when; the rules of an event type
    fields                 where values go; options: how an account is kept
    wishes, owed           what the rules ask of tags; what of it cannot be applied
    asked                  `to_change`: what one event asks for
"""

from worker.mapping.asked import Asked, Occasion, to_change
from worker.mapping.condition import Condition, Operator
from worker.mapping.fields import FIRST_NAME, FieldTarget
from worker.mapping.options import Options
from worker.mapping.owed import Owed
from worker.mapping.rule import EventMapping, Rule, RuleIndex, matching_rules
from worker.mapping.template import MAX_NAME_LENGTH, Template

__all__ = [
    "FIRST_NAME",
    "MAX_NAME_LENGTH",
    "Asked",
    "Condition",
    "EventMapping",
    "FieldTarget",
    "Occasion",
    "Operator",
    "Options",
    "Owed",
    "Rule",
    "RuleIndex",
    "Template",
    "matching_rules",
    "to_change",
]
