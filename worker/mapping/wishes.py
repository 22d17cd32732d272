"""What the rules that match ask of tags, one rule after the other. Pure."""

from __future__ import annotations

from datetime import datetime, tzinfo

from worker.events.event import OrderKey
from worker.events.moments import moment
from worker.events.values import Lookup, Missing
from worker.mapping.owed import Owed
from worker.mapping.rule import Rule
from worker.mapping.template import Template
from worker.subscribers.parts import Part, TagWish, group_slot, slot_key, slot_of, tag_key


class Wishes:
    """What one event asks of tags; of what two rules say of a tag or a group, the later stands.

    Args:
        lookup: Finds the event's values.
        order: Its place among the events of its person.
        now: Of the tags that end, those end which have ended by now.
        timezone: Of times without an offset.
        owed: Is told of the parts that cannot be applied.

    Attributes:
        tags: By `tag_key`.
        gave: By `slot_key`; see `Change.gave`.
        off: Whether all go off that were given before.
        ends: The moments to come at which tags end.
        ended: How many have ended.
    """

    def __init__(self, lookup: Lookup, order: OrderKey, now: datetime, timezone: tzinfo, owed: Owed) -> None:
        self.tags: dict[str, Part[TagWish]] = {}
        self.gave: dict[str, Part[TagWish]] = {}
        self.off = False
        self.ends: list[datetime] = []
        self.ended = 0
        self._lookup = lookup
        self._order = order
        self._now = now
        self._timezone = timezone
        self._owed = owed

    def carry_out(self, number: int, rule: Rule, kind: str) -> None:
        """Do what a rule says: take off, then add.

        Args:
            number: Of the rule.
            rule: What it says.
            kind: The type of the event.
        """
        if rule.tags_off:
            self.off = True
            self.tags.clear()
            self.gave.clear()
        for group in rule.remove_groups:
            self._give(group_slot(group), TagWish("", present=False, rule=number))
        for template in rule.remove_tags:
            self._wish(number, template, "", adds=False)
        for template in rule.add_tags:
            self._wish(number, template, template.slot(kind), adds=True)

    def _wish(self, number: int, template: Template, slot: str, *, adds: bool) -> None:
        with self._owed:
            present = adds and self._lasts(template)
            for filling in template.fillings(self._lookup):
                with self._owed:
                    name = template.render(filling)
                    wish = TagWish(name, present, by_placeholder=template.has_placeholders, rule=number)
                    part = self._give(slot, wish) if slot else Part(wish, self._order)
                    self.tags[tag_key(name)] = part

    def _give(self, slot: str, wish: TagWish) -> Part[TagWish]:
        """Note what a slot holds now, in place of what the same event put there before."""
        for key in [key for key in self.gave if slot_of(key) == slot]:
            before = self.gave.pop(key)
            if self.tags.get(tag_key(before.value.name)) is before:
                del self.tags[tag_key(before.value.name)]
        self.gave[slot_key(slot, wish.name)] = part = Part(wish, self._order)
        return part

    def _lasts(self, template: Template) -> bool:
        """Tell whether a tag has not ended; one without an end never does.

        Raises:
            InvalidEvent: Its end is no time.
        """
        found = self._lookup(template.until) if template.until else None
        if found is None or isinstance(found, Missing):
            return True
        end = moment(template.until, found, self._timezone)
        if end <= self._now:
            self.ended += 1
            return False
        self.ends.append(end)
        return True
