"""Folders of a run's own."""

from pathlib import Path

from scripts.services.folders import make_folder


def test_what_a_killed_run_left_is_swept_and_what_is_in_use_stays(tmp_path: Path) -> None:
    """Given a run that goes on and one that is over, the next one removes only what the latter left."""
    in_use, lock = make_folder(tmp_path, "node-")
    left, lost_lock = make_folder(tmp_path, "node-")
    lost_lock.close()  # as the system does when a process ends
    (tmp_path / "node-without-a-lock").mkdir()

    mine, my_lock = make_folder(tmp_path, "node-")

    assert {path.name for path in tmp_path.iterdir()} == {in_use.name, mine.name, "node-without-a-lock"}
    assert not left.exists()
    assert mine.stat().st_mode & 0o077 == 0
    lock.close()
    my_lock.close()
