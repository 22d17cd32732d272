"""The files of a folder: which are accounts, and how they get on with each other."""

from pathlib import Path

import pytest

from tests.unit.accounts.harness import KEY, KIT, parse
from tests.unit.accounts.load.folder import texts, write
from worker.accounts.file.read import MissingSecret
from worker.accounts.load import load_accounts
from worker.errors import ConfigurationError

# -- the folder -------------------------------------------------------------------------------------------


def test_every_file_is_an_account_and_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    write(tmp_path, bakery="app: bakery\nkit: {api_key_env: KIT_B}\n", cafe="app: [\n", dairy="app: a b\n")

    loaded = load_accounts(tmp_path, {"KIT_B": KEY})

    assert list(loaded.accounts) == ["bakery"]
    assert loaded.names == ("bakery", "cafe", "dairy")
    assert loaded.problems_of("bakery") == ()
    assert len(loaded.problems_of("cafe")) == 1
    assert len(loaded.problems_of("dairy")) == 2
    assert loaded.problems == (*loaded.problems_of("cafe"), *loaded.problems_of("dairy"))


def test_no_files_at_all_is_a_problem_that_says_what_to_create(tmp_path: Path) -> None:
    (tmp_path / "accounts").mkdir()

    loaded = load_accounts(tmp_path, {})

    assert loaded.names == ()
    assert "create default.yaml" in texts(loaded)[0]
    assert loaded.problems_of("default") == ()


def test_a_folder_that_is_not_there_is_a_problem_of_every_account(tmp_path: Path) -> None:
    """Given a volume that is unmounted for a moment, no account is taken for removed."""
    loaded = load_accounts(tmp_path, {})

    assert "cannot be read (No such file or directory)" in texts(loaded)[0]
    assert loaded.problems_of("default") == loaded.problems


def test_file_names_are_account_names(tmp_path: Path) -> None:
    write(tmp_path, **{"My Bakery": KIT})
    (tmp_path / "accounts/default.yml").write_text(KIT, encoding="utf-8")
    (tmp_path / "accounts/notes.txt").write_text("no account", encoding="utf-8")
    (tmp_path / "accounts/.#default.yaml").write_text("an editor's lock", encoding="utf-8")

    loaded = load_accounts(tmp_path, {"KIT_API_KEY": KEY})

    assert loaded.accounts == {}
    assert [text.partition(":1:1: ")[2][:40] for text in texts(loaded)] == [
        "rename this file: its name is the accoun",
        "rename this file so that it ends in .yam",
    ]
    assert loaded.names == ("default",)


@pytest.mark.parametrize(
    ("content", "where", "said"),
    [
        (b"", "1:1", "the file is empty"),
        (b"# only a comment\n", "1:1", "the file is empty"),
        (b"kit:\n  \xe4pi: 1\n", "2:3", "this is not UTF-8 text; save the file with the encoding UTF-8"),
        (KIT.encode("utf-16"), "1:1", "this is not UTF-8 text"),
        (b"#" * (1024 * 1024 + 1), "1:1", "is larger than 1 MiB"),
    ],
)
def test_files_that_are_no_text_to_read(tmp_path: Path, content: bytes, where: str, said: str) -> None:
    path = write(tmp_path) / "accounts/default.yaml"
    path.write_bytes(content)

    (problem,) = load_accounts(tmp_path, {}).problems

    assert problem.where == f"{path}:{where}"
    assert problem.text.startswith(said)


def test_a_folder_or_a_dangling_link_with_an_accounts_name_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "accounts/bakery.yaml").mkdir()
    (tmp_path / "accounts/cafe.yaml").symlink_to("nowhere")

    said = texts(load_accounts(tmp_path, {}))

    assert "cannot be read (it is not a file)" in said[0]
    assert "cannot be read (No such file or directory)" in said[1]


# -- two files --------------------------------------------------------------------------------------------


