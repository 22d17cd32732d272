"""Makes the changes of many people true in Kit together: up to 100 entries a call, stage by stage.

For an account with OAuth, which alone may use Kit's bulk endpoints. Each person is settled by itself: whoever
cannot be applied together, by the nature of the change or because Kit named an entry of theirs as failed, is
left to the writer of single calls, which finds out why.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from worker.errors import CredentialRefused, KitRejected, TryLater
from worker.kit.answers import Answer
from worker.kit.bulk import BulkCall, calls
from worker.kit.bulk_stages import Done, Stages, Wanted
from worker.kit.catalog import Catalog
from worker.kit.client import KitClient
from worker.kit.rounds import Round
from worker.kit.writer import Writer
from worker.subscribers.change import Change
from worker.subscribers.in_hand import InHand
from worker.subscribers.subscriber import Call, Subscriber

NOTHING_DONE: Final = Answer(0, {})


@dataclass(frozen=True, slots=True)
class _Answered:
    """What a call has done: of each entry that is surely done, the subscriber's id."""

    answer: Answer
    ids: Mapping[Any, int]


class _InterruptedError(Exception):
    """Calls failed in a way that says: not now."""

    def __init__(self, error: TryLater | CredentialRefused, failed: Iterable[Subscriber]) -> None:
        super().__init__(str(error))
        self.error = error
        self.failed = set(failed)


class BulkWriter:
    """Applies changes of many people to one Kit account.

    Args:
        client: The way to Kit.
        catalog: The account's tags and custom fields.
        in_hand: What is known of the subscribers; every answer is noted there.
        writer: Knows what is left to do of a change.
        now: Seconds since 1970.
    """

    def __init__(
        self,
        client: KitClient,
        catalog: Catalog,
        in_hand: InHand,
        writer: Writer,
        *,
        now: Callable[[], float],
    ) -> None:
        self._client = client
        self._stages = Stages(catalog, writer, now=now)
        self._in_hand = in_hand
        self._now = now

    async def apply(
        self, changes: Sequence[tuple[Subscriber, Change]], *, one_at_a_time: bool = False
    ) -> Round[Subscriber]:
        """Make changes true, as far as that can be done together.

        Args:
            changes: Whose, and what.
            one_at_a_time: Whether one call is to end well before the next begins.

        Returns:
            What came of each. Whatever that is, the records hold what was done, so that a later try goes on
            from there.
        """
        result = Round[Subscriber]()
        try:
            shares = [await self._stages.share(subscriber, change) for subscriber, change in changes]
            if not self._stages.pays(shares):
                result.alone = [subscriber for subscriber, _ in changes]
                return result
            of = self._stages
            for stage in (of.subscribers, of.fields, of.removals, of.additions):
                wanted, done = await stage([share for share in shares if share.together])
                await self._send(wanted, done, one_at_a_time=one_at_a_time)
        except _InterruptedError as interrupted:
            result.error, result.failed = interrupted.error, interrupted.failed
            return result
        except (TryLater, CredentialRefused) as error:
            result.error = error  # of the catalog: it is nobody's call
            return result
        for share in shares:
            (result.done if share.together else result.alone).append(share.subscriber)
            if share.together:
                share.subscriber.record.finish(share.change)
        return result

    async def _send(self, wanted: Iterable[Wanted[Any]], done: Done, *, one_at_a_time: bool) -> None:
        """Make the calls of a stage, and note what was surely done.

        Raises:
            _InterruptedError: A call was not answered well; what others did is noted by then.
        """
        by_entry = dict[Any, list[Wanted[Any]]]()
        for each in wanted:
            if each.share.together:
                by_entry.setdefault(each.entry, []).append(each)
        sent = calls(by_entry)
        for at_once in [[call] for call in sent] if one_at_a_time else [sent]:
            await self._send_at_once(at_once, by_entry, done)

    async def _send_at_once(
        self, sent: Sequence[BulkCall[Any]], by_entry: Mapping[Any, list[Wanted[Any]]], done: Done
    ) -> None:
        wanted = [[each for entry in call.entries for each in by_entry[entry]] for call in sent]
        for each in itertools.chain(*wanted):
            each.share.subscriber.record.doubt(each.part)
            self._in_hand.touch(each.share.subscriber)
        ends = await asyncio.gather(*(self._call(call, done) for call in sent))
        errors, failed = list[TryLater | CredentialRefused](), set[Subscriber]()
        for members, end in zip(wanted, ends, strict=True):
            if isinstance(end, _Answered):
                for each in members:
                    self._note(each, end)
            else:
                errors.append(end)
                failed |= {each.share.subscriber for each in members}
        if errors:
            worst = next((each for each in errors if isinstance(each, CredentialRefused)), errors[0])
            raise _InterruptedError(worst, failed)

    async def _call(self, call: BulkCall[Any], done: Done) -> _Answered | TryLater | CredentialRefused:
        try:
            answer = await self._client.call(call.method, call.path, json=call.body)
            return _Answered(answer, done(call, answer))
        except (TryLater, CredentialRefused) as error:
            return error
        except KitRejected:
            return _Answered(NOTHING_DONE, {})  # single calls will show whose fault it is

    def _note(self, wanted: Wanted[Any], end: _Answered) -> None:
        share, record = wanted.share, wanted.share.subscriber.record
        kit_id = end.ids.get(wanted.entry)
        if kit_id is None or record.kit_id not in {None, kit_id}:
            share.together = False  # it failed, or the address is another one's by now
            return
        record.kit_id, record.asked = kit_id, False
        record.note(wanted.part, self._now(), wanted.kit_ids)
        call = Call(end.answer.endpoint, wanted.what, end.answer.status, wanted.rules)
        self._in_hand.called(share.subscriber, call, (wanted.order,))
