"""A connected account's token is renewed ahead of time, by one worker, and written before it is used."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.virtual_time import VirtualClock, now, run, settle
from worker.errors import CredentialRefused, KitUnavailable, LedgerUnavailable, RateLimited, TryLater
from worker.kit.auth.endpoint import GrantRefusedError, OAuthEndpoint
from worker.kit.auth.refresh import PATIENCE, RETRY, SEND_WITHIN, OAuthLogin
from worker.ledger.connecting import Connected
from worker.ledger.tokens import KitConnection, Tokens, TokenStore

LIFE = 100.0
URL = "https://api.kit.com"
TIMEOUT = 15.0


@dataclass
class Kit(OAuthEndpoint):
    """Kit's token endpoint: a refresh token works once.

    Attributes:
        uses: Of each refresh token.
        lost: How many answers get lost, though Kit has done its part.
        error: What it answers instead of doing anything.
        sent_late: How many refreshes were sent after the time that they were given.
    """

    latency: float = 0.5
    life: float = LIFE
    lost: int = 0
    error: Exception | None = None
    timeout: float = TIMEOUT
    base_url: str = URL
    uses: Counter[str] = field(default_factory=Counter)
    good: str = "r0"
    sent_late: int = 0

    async def refresh(self, refresh_token: str, *, send_by: float = float("inf")) -> Tokens:
        """Answer as `OAuthEndpoint.refresh`."""
        self.sent_late += now() > send_by
        await asyncio.sleep(self.latency / 2)
        if self.error is not None:
            raise self.error
        self.uses[refresh_token] += 1
        if refresh_token != self.good:
            raise GrantRefusedError
        number = int(self.good[1:]) + 1
        self.good = f"r{number}"
        await asyncio.sleep(self.latency / 2)
        if self.lost:
            self.lost -= 1
            error = KitUnavailable("no answer")
            error.unanswered = True
            raise error
        return Tokens(f"a{number}", self.good, now() + self.life, self.life)


@dataclass
class Store(TokenStore):
    """A ledger's tokens, as `TokenStore` keeps them."""

    kept: KitConnection | None = None
    broken: bool = False
    loads: int = 0
    latency: float = 0.01

    async def load(self, _: str) -> KitConnection | None:
        """Read."""
        await self._work()
        self.loads += 1
        return self.kept

    async def begin_refresh(self, _: str, stored: KitConnection, refresh: str) -> bool:
        """Take the turn."""
        await self._work()
        if self.kept != stored:
            return False
        in_doubt = stored.in_doubt or bool(stored.refreshing)
        self.kept = replace(stored, refreshing=refresh, in_doubt=in_doubt)
        return True

    async def give_up_refresh(self, _: str, version: int, refresh: str, *, in_doubt: bool) -> None:
        """Let others try."""
        await self._work()
        if (kept := self._of(version)) is not None and kept.refreshing == refresh:
            self.kept = replace(kept, refreshing="", in_doubt=kept.in_doubt or in_doubt)

    async def finish_refresh(self, _: str, version: int, granted: Tokens) -> None:
        """Keep new tokens."""
        await self._work()
        if (kept := self._of(version)) is not None:
            self.kept = KitConnection(granted, kept.connected, kept.kit_url, version + 1)

    async def must_connect(self, _: str, version: int, problem: str) -> bool:
        """Note a problem."""
        await self._work()
        if (kept := self._of(version)) is None:
            return False
        self.kept = replace(kept, connected=replace(kept.connected, problem=problem), refreshing="")
        return True

    def _of(self, version: int) -> KitConnection | None:
        return self.kept if self.kept is not None and self.kept.version == version else None

    async def _work(self) -> None:
        await asyncio.sleep(self.latency)
        if self.broken:
            raise LedgerUnavailable("the ledger is gone")


@dataclass
class World:
    """One account, and as many workers as a test likes."""

    kit: Kit = field(default_factory=Kit)
    store: Store = field(default_factory=lambda: Store(connected()))

    def login(self) -> OAuthLogin:
        """One more process."""
        return OAuthLogin("a", self.store, self.kit, clock=VirtualClock(began=0.0))

    @property
    def kept(self) -> KitConnection:
        """What the ledger has."""
        assert self.store.kept is not None
        return self.store.kept


def connected(expires_at: float = LIFE) -> KitConnection:
    return KitConnection(Tokens("a0", "r0", expires_at, LIFE), Connected(7, 0.0), URL, 1)


