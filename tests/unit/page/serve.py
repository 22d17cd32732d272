"""A page that is served to tests, over accounts and a ledger of their own; no worker and no RabbitMQ runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import aiohttp
from pydantic import SecretStr
from yarl import URL

from worker.accounts.reading import AccountFiles
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.page.app import page
from worker.page.rights import Signer, Visitor
from worker.page.serving import serving
from worker.page.site import Site
from worker.settings import Settings

TOKEN: Final = "an operators' token, long enough"
READ_TOKEN: Final = "a token to look, and that is all"
SECRET: Final = SecretStr("what signs links and sessions")
KEY: Final = "kit_0123456789abcdef0123456789abcdef"
NAMES: Final = ("sunny", "rainy")
ACCOUNT_FILE: Final = "app: {name}\nkit: {{api_key_env: KIT_API_KEY_{upper}}}\n"
STORED_KEY: Final = "app: {name}\nkit: {{api_key: stored}}\n"
BY_OAUTH: Final = "app: {name}\nkit: {{oauth: {{client_id_env: KIT_CLIENT_ID}}}}\n"


class Answer(NamedTuple):
    """What came back: `place` is where the browser is sent."""

    status: int
    text: str
    headers: Mapping[str, str]
    place: str


class Client:
    """A browser as far as HTTP goes: it keeps cookies, and says where its posts come from."""

    def __init__(self, session: aiohttp.ClientSession, root: URL) -> None:
        self.root = root
        self.session = session

    async def ask(
        self,
        path: str,
        form: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "",
    ) -> Answer:
        """Get a path, or post a form to it from a page of ours; headers take the place of what that says."""
        verb = method or ("GET" if form is None else "POST")
        said = {"Sec-Fetch-Site": "same-origin"} if headers is None else headers
        address = URL(f"{self.root}{path}", encoded=True)
        async with self.session.request(
            verb, address, data=form, headers=said, allow_redirects=False
        ) as response:
            place = response.headers.get("Location", "")
            return Answer(response.status, await response.text(), response.headers, place)

    async def sign_in(self, token: str) -> Answer:
        """Sign in with a token."""
        return await self.ask("/sign-in", {"token": token})

    async def follow(self, visitor: Visitor) -> Answer:
        """Come in with a link."""
        return await self.ask(f"/link/{Signer(SECRET).write_visitor('link', visitor)}", {})


def admin(account: str = "sunny", *, may_change: bool = True, lasts: float = 3600.0) -> Visitor:
    """Return who comes with a link for an account."""
    return Visitor(f"admin of {account}", account, may_change, Clock().time() + lasts)


@asynccontextmanager
async def served(
    folder: Path,
    names: tuple[str, ...] = NAMES,
    file: str = ACCOUNT_FILE,
    *,
    texts: Mapping[str, str] = MappingProxyType({}),
    **settings: Any,  # noqa: ANN401  # settings' own types
) -> AsyncIterator[Client]:
    """Serve a page over these accounts, with both tokens unless settings say otherwise; yields a client.

    An account's file is what `texts` has for it, else `file`, with its name in it.
    """
    (folder / "accounts").mkdir(exist_ok=True)
    for name in names:
        text = texts.get(name) or file.format(name=name, upper=name.upper())
        (folder / "accounts" / f"{name}.yaml").write_text(text)
    ledger = f"sqlite+aiosqlite:///{folder / 'ledger.db'}"
    chosen = {
        "amqp_url": SecretStr("amqp://guest:guest@127.0.0.1:9/"),
        "config_dir": folder,
        "kit_base_url": "http://127.0.0.1:9",
        "ledger_url": SecretStr(ledger),
        "page_token": SecretStr(TOKEN),
        "page_read_token": SecretStr(READ_TOKEN),
        "page_secret": SECRET,
        **settings,
    }
    async with Ledger(Database(ledger), worker="a worker that made it", clock=Clock()) as made:
        await made.ready()
    environ = {f"KIT_API_KEY_{name.upper()}": f"{KEY[:-5]}{name:_>5}" for name in names}
    environ |= {"KIT_CLIENT_ID": "the-client"}
    files = AccountFiles(folder, lambda: environ, folder / "no.env")
    site = Site(Settings(_env_file=None, **chosen), files, files.read())
    async with (
        serving(page(site), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        running = asyncio.create_task(site.run())
        try:
            yield Client(session, URL(f"http://127.0.0.1:{port}"))
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
