"""`kit-worker page`: the page for admins and operators."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from worker.accounts.reading import AccountFiles
from worker.commands.common import begin, run_async
from worker.commands.output import warn
from worker.errors import ConfigurationError, Problem
from worker.outside.urls import LOOPBACK
from worker.page.app import page as application
from worker.page.serving import serving
from worker.page.site import Site
from worker.settings import ENV_FILE, Settings, environment

log = structlog.get_logger()

OPEN: Final = (
    "PAGE_TOKEN is not set: everybody on this machine may see and change all. Set it (openssl rand -hex 24 "
    "makes one) before others have an account here."
)
PASSING: Final = (
    "PAGE_SECRET is not set: sessions end when this process does, and page-link makes no links. "
    "openssl rand -hex 24 makes one."
)


def page() -> None:
    """Serve the page on PAGE_HOST and PAGE_PORT, until stopped."""
    settings = begin()
    check_closed(settings)
    if settings.page_token is None:
        warn(OPEN)
    if settings.page_secret is None:
        warn(PASSING)
    with suppress(KeyboardInterrupt):  # its ordinary end
        run_async(_serve(settings))
    log.info("page_stopped")


def check_closed(settings: Settings) -> None:
    """Refuse to let everybody in.

    Raises:
        ConfigurationError: Others could reach the page, and none of them would need a token.
    """
    if settings.page_token is None and settings.page_host not in LOOPBACK:
        text = f"has to be set, since others reach {settings.page_host}; openssl rand -hex 24 makes one"
        raise ConfigurationError([Problem("PAGE_TOKEN", text)])
    if settings.page_read_token is not None and settings.page_token is None:
        text = "has to be set, too, where PAGE_READ_TOKEN is: else nobody needs either"
        raise ConfigurationError([Problem("PAGE_TOKEN", text)])


async def _serve(settings: Settings) -> None:
    files = AccountFiles(settings.config_dir, environment, ENV_FILE)
    site = Site(settings, files, await asyncio.to_thread(files.read))
    async with serving(application(site), settings.page_host, settings.page_port) as port:
        log.info("page_started", address=f"http://{_in_address(settings.page_host)}:{port}/")
        await site.run()


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