def token(headers: object) -> str:
    assert isinstance(headers, dict)
    return str(headers["Authorization"]).removeprefix("Bearer ")


def test_a_token_is_read_once_and_used_until_shortly_before_its_end() -> None:
    async def main() -> None:
        world = World()
        login = world.login()
        for _ in range(5):
            assert token(await login.headers()) == "a0"
        assert world.store.loads == 1
        await asyncio.sleep(LIFE * 0.81)
        assert token(await login.headers()) == "a1"
        assert world.kit.uses == {"r0": 1}
        assert (world.kept.version, world.kept.refreshing) == (2, "")

    run(main())


def test_many_calls_and_many_workers_renew_it_once() -> None:
    async def main() -> None:
        world = World()
        logins = [world.login() for _ in range(3)]
        await asyncio.sleep(LIFE + 1)
        found = await asyncio.gather(*(login.headers() for login in logins * 10))
        assert {token(each) for each in found} == {"a1"}
        assert world.kit.uses == {"r0": 1}

    run(main())


def test_before_the_ledger_has_the_new_token_nobody_uses_it() -> None:
    async def main() -> None:
        world = World()
        await asyncio.sleep(LIFE + 1)
        asking = asyncio.create_task(world.login().headers())
        await asyncio.sleep(world.kit.latency - 0.1)
        world.store.broken = True
        await asyncio.sleep(30)
        assert not asking.done()
        world.store.broken = False
        assert token(await asking) == "a1"
        assert world.kept.tokens.access_token == "a1"

    run(main())


