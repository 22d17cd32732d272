"""A folder of account files, as a test writes it."""

from pathlib import Path

from worker.accounts.load import Loaded


def write(folder: Path, **files: str) -> Path:
    (folder / "accounts").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "accounts" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def texts(loaded: Loaded) -> list[str]:
    return [str(problem) for problem in loaded.problems]
