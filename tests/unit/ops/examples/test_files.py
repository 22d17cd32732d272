"""Files of examples, each under the mapping of its account, and what keeps one from being run."""

from __future__ import annotations

from pathlib import Path

from worker.accounts.load import load_accounts
from worker.ops.examples.files import example_paths, examples_told, read_example_file, results_of

GOOD = (
    "tests:\n  - name: one\n    events: [{at: 2027-01-01, type: user.signed_up}]\n    then: {tags: [New]}\n"
)


def folder(tmp_path: Path, accounts: dict[str, str], tests: dict[str, str]) -> Path:
    for kind, texts in (("accounts", accounts), ("tests", tests)):
        (tmp_path / kind).mkdir()
        for name, text in texts.items():
            (tmp_path / kind / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


SUNNY = {
    "sunny": "app: sunny\nkit: {api_key_env: KIT_API_KEY}\nevents: {user.signed_up: {add_tags: [New]}}\n"
}


def test_a_missing_key_is_no_fault_of_an_example(tmp_path: Path) -> None:
    config = folder(
        tmp_path, SUNNY, {"sunny": GOOD, "gifts": "account: sunny\n" + GOOD.replace("New", "Old")}
    )
    files = [read_example_file(path) for path in example_paths(config)]

    gifts, sunny = results_of(files, load_accounts(config, {}))

    assert (gifts.account, gifts.failed, gifts.problems) == ("sunny", 1, ())
    assert (sunny.account, sunny.failed, len(sunny.results)) == ("sunny", 0, 1)


def test_a_file_of_no_account_is_told_what_was_meant(tmp_path: Path) -> None:
    config = folder(tmp_path, SUNNY, {"suny": GOOD})
    (result,) = results_of([read_example_file(config / "tests/suny.yaml")], load_accounts(config, {}))

    (problem,) = result.problems
    assert problem.where == f"{config}/tests/suny.yaml:1:1"
    said = "account: there is no account suny; did you mean sunny? Say which one: account: sunny"
    assert problem.text == said


def test_a_file_whose_accounts_file_is_wrong_is_told_what_is_wrong_there(tmp_path: Path) -> None:
    config = folder(tmp_path, {"sunny": "kit: {api_key_env: KIT_API_KEY}\nevent: {}\n"}, {"sunny": GOOD})
    (result,) = results_of([read_example_file(config / "tests/sunny.yaml")], load_accounts(config, {}))

    (problem,) = result.problems
    assert "event: unknown key; did you mean events?" in str(problem)


def test_of_an_account_that_another_one_rivals_just_that_is_told(tmp_path: Path) -> None:
    rival = {"toast": SUNNY["sunny"].replace("KIT_API_KEY", "KIT_API_KEY_2")}
    config = folder(tmp_path, {**SUNNY, **rival}, {"sunny": GOOD, "toast": GOOD})
    files = map(read_example_file, example_paths(config))

    told = [
        problem.text for each in results_of(files, load_accounts(config, {})) for problem in each.problems
    ]
    assert told
    assert not [text for text in told if "KIT_API_KEY" in text]


def test_there_may_be_no_folder_and_a_file_may_be_gone(tmp_path: Path) -> None:
    assert example_paths(tmp_path) == []
    config = folder(tmp_path, {}, {"sunny": GOOD, ".sunny": GOOD})
    for name in ("moon.yml", "notes.txt"):
        (config / "tests" / name).write_text(GOOD)
    assert [path.name for path in example_paths(config)] == ["moon.yml", "sunny.yaml"]
    assert "cannot be read" in str(read_example_file(tmp_path / "none.yaml").problems[0])


def test_each_account_that_has_examples_is_told_in_a_sentence(tmp_path: Path) -> None:
    config = folder(tmp_path, SUNNY, {"sunny": GOOD, "x": "account: sunny\n" + GOOD.replace("New", "Old")})

    assert examples_told(config, load_accounts(config, {})) == {
        "sunny": "1 hold, 1 does not; see kit-worker test --account sunny"
    }


def test_when_there_is_no_time_left_no_more_is_run(tmp_path: Path) -> None:
    config = folder(tmp_path, SUNNY, {"sunny": GOOD})
    files = [read_example_file(config / "tests/sunny.yaml")]

    assert list(results_of(files, load_accounts(config, {}), within=0.0)) == []
