"""Which acks tell RabbitMQ what is done, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.consumer.acks import Ack, acks


def settled_by(sent: list[Ack], outstanding: set[int]) -> set[int]:
    """Return what RabbitMQ takes for done of what it has sent and heard nothing of yet."""
    return {tag for tag in outstanding for ack in sent if tag == ack.tag or (ack.multiple and tag < ack.tag)}


@given(
    in_hand=st.dictionaries(st.integers(1, 60), st.booleans(), min_size=1),
    on_their_way=st.integers(0, 5),
)
def test_exactly_what_is_done_is_settled(in_hand: dict[int, bool], on_their_way: int) -> None:
    """Given messages in hand, each done or not, and some on their way, acks are about the done ones alone."""
    done = [tag for tag, is_done in in_hand.items() if is_done]
    oldest_open = min((tag for tag, is_done in in_hand.items() if not is_done), default=None)
    outstanding = {*in_hand, *range(max(in_hand) + 1, max(in_hand) + 1 + on_their_way)}
    sent = acks(done, oldest_open)
    assert settled_by(sent, outstanding) == set(done)
    assert len(sent) <= len(done)


def test_what_is_done_without_a_gap_is_one_ack() -> None:
    """Given a batch that is done as it came, one ack settles it."""
    assert acks(range(1, 501), None) == [Ack(500, multiple=True)]
    assert acks([1, 2, 3, 5], 4) == [Ack(3, multiple=True), Ack(5, multiple=False)]


def test_a_single_message_is_acked_by_itself() -> None:
    """Given one message that is done, nothing but that one is acked."""
    assert acks([7], None) == [Ack(7, multiple=False)]
    assert acks([7], 9) == [Ack(7, multiple=False)]
    assert acks([], 3) == []
