"""The commands as processes: what they print, where, and how they end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import aio_pika
import aiohttp
import pytest
from aio_pika.abc import AbstractChannel
from pydantic import SecretStr

from tests.integration.harness import BAD, GOOD, KEY, Worker, World, all_settled, until
from tests.integration.ledger.harness import effect
from tests.integration.shell import Shell
from worker.broker.topology import work_queue, work_queue_arguments
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.journal import Action, Journal
from worker.ledger.store import Ledger
from worker.ledger.timers import Timers
from worker.ledger.versions import Versions
from worker.ops.check_broker import QueueCheck, check_broker
from worker.sandbox import Sandbox
from worker.settings import Settings
from worker.subscribers.known import Batch

pytestmark = pytest.mark.timeout(120)


async def test_from_publishing_to_replaying_as_an_operator_would(
    world: World, kit_worker: Shell, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a good and a bad event, the bad one can be found, looked at, replayed and discarded."""
    events = f"{json.dumps(BAD)}\n{json.dumps(GOOD)}\n"
    early = await kit_worker("publish", "-", stdin=events)
    async with Worker(world, tmp_path / "log") as worker:
        published = await kit_worker("publish", "-", stdin=events)
        await all_settled(worker, 2)
        listed, shown, checked = await asyncio.gather(
            kit_worker("dead-letters", "list"), kit_worker("dead-letters", "show", "bad"), kit_worker("check")
        )
        replayed = await kit_worker("dead-letters", "replay", "--all")
        await until(lambda: worker.events_logged().count("event_dead_lettered") == 2)
        discarded = await kit_worker("dead-letters", "discard", "--id", "bad", "--yes", "--json")
        log = worker.log_text()

    assert (early.code, published.code) == (4, 0)
    assert f"the exchange {world.exchange} does not exist yet" in early.err
    assert "standard input:1: the worker will dead-letter this event: data.user.email" in published.err
    assert published.out == f"2 events published to {world.exchange} with the routing key user.signed_up.\n"
    assert sandbox.account(KEY).find("ada@example.com")

    assert re.search(r"invalid_event +1 .*data\.user\.email: not an email address", listed.out)
    assert "user.signed_up bad  invalid_event: data.user.email" in listed.out
    assert '"email": "ada at example.com"' in shown.out
    assert (checked.code, replayed.code, discarded.code) == (5, 0, 0)
    assert "Sunny Kitchen, plan creator" in checked.out
    assert replayed.out == f"{world.account}: 1 dead letter (invalid_event) replayed.\n"
    assert [each["event_id"] for each in json.loads(discarded.out)] == ["bad"]
    assert KEY not in listed.out + shown.out + checked.out + log


async def test_check_names_what_to_mend_first(
    kit_worker: Shell, world: World, channel: AbstractChannel
) -> None:
    """Given faults of several kinds, the exit code is that of the first to mend: files, key, broker."""
    wrong_key, no_broker = {"KIT_API_KEY": "kit_ffffffffffffffff"}, {"AMQP_URL": "amqp://127.0.0.1:1/"}

    key, broker = await asyncio.gather(kit_worker("check", **wrong_key), kit_worker("check", **no_broker))
    (world.config / "accounts" / "second.yaml").write_text("kit: {}\nevnts: {}\n", encoding="utf-8")
    files = await kit_worker("check", **wrong_key, **no_broker)

    assert [each.code for each in (files, key, broker)] == [2, 3, 4]
    assert "not declared yet" in key.out
    assert key.out.splitlines()[-1] == f"Kit cannot be called for {world.account}: see REFUSED above."
    assert "Sunny Kitchen, plan creator" in broker.out  # files and Kit are checked all the same
    assert "second.yaml:2:1: " in files.out
    assert not any("kit_ffff" in each.out + each.err for each in (key, files))
    with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):  # it declared nothing
        await channel.declare_queue(work_queue(world.account), passive=True)


async def test_check_names_files_with_secrets_that_others_may_read(world: World, kit_worker: Shell) -> None:
    """Given a key file that everybody may read, then it is named."""
    key_file = world.config / "key"
    key_file.write_text(KEY)
    key_file.chmod(0o604)
    (world.config / "accounts" / f"{world.account}.yaml").write_text("kit: {api_key_file: key}\n")

    checked = await kit_worker("check", "--json")

    (told,) = json.loads(checked.out)["exposed"]
    assert told.startswith(f"{key_file}: holds secrets, and others than its owner may use it (mode 0604)")


