"""Whose messages take how much memory, and who has to make room."""

from __future__ import annotations

from worker.consumer.prefetch import FEW
from worker.consumer.room import PER_MESSAGE, Room, Share, size_of
from worker.events.delivery import Delivery

KB = 1000


class Account:
    """Notes whether it had to make room."""

    def __init__(self, room: Room, window: int = 500) -> None:
        self.made_room, self.fit, self.window = False, 0, window
        self.share = Share(room, self, window)
        self.held: list[Delivery] = []

    def make_room(self) -> None:
        """Hold fewer messages from now on."""
        self.made_room, self.fit = True, self.share.fit

    def takes(self, count: int, size: int, deliveries: int = 0) -> None:
        """Take messages of so many kilobytes in."""
        for _ in range(count):
            headers = {"x-delivery-count": deliveries} if deliveries else {}
            body = b"x" * max(0, size * KB - PER_MESSAGE)
            self.held.append(Delivery(body, "", headers=headers, redelivered=deliveries > 0))
            self.share.take(self.held[-1])

    def settles(self, count: int) -> None:
        """Let messages go."""
        for _ in range(count):
            self.share.settle(self.held.pop())


def test_whoever_holds_the_most_makes_room_for_all() -> None:
    """Given one account with much and one with little, then the former gives way, also to the latter."""
    room = Room(1000 * KB)
    much, little = Account(room), Account(room)
    much.takes(9, 100)
    little.takes(1, 100)
    assert not much.made_room
    little.takes(1, 100)
    assert (much.made_room, little.made_room) == (True, False)
    little.takes(7, 100)  # the other one is about to have given its messages back
    assert not little.made_room
    assert much.fit == 3  # three quarters of its half
    little.takes(2, 100)
    assert little.made_room


def test_a_single_message_is_never_too_much() -> None:
    room = Room(1000 * KB)
    accounts = [Account(room) for _ in range(3)]
    for account in accounts:
        account.takes(1, 5000)
    assert not any(account.made_room for account in accounts)


def test_the_room_is_for_those_who_hold_something() -> None:
    """Given a hundred accounts of which one is at work, then that one may take it all."""
    room = Room(1000 * KB)
    others = [Account(room) for _ in range(100)]
    for other in others:
        other.takes(1, 1)
        other.settles(1)
    others[0].takes(1, 1)
    others[0].share.close()
    one = Account(room)
    one.takes(10, 100)
    assert not one.made_room
    assert one.share.most == 7


def test_only_what_came_lately_says_how_many_fit() -> None:
    room = Room(1000 * KB)
    account = Account(room, window=5)
    account.takes(1, 900)
    account.settles(1)
    account.takes(5, 10)
    assert account.share.fit == 75


def test_beside_messages_that_came_back_often_few_are_held() -> None:
    room = Room()
    account = Account(room, window=2)
    account.takes(1, 10, deliveries=12)
    assert account.share.most == FEW
    account.takes(1, 10, deliveries=60)
    assert account.share.most == 1
    account.takes(2, 10)
    assert account.share.most > 500


def test_headers_take_memory_too() -> None:
    many = {"x": [{"a": 1}] * 1000}
    assert size_of(Delivery(b"", "", headers=many)) > 50_000
    assert size_of(Delivery(b"1234", "")) == PER_MESSAGE + 4


def test_many_small_messages_take_memory_as_few_large_ones_do() -> None:
    """Given 64 accounts with a backlog each, a worker holds what 300 MB are enough for: 6 KB each.

    It takes a while until one that makes room is back. Its part is kept for it meanwhile, so that few make
    room more than once.
    """
    room = Room()
    accounts = [Account(room, 2145) for _ in range(64)]
    back_at = dict[int, int]()
    made_room = 0
    for turn in range(300):
        for number, account in enumerate(accounts):
            if not account.made_room:
                account.takes(min(40, account.window - account.share.messages), 0)
            elif number not in back_at:
                back_at[number] = turn + 60
                made_room += 1
            elif turn == back_at[number]:
                account.share.close()
                accounts[number] = Account(room, account.fit)
                del back_at[number]
    assert not back_at
    assert 20_000 < sum(account.window for account in accounts) < 45_000
    assert min(account.window for account in accounts) > 300
    assert made_room < 1.5 * 64


def test_one_account_alone_may_hold_all_that_it_takes() -> None:
    account = Account(Room(), window=25_000)
    account.takes(25_000, 2)
    assert not account.made_room
