"""The commands as processes: what they do, what they print, and where."""

from __future__ import annotations

import asyncio
import json
import re
import signal
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