async def test_every_secret_may_be_in_a_file_and_one_that_others_may_read_is_named(
    world: World, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given secrets as Docker hands them over, check and worker work, and say which file others can read."""
    environ = world.environment()
    given = {name: environ[name] for name in ("AMQP_URL", "KIT_API_KEY")}
    given["LEDGER_URL"] = f"sqlite+aiosqlite:///{tmp_path}/ledger.db"
    for name, value in given.items():
        (tmp_path / name).write_text(f"{value}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "LEDGER_URL").chmod(0o644)
    environ = {f"{name}_FILE": str(tmp_path / name) for name in given} | dict.fromkeys(given, "")

    checked = await kit_worker("check", "--json", **environ)
    run = await kit_worker.start("run", **environ)
    assert run.stderr
    said = ""
    async with asyncio.timeout(30):
        while "subscribed" not in said:
            said += (await run.stderr.readline()).decode()
    run.terminate()
    await run.communicate()

    report = json.loads(checked.out)
    assert (report["broker"]["problem"], report["ledger"]["problem"], report["problems"]) == ("", "", [])
    assert [each["state"] for each in report["kit"]] == ["ok"]
    assert [told.partition(":")[0] for told in report["exposed"]] == [f"{tmp_path}/LEDGER_URL"]
    assert [line for line in said.splitlines() if "secret_exposed" in line and "/LEDGER_URL" in line]
    assert run.returncode == 0


async def test_check_says_what_differs_about_a_queue(
    amqp_url: str, account_name: str, channel: AbstractChannel
) -> None:
    arguments = {**work_queue_arguments(account_name), "x-delivery-limit": 5}
    await channel.declare_queue(work_queue(account_name), durable=True, arguments=arguments)

    report = await check_broker(Settings(amqp_url=SecretStr(amqp_url)), [account_name])

    work, dead = report.queues
    assert work.state is QueueCheck.DIFFERS
    assert "x-delivery-limit" in work.detail
    assert dead.state is QueueCheck.NOT_YET
    assert report.version


async def test_events_are_published_as_they_are_and_one_that_nobody_takes_is_an_error(
    kit_worker: Shell, world: World, channel: AbstractChannel, tmp_path: Path
) -> None:
    exchange = await channel.declare_exchange(world.exchange, "topic", durable=True)
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(exchange, "user.signed_up.sunny")
    (tmp_path / "event.json").write_text(json.dumps(GOOD, indent=3), encoding="utf-8")
    others = [{**GOOD, "specversion": "1.0"}, {**GOOD, "type": "order.paid"}]
    (tmp_path / "many.json").write_text(json.dumps(others), encoding="utf-8")

    published = await kit_worker("publish", "event.json", "many.json", "--app", "sunny")

    first, second = [await queue.get(no_ack=True), await queue.get(no_ack=True)]
    assert first.body == json.dumps(GOOD, indent=3).encode()
    assert first.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert not first.priority
    assert [first.content_type, second.content_type] == ["application/json", "application/cloudevents+json"]
    assert published.code == 4
    assert published.out.startswith("2 events published")
    assert "no queue takes the routing key order.paid.sunny" in published.err


async def test_remove_deletes_the_queues_of_an_account_without_a_file(
    kit_worker: Shell, channel: AbstractChannel, new_account_name: Callable[[], str]
) -> None:
    gone = new_account_name()
    await channel.declare_queue(work_queue(gone), durable=True, arguments=work_queue_arguments(gone))
    await channel.default_exchange.publish(aio_pika.Message(b"{}"), work_queue(gone))

    refused = await kit_worker("remove", gone)
    removed = await kit_worker("remove", gone, "--force")

    assert (refused.code, removed.code) == (2, 0)
    assert "holds 1 messages" in refused.err
    assert removed.out == f"{work_queue(gone)} is deleted, and 1 messages with it.\n"
    assert "another PAGE_SECRET, which ends all links" in removed.err
    with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
        await channel.declare_queue(work_queue(gone), passive=True)


async def test_remove_drops_what_the_ledger_keeps_of_an_account(
    kit_worker: Shell, channel: AbstractChannel, new_account_name: Callable[[], str], tmp_path: Path
) -> None:
    """Given timers, a journal and versions of an account without a file, they go; another one's stay."""
    gone, other = new_account_name(), new_account_name()
    await channel.declare_queue(work_queue(gone), durable=True, arguments=work_queue_arguments(gone))
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db")
    async with Ledger(database, worker="w-1", clock=Clock()) as ledger:
        for name in (gone, other):
            await ledger.save(await ledger.take(name), Batch(due=[effect("d-1"), effect("d-2")]))
            await Journal(ledger).append(Action(name, "operator", "pause"))
            await Versions(ledger).keep(name, "operator", "kit: {}", replaced="kit:")

        removed, again = [await kit_worker("remove", gone) for _ in range(2)]

        assert list((await Timers(ledger).waiting())[1]) == [other]
        assert [line.action.account for line in await Journal(ledger).page()] == [other]
        assert [len(await Versions(ledger).page(name)) for name in (gone, other)] == [0, 2]
    assert removed.out.splitlines() == [
        f"{work_queue(gone)} is deleted.",
        "2 effects that were to come later are dropped.",
        "1 lines of the journal are dropped.",
        "2 old versions of its file are dropped.",
    ]
    assert (removed.code, again.code) == (0, 2)
    assert "there is nothing to remove" in again.err


async def test_an_account_that_never_was_is_a_slip_and_one_that_never_ran_is_empty(
    kit_worker: Shell, world: World
) -> None:
    slip, empty = await asyncio.gather(
        kit_worker("dead-letters", "list", "--account", f"{world.account}x"),
        kit_worker("dead-letters", "list"),
    )

    assert (slip.code, empty.code) == (2, 0)
    assert f"did you mean {world.account}?" in slip.err
    assert "no dead-letter queue yet" in empty.out


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


async def test_the_sandbox_takes_oauth_clients_and_the_life_of_their_tokens(kit_worker: Shell) -> None:
    """Given one client, an account connected to it gets tokens of that life, and no other client gets any."""
    process = await kit_worker.start("sandbox", "--port", "0", "--client", "app=hush", "--token-life", "5")
    async with aiohttp.ClientSession() as session:
        assert process.stdout
        async with asyncio.timeout(30):
            first = (await process.stdout.readline()).decode()
        url = next(word for word in first.split() if word.startswith("http")).rstrip(";")
        async with session.post(f"{url}/_sandbox/grant", json={"account": "Sunny Kitchen"}) as reply:
            tokens = await reply.json()
        body = {"grant_type": "refresh_token", "client_id": "other", "refresh_token": tokens["refresh_token"]}
        async with session.post(f"{url}/v4/oauth/token", json=body) as refused:
            pass
        async with session.post(f"{url}/v4/oauth/token", json={**body, "client_id": "app"}) as given:
            pass
    process.send_signal(signal.SIGTERM)
    await process.communicate()

    assert tokens["expires_in"] == 5
    assert (refused.status, given.status) == (401, 200)


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
