"""Lines of account files, for the version that is in force."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from worker.accounts.account import Account
from worker.page.file_lines import FileLines

FILE = "events:\n  order.paid:\n    rules:\n    - add_tags: [A]\n"


async def test_lines_are_of_the_version_that_is_asked_for(tmp_path: Path) -> None:
    """Given a file that changes, its lines are read once for each version."""
    path, lines = tmp_path / "sunny.yaml", FileLines()
    path.write_text(FILE)
    account = Account("sunny", path=path, version="1")
    assert await lines.of(account) == {("order.paid", 0): 2, ("order.paid", 1): 4}
    path.write_text(f"# more\n{FILE}")
    assert (await lines.of(account))["order.paid", 1] == 4
    assert (await lines.of(replace(account, version="2")))["order.paid", 1] == 5


async def test_a_file_that_cannot_be_read_has_no_lines(tmp_path: Path) -> None:
    assert await FileLines().of(Account("sunny", path=tmp_path / "none.yaml", version="1")) == {}
