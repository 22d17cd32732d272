"""A command, and a private service that is there for as long as the command runs."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from scripts import control
from scripts.control import Answer
from scripts.machine import bound_to_us, kill_program, runs, wait_until

SCRIPTS = Path(__file__).resolve().parent
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
START_ATTEMPTS = 3
ANSWER_SECONDS = 5.0
NO_SERVICE = 4  # as kit-worker's own exit code for want of a broker


class ServiceError(Exception):
    """No such service could be had; the message says what to do."""


def tail(text: str, lines: int = 20) -> str:
    """Return the last lines of a log, indented, for showing below a message."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])


class Service(ABC):
    """A private service, with a folder and a loopback port of its own.

    Its kinds say how to choose ports and write settings (`_configure`), to start it where it does not run
    (`_launch`), to tell whether it can be used (`_is_ready`), and where it is (`url`, for `variable`).
    """

    name: str
    variable: str
    start_seconds = 120.0
    _lacks = ""  # what it was that kept it from being ready, when one last looked

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"kit-worker-{self.name}-"))
        self.log = self.folder / "output.log"
        self.environment = dict(os.environ)
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @abstractmethod
    def url(self) -> str:
        """Return where it is."""

    @abstractmethod
    def _configure(self) -> None: ...

    @abstractmethod
    def _launch(self) -> None: ...

    @abstractmethod
    def _is_ready(self) -> bool: ...

    def start(self) -> None:
        """Start it and return when it can be used, or raise a ServiceError with the end of its log."""
        for _ in range(START_ATTEMPTS):  # somebody else may be faster at a port
            self._configure()
            self._launch()
            wait_until(lambda: self._is_ready() or not runs(self.process), self.start_seconds)
            if runs(self.process) and self._is_ready():
                return
            self._kill()
        log = self.log.read_text(encoding="utf-8", errors="replace")
        raise ServiceError(f"a private {self.name} did not start. The end of its log:\n{tail(log)}")

    def close(self) -> None:
        """End it and remove its folder: nobody needs what it held, so nothing is shut down gently."""
        self._kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _give(self, user: str, *paths: Path) -> None:
        """Let the user as whom a service runs have some paths in the folder.

        The folder stays ours: we write to it later on, and nobody may lay links, or a socket of theirs, into
        our way. The user's group may pass through it, and no more.
        """
        account = pwd.getpwnam(user)
        os.chown(self.folder, -1, account.pw_gid)
        self.folder.chmod(0o710)
        for path in paths:
            os.chown(path, account.pw_uid, account.pw_gid)

    def control(self, arguments: Sequence[str]) -> Answer:
        """Carry out a command of the control program."""
        match arguments:
            case ["kill"]:
                self._kill()
                return Answer()
            case ["start"]:
                return self._start_again()
            case _:
                return Answer(2, err=control.__doc__ or "")

    def _kill(self) -> None:
        """Kill it as a power cut would; its data stays."""
        kill_program(self.process)

    def _start_again(self) -> Answer:
        def is_up() -> bool:
            self._launch()
            return self._is_ready()

        if wait_until(is_up, self.start_seconds, interval=0.2):
            return Answer()
        said = f"{self.name}-ctl: it did not start within {self.start_seconds:.0f} s. {self._lacks}"
        log = self.log.read_text(encoding="utf-8", errors="replace")
        return Answer(1, err=f"{said}\nThe end of its log:\n{tail(log)}\n")


def check_given(variable: str, title: str, url_answers: Callable[[str], bool]) -> bool:
    """Return False where the variable is not set, True where the service that it names answers."""
    url = os.environ.get(variable)
    if url and not wait_until(lambda: url_answers(url), ANSWER_SECONDS, interval=0.5):
        raise ServiceError(
            f"{variable} is set to {without_password(url)}, but no {title} answers there. Start it, or "
            f"unset {variable} to use a private one."
        )
    return bool(url)


def without_password(url: str) -> str:
    """Return the URL as it may be shown."""
    parts = urlsplit(url)
    login, at, address = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    return parts._replace(netloc=f"{user}:***{at}{address}" if at else address, query="").geturl()


def main(program: str, usage: str, command: Sequence[str], find: Callable[[], Service | None]) -> int:
    """Run the command with the service that `find` returns (None: the environment names one already)."""
    if not command or command[0] in {"-h", "--help"}:
        print(usage, file=sys.stderr, end="")
        return 2
    if shutil.which(command[0]) is None:
        print(f"{program}: there is no command '{command[0]}' here.", file=sys.stderr)
        return 127
    _on_signals(lambda number: sys.exit(128 + number))
    try:
        service = find()
        return _run(command, os.environ) if service is None else _run_with(service, command)
    except ServiceError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return NO_SERVICE


def _run_with(service: Service, command: Sequence[str]) -> int:
    try:
        if sys.stderr.isatty():  # somebody waits, for some seconds
            print(f"starting a private {service.name} …", file=sys.stderr)
        service.start()
        name, socket = service.name.upper(), str(service.folder / "control")
        program = str(SCRIPTS / f"{service.name}-ctl")
        added = {service.variable: service.url(), f"{name}_CTL": program, f"{name}_CONTROL": socket}
        with control.serve(socket, service.control):
            return _run(command, os.environ | added)
    finally:
        _on_signals(lambda _: None)  # an impatient second Ctrl-C must leave nothing behind
        service.close()


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code, 128 more than the signal if one ended it.

    A signal that asks for an end goes to the command, which decides. A terminal's Ctrl-C reaches it anyway.
    """
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []  # what arrives before we know the process, perhaps from itself

    def pass_on(number: int) -> None:
        if number == signal.SIGINT and sys.stdin.isatty():
            return
        if process is None:
            early.append(number)
        else:
            process.send_signal(number)

    _on_signals(pass_on)
    process = subprocess.Popen(bound_to_us(command, "TERM"), env=environment)
    for number in early:
        process.send_signal(number)
    code = process.wait()
    return code if code >= 0 else 128 - code


def _on_signals(act: Callable[[int], None]) -> None:
    def handle(number: int, _frame: FrameType | None) -> None:
        act(number)

    for ending in ENDING:
        signal.signal(ending, handle)
