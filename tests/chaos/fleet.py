"""One row's accounts and workers: made, connected, started and killed."""

from __future__ import annotations

import random
import secrets
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from tests.chaos.checker import Death
from tests.chaos.load import Creator, Load
from tests.chaos.processes import ChaosWorker
from tests.integration.conftest import BrokerControl
from tests.integration.harness import MANY, World, until
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.sealing import Seal, new_key
from worker.ledger.store import Ledger
from worker.ledger.tokens import Tokens, TokenStore
from worker.sandbox import Sandbox


@dataclass(eq=False)
class Fleet:
    """The accounts and workers of one row.

    Attributes:
        creators: All accounts: `main`, `beside`, and any that `add_creator` added.
        workers: All that were ever started here.
        bulk: Whether accounts have an OAuth token each, so that they write for many people together.
        chance: Of the faults that the soak draws.
        deaths: Of workers that ended with calls under way.
    """

    name: str
    world: World
    amqp_url: str
    sandbox: Sandbox
    broker: BrokerControl
    folder: Path
    bulk: bool = False
    creators: list[Creator] = field(default_factory=list)
    workers: list[ChaosWorker] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311  # repeatable
    deaths: list[Death] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.add_creator("main")
        self.add_creator("beside")

    @property
    def pace(self) -> float:
        """Events a second with which a load lasts: bulk calls do away with a burst in too few of them."""
        return 100.0 if self.bulk else 0.0

    @property
    def at_once(self) -> int:
        """How many calls to the account under test are surely under way together under load."""
        return 1 if self.bulk else 5

    # -- accounts -------------------------------------------------------------------------------------

    @property
    def main(self) -> Creator:
        """The account under test."""
        return self.creators[0]

    @property
    def beside(self) -> Creator:
        """The account that no fault of another account may touch."""
        return self.creators[1]

    @property
    def worker(self) -> ChaosWorker:
        """The first worker."""
        return self.workers[0]

    def add_creator(self, role: str, *, key_in_file: bool = False) -> Creator:
        """Add an account, its file included; workers at work start it, where its key is in a file."""
        unique = secrets.token_hex(4)
        name = f"{role}-{unique}"
        creator = Creator(name, f"kit_{unique}{name}", Load(self.amqp_url, self.world.exchange, name))
        self.sandbox.account(creator.key).configure(name=name)
        self.creators.append(creator)
        path = self.account_file(creator)
        path.parent.mkdir(parents=True, exist_ok=True)
        if key_in_file:
            (self.world.config / f"{name}.key").write_text(creator.key, encoding="utf-8")
            secret = f"api_key_file: {name}.key"
        else:
            self.world.environ[_key_variable(creator)] = creator.key
            secret = f"api_key_env: {_key_variable(creator)}"
        if self.bulk:
            secret = secret.replace("api_key", "access_token")
        path.write_text(f"app: {name}\nkit: {{{secret}}}\n{MANY}", encoding="utf-8")
        return creator

    async def connect(self, creator: Creator) -> None:
        """Connect an account by OAuth, as its creator and `kit-worker connect` would, in place of its key."""
        self.world.environ |= {"KIT_CLIENT_ID": "chaos"}
        key = SecretStr(self.world.environ.setdefault("LEDGER_KEY", new_key()))
        granted = self.sandbox.oauth.grant(creator.name, "chaos")
        ends = time.time() + granted.expires_in
        tokens = Tokens(granted.access_token, granted.refresh_token, ends, granted.expires_in)
        url = self.world.environ.get("LEDGER_URL", f"sqlite+aiosqlite:///{self.folder}/data/ledger.db")
        async with Ledger(Database(url), worker="chaos", clock=Clock()) as ledger:
            kit_account = self.creators.index(creator) + 1  # nobody compares it with Kit's own
            await TokenStore(ledger, Seal(key)).connect(creator.name, tokens, kit_account, self.world.kit_url)
        text = f"app: {creator.name}\nkit: {{oauth: {{client_id_env: KIT_CLIENT_ID}}}}\n{MANY}"
        self.account_file(creator).write_text(text, encoding="utf-8")

    def account_file(self, creator: Creator) -> Path:
        """Where an account's file is."""
        return self.world.config / "accounts" / f"{creator.name}.yaml"

    # -- workers --------------------------------------------------------------------------------------

    async def start(self, name: str, **environ: str) -> ChaosWorker:
        """Start one more worker, and wait until it is subscribed to every account."""
        worker = self.add_worker(name, **environ)
        await self.start_again(worker)
        return worker

    def add_worker(self, name: str, **environ: str) -> ChaosWorker:
        """Make one more worker without starting it."""
        worker = ChaosWorker(self.world, self.folder, name, **environ)
        self.workers.append(worker)
        return worker

    async def start_again(self, worker: ChaosWorker) -> None:
        """Start a worker that has ended, and wait until it is subscribed to every account."""
        seen = len(worker.log_lines())
        await worker.launch()
        names = {creator.name for creator in self.creators}

        def subscribed() -> bool:
            assert worker.alive, worker.log_text()[-3000:]
            new = worker.log_lines()[seen:]
            return names <= {line["account"] for line in new if line["event"] == "subscribed"}

        await until(subscribed)

    def limit(self, calls: int) -> None:
        """Let Kit allow each account so many calls in any 60 s, and let workers know."""
        self.sandbox.limits.per_window = dict.fromkeys(self.sandbox.limits.per_window, calls)
        self.world.environ["KIT_RATE_LIMIT"] = str(calls)

    def any_worker(self) -> ChaosWorker:
        """One of the workers that are alive, by chance; the first where none is."""
        return self.chance.choice([worker for worker in self.workers if worker.alive] or self.workers[:1])

    async def kill(self, worker: ChaosWorker) -> None:
        """Kill a worker with SIGKILL, and note when, for the checker."""
        await worker.stop(signal.SIGKILL)
        self.note_death(worker)

    def note_death(self, worker: ChaosWorker) -> None:
        """Tell the checker that a worker ended, or stands still, with calls under way."""
        self.deaths.append(Death(f"({worker.name})", self.sandbox.monotonic()))


def _key_variable(creator: Creator) -> str:
    return "KIT_KEY_" + creator.name.upper().replace("-", "_")