def test_whoever_asks_is_cancelled_and_the_next_gets_what_was_asked_for() -> None:
    async def main() -> None:
        world = World()
        await asyncio.sleep(LIFE + 1)
        login = world.login()
        asking = asyncio.create_task(login.headers())
        await asyncio.sleep(world.kit.latency / 2 + 0.1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert token(await login.headers()) == "a1"
        assert world.kit.uses == {"r0": 1}

    run(main())


def test_a_token_that_still_works_is_used_while_kit_does_not_renew_it() -> None:
    """Given a Kit that fails, it is asked again after a while, not with every call."""

    async def main() -> None:
        world = World()
        login = world.login()
        world.kit.error = RateLimited("slow down")
        await asyncio.sleep(LIFE * 0.85)
        for _ in range(3):
            assert token(await login.headers()) == "a0"
        assert world.kept.refreshing == ""
        world.kit.error = None
        assert token(await login.headers()) == "a0"
        await asyncio.sleep(RETRY)
        assert token(await login.headers()) == "a1"

    run(main())


def test_a_slow_renewal_keeps_nobody_waiting_while_the_token_still_works() -> None:
    async def main() -> None:
        world = World(Kit(latency=10.0))
        login = world.login()
        await asyncio.sleep(0.85 * LIFE)
        began = now()
        assert token(await login.headers()) == "a0"
        assert now() - began <= PATIENCE + 0.1
        again = now()
        assert token(await login.headers()) == "a0"
        assert now() == again  # it is known to be slow
        await asyncio.sleep(10.0)
        assert world.kept.tokens.access_token == "a1"  # it went on, and is asked for once
        await asyncio.sleep(RETRY)
        assert token(await login.headers()) == "a1"
        assert max(world.kit.uses.values()) == 1

    run(main())


def test_a_token_that_has_ended_and_cannot_be_renewed_now_holds_the_account() -> None:
    async def main() -> None:
        world = World()
        world.kit.error = RateLimited("slow down")
        await asyncio.sleep(LIFE + 1)
        with pytest.raises(RateLimited):
            await world.login().headers()
        world.store.broken = True
        with pytest.raises(TryLater, match="the ledger is gone"):
            await world.login().headers()

    run(main())


def test_a_lost_answer_is_tried_once_more_and_then_a_person_is_asked() -> None:
    """Given an answer that was lost, only a second try shows whether Kit has carried the refresh out."""

    async def main() -> None:
        world = World(Kit(lost=1))
        await asyncio.sleep(LIFE + 1)
        with pytest.raises(KitUnavailable):
            await world.login().headers()
        for _ in range(2):
            with pytest.raises(
                CredentialRefused, match=r"answer to a refresh was lost .* kit-worker connect a"
            ):
                await world.login().headers()
        assert world.kit.uses == {"r0": 2}

    run(main())


def test_tokens_that_nobody_was_refreshing_were_revoked_or_are_old() -> None:
    """Given a ledger that was put back from a copy, its refresh token was used up long ago."""

    async def main() -> None:
        world = World(Kit(good="r9"))
        await asyncio.sleep(LIFE + 1)
        with pytest.raises(CredentialRefused, match=r"used already, or revoked .* put back from a copy"):
            await world.login().headers()
        assert world.kept.connected.problem

    run(main())


def test_a_worker_that_was_killed_leaves_its_turn_to_others_after_a_while() -> None:
    """Given a kill before Kit heard of the refresh, another worker does it, once the turn is surely over.

    How long that is, the other one measures itself: the clocks of two hosts may differ by any time.
    """

    async def main() -> None:
        world = World()
        assert await world.store.begin_refresh("a", connected(), "killed")
        await asyncio.sleep(LIFE * 0.81)
        login, started = world.login(), now()
        assert token(await login.headers()) == "a0"  # which still works
        await asyncio.sleep(LIFE * 0.18)
        assert token(await login.headers()) == "a0"
        assert world.kit.uses == {}
        await asyncio.sleep(LIFE * 0.02)
        assert token(await login.headers()) == "a1"
        assert SEND_WITHIN + TIMEOUT < now() - started < SEND_WITHIN + TIMEOUT + 3
        assert not world.kept.in_doubt

    run(main())


def test_a_worker_that_stood_still_uses_what_another_has_got_meanwhile() -> None:
    """Given a refresh that is sent too late, Kit's refusal is no loss where the ledger has newer tokens."""

    async def main() -> None:
        world = World()
        await asyncio.sleep(LIFE + 1)
        world.kit.latency = 60.0
        late = asyncio.create_task(world.login().headers())
        await asyncio.sleep(1)
        world.kit.latency = 0.5
        assert token(await world.login().headers()) == "a1"
        assert token(await late) == "a1"
        assert world.kit.uses == {"r0": 2}
        assert world.kept.connected.problem == ""

    run(main())


def test_a_refresh_is_not_sent_long_after_its_turn_was_taken() -> None:
    async def main() -> None:
        world = World(store=Store(connected(), latency=SEND_WITHIN + 1))
        await asyncio.sleep(LIFE + 1)
        await world.login().headers()
        assert world.kit.sent_late == 1  # it was told until when, and OAuthEndpoint sends nothing then

    run(main())


def test_what_was_asked_for_is_written_before_a_login_is_closed() -> None:
    async def main() -> None:
        world = World()
        await asyncio.sleep(LIFE + 1)
        login = world.login()
        asking = asyncio.create_task(login.headers())
        await asyncio.sleep(world.kit.latency / 2 + 0.1)
        asking.cancel()
        again = asyncio.create_task(login.headers())
        await asyncio.sleep(0.05)
        again.cancel()
        await asyncio.gather(asking, again, return_exceptions=True)
        await login.close()
        assert world.kept.tokens.refresh_token == world.kit.good == "r1"
        await login.close()

    run(main())


def test_closing_waits_for_no_ledger_that_never_comes_back() -> None:
    async def main() -> None:
        world = World()
        await asyncio.sleep(LIFE + 1)
        login = world.login()
        asking = asyncio.create_task(login.headers())
        await asyncio.sleep(world.kit.latency - 0.1)
        world.store.broken = True
        asking.cancel()
        await login.close()
        assert now() - LIFE < SEND_WITHIN + TIMEOUT + 5

    run(main())


def test_a_ledger_that_does_not_take_new_tokens_holds_the_account() -> None:
    """Given a ledger that goes away between Kit's answer and the commit, the account says so, and goes on."""

    async def main() -> None:
        world = World()
        await asyncio.sleep(LIFE + 1)
        login = world.login()
        asking = asyncio.create_task(login.headers())
        await asyncio.sleep(world.kit.latency - 0.1)
        world.store.broken = True
        with pytest.raises(TryLater, match="not in the ledger yet: the ledger is gone"):
            await asking
        assert login.has_unwritten
        world.store.broken = False
        await asyncio.sleep(10)
        assert not login.has_unwritten
        assert token(await login.headers()) == "a1"
        assert world.kit.uses == {"r0": 1}

    run(main())


def test_tokens_are_not_shown_to_another_kit() -> None:
    """Given KIT_BASE_URL of a sandbox, the tokens of a real account stay where they are, and good."""

    async def main() -> None:
        world = World(Kit(base_url="http://127.0.0.1:8025"))
        await asyncio.sleep(LIFE + 1)
        with pytest.raises(
            CredentialRefused, match=r"connected at https://api\.kit\.com, and KIT_BASE_URL is"
        ):
            await world.login().headers()
        assert world.kit.uses == {}
        assert world.kept.connected.problem == ""

    run(main())


def test_a_login_is_of_one_kit_account() -> None:
    """Given another Kit account, whose tags have other ids, nothing is called with its token."""

    async def main() -> None:
        world = World()
        login = world.login()
        assert not login.is_stale(None)
        await login.headers()
        assert not login.is_stale(Connected(7, 0.0))
        assert login.is_stale(None)
        assert login.is_stale(Connected(8, 5.0))
        world.store.kept = replace(connected(), connected=Connected(8, 5.0), version=9)
        with pytest.raises(CredentialRefused, match="another Kit account"):
            await login.renewed({"Authorization": "Bearer a0"})
        assert token(await world.login().headers()) == "a0"

    run(main())


def test_a_connection_that_was_ended_ends_at_the_next_look() -> None:
    async def main() -> None:
        world = World()
        login = world.login()
        refused = await login.headers()
        world.store.kept = None
        with pytest.raises(CredentialRefused, match="not connected to Kit"):
            await login.renewed(refused)
        with pytest.raises(CredentialRefused, match="not connected to Kit"):
            await login.headers()

    run(main())


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (None, "not connected to Kit: run kit-worker connect a"),
        (replace(connected(), connected=Connected(7, 0.0, "why")), "why"),
    ],
)
def test_an_account_that_is_not_connected_says_what_to_do(kept: KitConnection | None, said: str) -> None:
    async def main() -> None:
        world = World(store=Store(kept))
        with pytest.raises(CredentialRefused, match=said):
            await world.login().headers()
        with pytest.raises(CredentialRefused, match=said):
            await world.login().check()

    run(main())


