"""`scripts/with-postgres`: the order of choice, and an end that leaves nothing behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.postgres import package
from scripts.postgres.cluster import Cluster
from scripts.postgres.control import KILL, START, STATE_VARIABLE, STOP, State
from scripts.postgres.probe import url_answers
from scripts.postgres.programs import find_programs
from scripts.services.apt import can_install
from scripts.services.command import end_on_signals, let_nothing_interrupt, refused, run
from scripts.services.errors import ServiceError
from scripts.services.urls import without_password

ROOT = Path(__file__).resolve().parents[2]
NO_SERVER = 4  # as kit-worker's own exit code for want of a broker

USAGE = """\
Usage: scripts/with-postgres COMMAND…

Runs COMMAND with POSTGRES_URL set, and exits as it does. The database is the one of POSTGRES_URL where that
is set already, else that of a private server (PostgreSQL is installed first if need be and if we are root on
Debian or Ubuntu). A private server is gone afterwards, with all that it held.
"""
NO_WAY = (
    "no PostgreSQL server was found. Set POSTGRES_URL to a database of a running one "
    "(postgresql+asyncpg://user:password@host/database), or install postgresql (on Debian and Ubuntu: "
    "sudo apt-get install postgresql)."
)


def main(command: Sequence[str]) -> int:
    """Run the command with a database and return its exit code; 2 for wrong use, 4 for want of a server."""
    code = refused("with-postgres", USAGE, command)
    if code is not None:
        return code
    end_on_signals()
    try:
        if os.environ.get("POSTGRES_URL"):
            return _run_with_given_database(command, os.environ["POSTGRES_URL"])
        return _run_with_private_server(command, Cluster(_programs()))
    except ServiceError as error:
        print(f"with-postgres: {error}", file=sys.stderr)
        return NO_SERVER


def _programs() -> Path:
    programs = find_programs()
    if programs is None and can_install():
        package.install()
        programs = find_programs()
    if programs is None:
        raise ServiceError(NO_WAY)
    return programs


def _run_with_given_database(command: Sequence[str], url: str) -> int:
    if not url.startswith("postgresql+asyncpg://"):
        raise ServiceError("POSTGRES_URL must be such as postgresql+asyncpg://user:password@host/database.")
    if not url_answers(url):
        raise ServiceError(
            f"POSTGRES_URL is set to {without_password(url)}, but no PostgreSQL answers there. Start that "
            "server, or unset POSTGRES_URL to use a private one."
        )
    return run(command, os.environ, {})


def _run_with_private_server(command: Sequence[str], cluster: Cluster) -> int:
    try:
        cluster.start()
        state = cluster.folder / "state.json"
        State(os.getpid(), cluster.port, str(cluster.pid_file), cluster.asks_whether_ready).save(state)
        environment = os.environ | {
            "POSTGRES_URL": cluster.url,
            "POSTGRES_CTL": str(ROOT / "scripts" / "postgres-ctl"),
            STATE_VARIABLE: str(state),
        }
        return run(command, environment, {KILL: cluster.kill, START: cluster.launch, STOP: cluster.stop})
    finally:
        let_nothing_interrupt()
        cluster.close()
