"""What the sandbox's page says of calls, and of accounts without anybody."""

from worker.sandbox import Sandbox

from .harness import KEY, kit


async def test_calls_are_told_by_names_in_the_place_of_ids() -> None:
    """Given a tag that was put on, and one that is gone since, whose id is all that is left."""
    async with kit(Sandbox(keys={KEY: "Sunny Kitchen"})) as call:
        person, tag, gone = (
            await call.subscriber("ada@example.com"),
            await call.tag("VIP"),
            await call.tag("Old"),
        )
        await call("POST", f"/v4/tags/{tag}/subscribers/{person}")
        await call("DELETE", f"/v4/tags/{gone}/subscribers/{person}")
        call.sandbox.account(KEY).delete_tag("Old")
        page = (await call("GET", "/", key=None)).text.replace("<wbr>", "")

    assert "POST /v4/tags/<b>VIP</b>/subscribers/<b>ada@example.com</b>" in page
    assert f"DELETE /v4/tags/{gone}/subscribers/<b>ada@example.com</b>" in page
    assert f"/{tag}/" not in page


async def test_names_are_those_of_the_account_that_was_called() -> None:
    async with kit(Sandbox(keys={KEY: "Sunny Kitchen", "other": "Rainy Kitchen"})) as call:
        person = await call.subscriber("ada@example.com")
        await call("GET", f"/v4/subscribers/{person}/tags", key="other")
        page = (await call("GET", "/", key=None)).text.replace("<wbr>", "")

    assert f"GET /v4/subscribers/{person}/tags" in page


async def test_an_account_without_anybody_says_what_to_do() -> None:
    async with kit(Sandbox(keys={KEY: "Sunny Kitchen"})) as call:
        page = (await call("GET", "/", key=None)).text

    assert (
        "0 subscribers, 0 tags. Key …0001: 0 requests in its busiest 60 s. Nobody yet: publish an event"
        in page
    )