def test_a_token_that_kit_refuses_is_renewed_once() -> None:
    """Given many calls that are refused together, one refresh serves them all."""

    async def main() -> None:
        world = World()
        login = world.login()
        refused = await login.headers()
        assert all(await asyncio.gather(*(login.renewed(refused) for _ in range(5))))
        assert token(await login.headers()) == "a1"
        assert world.kit.uses == {"r0": 1}

    run(main())


def test_what_another_worker_has_renewed_is_taken_from_the_ledger() -> None:
    async def main() -> None:
        world = World()
        one, two = world.login(), world.login()
        refused = await two.headers()
        assert await one.renewed(await one.headers())
        assert await two.renewed(refused)
        assert world.kit.uses == {"r0": 1}

    run(main())


def test_a_kit_that_grants_no_time_is_not_asked_for_ever() -> None:
    async def main() -> None:
        world = World(Kit(life=0.0))
        await asyncio.sleep(LIFE + 1)
        await world.login().headers()
        assert world.kit.uses == {"r0": 1}

    run(main())


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.floats(0, 30), st.sampled_from(["ask", "kill", "kill", "end"])),
        max_size=25,
    )
)
def test_no_refresh_token_is_used_twice_unless_a_worker_was_killed_in_that_very_moment(
    steps: list[tuple[int, float, str]],
) -> None:
    """Given workers that come and go at any moment, all that Kit was asked twice is reported as cut off."""

    async def main() -> None:
        world = World(Kit(life=5.0), Store(connected(5.0)))
        logins = [world.login() for _ in range(3)]
        asking: list[asyncio.Task[object]] = []
        for number, seconds, what in steps:
            asking.append(asyncio.create_task(logins[number].headers()))
            await asyncio.sleep(seconds / 100 if what == "kill" else seconds)
            if what == "kill":  # as kill -9 does: nothing of the process goes on
                for task in asyncio.all_tasks() - {asyncio.current_task()}:
                    task.cancel()
                    task.cancel()
                logins = [world.login() for _ in range(3)]
                await settle()
        await asyncio.gather(*asking, return_exceptions=True)
        twice = [each for each, count in world.kit.uses.items() if count > 1]
        assert not twice or "was lost" in world.kept.connected.problem

    run(main())