def test_two_accounts_for_one_app_keep_the_first_by_name(tmp_path: Path) -> None:
    write(
        tmp_path, a="app: [x, y]\nkit: {api_key_env: KIT_A}\n", b="kit: {api_key_env: KIT_B}\napp: [z, y]\n"
    )

    loaded = load_accounts(tmp_path, {"KIT_A": "key-a", "KIT_B": "key-b"})

    assert list(loaded.accounts) == ["a"]
    (said,) = texts(loaded)
    assert said.startswith(
        f"{tmp_path}/accounts/b.yaml:2:6: app: y belongs to {tmp_path}/accounts/a.yaml already"
    )


def test_two_accounts_without_an_app(tmp_path: Path) -> None:
    write(tmp_path, a="kit: {api_key_env: KIT_A}\n", b="kit: {api_key_env: KIT_B}\n")

    loaded = load_accounts(tmp_path, {"KIT_A": "key-a", "KIT_B": "key-b"})

    assert list(loaded.accounts) == ["a"]
    assert "a.yaml takes the events that name no app already" in texts(loaded)[0]


def test_two_accounts_with_one_key_wherever_it_comes_from(tmp_path: Path) -> None:
    """Given one key under two names, the second account is dropped, and the key is not shown."""
    write(
        tmp_path,
        a="app: a\nkit: {api_key_env: KIT_A}\n",
        b="app: b\nkit: {api_key_file: key}\n",
        c="app: c\nkit: {api_key_env: KIT_C}\n",
    )
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")

    loaded = load_accounts(tmp_path, {"KIT_A": KEY, "KIT_C": "another"})

    assert list(loaded.accounts) == ["a", "c"]
    (problem,) = loaded.problems_of("b")
    assert f"the API key is that of {tmp_path}/accounts/a.yaml too" in problem.text
    assert KEY not in str(loaded)


def test_two_accounts_with_one_variable_that_is_not_set_yet(tmp_path: Path) -> None:
    write(tmp_path, a=f"app: a\n{KIT}", b=f"app: b\n{KIT}")

    loaded = load_accounts(tmp_path, {})

    assert list(loaded.accounts) == ["a"]
    assert [isinstance(problem, MissingSecret) for problem in loaded.problems_of("b")] == [True, False]


def test_a_file_that_is_invalid_itself_takes_nothing_from_others(tmp_path: Path) -> None:
    write(tmp_path, a=f"{KIT}events: 5\n", b=KIT)

    assert list(load_accounts(tmp_path, {"KIT_API_KEY": KEY}).accounts) == ["b"]


def test_parse_raises_all_problems_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse("app: a b\nkit: {}\nevent: {}\n")

    assert len(caught.value.problems) == 3


# -- many problems ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "told", "last"),
    [(50, 50, "unknown key"), (51, 51, "1 more problem in"), (4900, 51, "4850 more problems in")],
)
def test_of_one_file_the_first_50_problems_are_told_and_how_many_more_there_are(
    tmp_path: Path, count: int, told: int, last: str
) -> None:
    """Given thousands of problems, nobody has to take them all, and other files have theirs."""
    write(tmp_path, a=KIT + "".join(f"zzz{number}: 1\n" for number in range(count)), b="app: [\n")

    loaded = load_accounts(tmp_path, {"KIT_API_KEY": KEY})

    assert len(loaded.problems_of("a")) == told
    assert loaded.problems_of("a")[0].where == f"{tmp_path}/accounts/a.yaml:2:1"
    assert last in loaded.problems_of("a")[-1].text
    assert len(loaded.problems_of("b")) == 1
    assert loaded.problems == (*loaded.problems_of("a"), *loaded.problems_of("b"))


def test_of_a_text_alone_no_more_are_told_either() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(KIT + "".join(f"zzz{number}: 1\n" for number in range(60)))

    assert len(caught.value.problems) == 51
    assert str(caught.value).endswith("and 10 more problems in this file; mend the ones above first")
