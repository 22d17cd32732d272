"""What somebody renames in Kit stays what it was, also over a restart."""

from __future__ import annotations

import structlog

from tests.unit.examples import wish
from tests.unit.kit.harness import LIST_FIELDS, LIST_TAGS, Account, account
from worker.mapping import Options
from worker.subscribers.known import KitName


async def rename_tag(of: Account, old: str, new: str) -> int:
    id_ = of.kit.tags()[old]
    await of.client.call("PUT", "/v4/tags/{}", id_, json={"name": new})
    return id_


async def relabel(of: Account, key: str, label: str) -> int:
    id_ = of.kit.custom_fields()[key]
    await of.client.call("PUT", "/v4/custom_fields/{}", id_, json={"label": label})
    return id_


def restart(of: Account, kept: dict[tuple[str, str], KitName]) -> None:
    """Begin anew with what the ledger keeps."""
    kept |= {(one.kind, one.name): one for one in of.catalog.lists.take_named()}
    of.restart()
    of.catalog.lists.recall(kept.values())
    of.calls()


async def test_a_tag_that_is_renamed_in_kit_stays_the_same_over_a_restart_and_that_is_said_once() -> None:
    """Else the old name is made anew by the next deploy, and people are split."""
    kept = dict[tuple[str, str], KitName]()
    async with account() as of:
        await of.catalog.tag(wish("New Member"))
        id_ = await rename_tag(of, "New Member", "Members 2026")
        said = []
        for _ in range(3):
            restart(of, kept)
            with structlog.testing.capture_logs() as logs:
                assert await of.catalog.tag(wish("new member")) == id_
            said += [(line["event"], line["kind"], line["problem"]) for line in logs]
            assert of.calls() == [LIST_TAGS]

        assert of.kit.tags() == {"Members 2026": id_}
        words = '"new member" is called "Members 2026" in Kit now, and still meant by it'
        assert said == [("renamed_in_kit", "tags", words)]
        assert await of.catalog.missing([wish("New Member")], []) == ([], [])
        assert [str(shift) for shift in of.catalog.lists.shifts["tags"]] == [words]


async def test_a_renamed_tag_is_followed_where_nothing_may_be_created_too() -> None:
    kept = dict[tuple[str, str], KitName]()
    async with account() as of:
        await of.catalog.tag(wish("New Member"))
        id_ = await rename_tag(of, "New Member", "Members 2026")
        restart(of, kept)
        of.catalog.options = Options(create_missing=False)

        assert await of.catalog.tag(wish("New Member")) == id_


async def test_a_second_tag_with_the_old_name_is_what_the_file_means_and_that_is_said_once() -> None:
    """Given a tag was put aside under another name and a new one made, then the file's words win."""
    kept = dict[tuple[str, str], KitName]()
    async with account() as of:
        await of.catalog.tag(wish("New Member"))
        await rename_tag(of, "New Member", "Members 2025")
        new = of.kit.add_tag("New Member")
        said = []
        for _ in range(2):
            restart(of, kept)
            with structlog.testing.capture_logs() as logs:
                assert await of.catalog.tag(wish("New Member")) == new
            said += [line["problem"] for line in logs]

        assert said == [
            '"new member" is another one in Kit now; what it meant before is called "Members 2025" there'
        ]


async def test_a_deleted_tag_is_created_anew_as_ever() -> None:
    kept = dict[tuple[str, str], KitName]()
    async with account() as of:
        old = await of.catalog.tag(wish("New Member"))
        of.kit.delete_tag("New Member")
        restart(of, kept)

        again = await of.catalog.tag(wish("New Member"))

        assert again == of.kit.tags()["New Member"]
        assert again != old


async def test_two_names_of_one_file_are_never_made_one_tag() -> None:
    """Given the file names the old and the new name, then each is a tag of its own: one may be taken off."""
    kept = dict[tuple[str, str], KitName]()
    async with account() as of:
        await of.catalog.tag(wish("New Member"))
        id_ = await rename_tag(of, "New Member", "Members 2026")
        for _ in range(2):
            restart(of, kept)
            assert await of.catalog.tag(wish("Members 2026")) == id_
            assert await of.catalog.tag(wish("New Member")) == of.kit.tags()["New Member"] != id_


async def test_a_custom_field_with_another_label_and_so_another_key_is_followed() -> None:
    kept = dict[tuple[str, str], KitName]()
    async with account() as of:
        await of.catalog.field("Plan")
        id_ = await relabel(of, "plan", "Membership plan")
        restart(of, kept)

        with structlog.testing.capture_logs() as logs:
            assert await of.catalog.field("Plan") == (id_, "membership_plan")

        words = '"Plan" is called "Membership plan" in Kit now, and still meant by it'
        assert [line["problem"] for line in logs] == [words]
        assert of.calls() == [LIST_FIELDS]
