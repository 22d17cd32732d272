"""How commands end as processes: when told to, and for want of a port, a terminal or a disk."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.integration.harness import until
from tests.integration.shell import Shell

pytestmark = pytest.mark.timeout(120)


async def test_run_and_sandbox_end_quietly_with_0_when_told_to(kit_worker: Shell) -> None:
    """Given nobody to work for, both go on until SIGTERM, and the sandbox until Ctrl-C as well."""
    run = await kit_worker.start("run", AMQP_URL="amqp://127.0.0.1:1/", SHUTDOWN_GRACE="0")
    sandbox, other = [await kit_worker.start("sandbox", "--port", "0") for _ in range(2)]
    assert run.stderr
    async with asyncio.timeout(30):
        for process in (sandbox, other):
            assert process.stdout
            assert b"http://127.0.0.1:" in await process.stdout.readline()
        while b"broker_unreachable" not in await run.stderr.readline():
            pass
    for process, number in ((run, signal.SIGTERM), (sandbox, signal.SIGTERM), (other, signal.SIGINT)):
        process.send_signal(number)

    (_, run_err), (_, err), (_, other_err) = await asyncio.gather(
        run.communicate(), sandbox.communicate(), other.communicate()
    )

    assert (run.returncode, sandbox.returncode, other.returncode) == (0, 0, 0)
    assert (err, other_err) == (b"", b"")
    assert b"Traceback" not in run_err


async def test_a_port_that_is_taken_is_named_with_what_gives_another_one(kit_worker: Shell) -> None:
    """Given another program on the port, worker and sandbox say which port, and which setting or option."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        port = str(server.sockets[0].getsockname()[1])
        run = await kit_worker("run", HTTP_PORT=port)
        sandbox = await kit_worker("sandbox", "--port", port)

    taken = f"port {port} of 127.0.0.1 is taken: another program listens there"
    assert (run.code, sandbox.code) == (2, 2)
    assert f"kit-worker: HTTP_PORT: {taken}; stop it, or set another HTTP_PORT" in run.err
    assert f"kit-worker: {taken}; say another --port" in sandbox.err


async def test_ctrl_c_ends_a_command_quietly_with_130(kit_worker: Shell) -> None:
    """Given a broker that takes the connection and never answers, Ctrl-C need not wait for it."""
    connected: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set_result(writer)

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as mute:
        port = mute.sockets[0].getsockname()[1]
        process = await kit_worker.start("dead-letters", "list", AMQP_URL=f"amqp://127.0.0.1:{port}/")
        async with asyncio.timeout(30):
            writer = await connected
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
        writer.close()

    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_question_ends_at_once_for_whoever_does_not_answer(number: signal.Signals) -> None:
    """Given a question in the middle of a command, Ctrl-C need not be typed twice, nor Enter behind it."""
    asks = (
        "from worker.commands.common import run_async, says_yes\n"
        "async def work(): says_yes('Sure?')\n"
        "try: run_async(work())\n"
        "except KeyboardInterrupt: raise SystemExit(130)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", asks, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    async with asyncio.timeout(60):
        asked = await process.stderr.readuntil(b"]:")
        # A signal just before the system waits for what is typed would be noticed behind it.
        await until(lambda: " S " in Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii"))
        process.send_signal(number)
        code = await process.wait()  # nothing is typed, and the end of input does not come

    assert (asked, code) == (b"Sure? [y/N]:", 130)


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_a_terminal_that_is_not_utf_8_shows_what_it_has_no_letter_for_as_its_code(
    kit_worker: Shell, options: tuple[str, ...]
) -> None:
    asked = ("explain", "user.signed_up", "--set", "user.email=zo\u00eb@example.com", "--offline", *options)

    told = await kit_worker(*asked, PYTHONIOENCODING="ascii")

    assert (told.code, told.err) == (1, "")
    if options:
        assert json.loads(told.out)["email"] == "zo\u00eb@example.com"
    else:
        assert "zo\\xeb@example.com" in told.out


async def test_a_reader_that_stops_reading_is_no_error() -> None:
    """Given `kit-worker schema events | head -1`, there is no traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker", "schema", "events",
        stdout=writing, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    os.close(writing)

    _, err = await process.communicate()

    assert (process.returncode, err) == (141, b"")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (
            "schema events > /dev/full",
            2,
            "kit-worker: the output cannot be written: No space left on device\n",
        ),
        ("--version > /dev/full", 2, "kit-worker: the output cannot be written: No space left on device\n"),
        ("schema events >&-", 0, ""),
        (
            "publish --dry-run - <&-",
            2,
            "kit-worker: standard input: is empty; it should hold an event as JSON\n",
        ),
        ("publish --dry-run - <&- >&- 2>&-", 2, ""),
    ],
)
async def test_a_full_disk_and_what_was_closed_before_need_no_traceback(
    words: str, code: int, says: str
) -> None:
    process = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m worker {words}", stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()

    assert (process.returncode, err.decode()) == (code, says)
