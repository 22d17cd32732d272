"""Chaos: real workers, a real RabbitMQ and the sandbox as Kit, under load, with one fault after another.

Run it with `make chaos` (the short form) or `make chaos ARGS=--full`. Every test is a *row*: it injects a
fault under load and leaves the rest to the checker (`checker.py`), which says what became of every event
that was published. At the end of a run all rows are printed with their figures.

A row needs the fixture `arena` and nothing else::

    from tests.chaos.faults import fault
    from tests.chaos.harness import Arena

    @fault("kit-500", group="kit")                    # the soak draws from all that are registered so
    async def kit_answers_500(arena: Arena) -> AsyncIterator[None]:
        rule = arena.sandbox.faults.add(Rule(Fault(FaultKind.STATUS, status=500), account=arena.main.name))
        yield                                         # in force while the body of `async with` runs
        arena.sandbox.faults.rules.remove(rule)

    async def test_500(arena: Arena) -> None:
        \"\"\"Given a Kit that answers 500, the account is held, the other goes on, and nothing is lost.\"\"\"
        async with arena.running(events=400):         # one worker, two accounts, load on both
            await arena.settled(100)
            async with kit_answers_500(arena):
                await arena.red()                     # this account, or all of the worker, is not at work
                async with arena.beside_goes_on():
                    await asyncio.sleep(3)
            await arena.green()
        # leaving: all is published, everything settles, workers stop with 0, the checker looks

What an arena has:

    arena.main, arena.beside   the account under test and one that no account-local fault may touch: `.name`
                               (in files, queues, logs and as Kit account), `.key`, `.queue`, `.dead`, `.load`
    arena.world                what workers start with: set `arena.world.amqp_url`, `.kit_url` (through a
                               proxy, say) and `.environ[…]` before `running`
    arena.amqp_url             RabbitMQ itself, for publishing and looking, past any proxy
    arena.sandbox, arena.broker, arena.workers, arena.worker (the first)
    arena.start("two", **environ)      one more worker;  arena.kill(worker): SIGKILL, noted for the checker
    arena.main.load.extra(Message(…))  publishes something else than a good event; it must be dead-lettered
                                       (`becomes="dead_lettered"`, the default) or settled in any other way
    arena.main.load.replay()           publishes all events again, in order, as after a loss at the platform
    arena.allow(…)                     what this row cannot promise, with the reason: see `checker.Allowed`

    arena.connect(arena.main)          connects an account by OAuth, before `running` or while workers run

`--bulk` gives each account an OAuth token in place of its key, so that all rows run over Kit's bulk calls.
Rows that take more than a minute carry `@pytest.mark.full`: they run in the full form only. Sizes that
differ between the forms: the fixture `full` (a bool).
"""
