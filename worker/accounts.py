"""One Kit account each: what an admin's file says, checked and complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from worker.errors import Problem
from worker.mapping import EventMapping, FieldTarget, Options


@dataclass(frozen=True, slots=True)
class Credential:
    """What Kit knows the account by: an API key, whose limit is 120 calls in any 60 s."""

    api_key: SecretStr


@dataclass(frozen=True, slots=True)
class Account:
    """A Kit account, and what each event means there.

    Attributes:
        name: The file's name without `.yaml`; also names the queues.
        apps: Whose events it takes; empty for events whose routing key carries no app.
        credential: None while its secret is missing; the account then waits for it.
        events: By event type, what it does. Types that are turned off or unknown are absent.
        fields: Which values go to which custom fields (and Kit's first name), in full.
        version: A short fingerprint of the file's bytes, for logs and history.
    """

    name: str
    apps: tuple[str, ...] = ()
    credential: Credential | None = None
    events: Mapping[str, EventMapping] = field(default_factory=dict)
    fields: tuple[FieldTarget, ...] = ()
    options: Options = Options()
    path: Path = Path()
    version: str = ""


# -- TEMPORARY, until the real loader replaces this whole part ---------------------------------------------


@dataclass(frozen=True, slots=True)
class Loaded:
    """Stand-in."""

    accounts: Mapping[str, Account]
    problems: tuple[Problem, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Names of all files."""
        return frozenset(self.accounts)

    def problems_of(self, name: str) -> tuple[Problem, ...]:
        """Problems of one file."""
        return tuple(problem for problem in self.problems if name in problem.where)


def load_accounts(config_dir: Path, environ: Mapping[str, str]) -> Loaded:
    """Stand-in."""
    import yaml

    from worker.handlers import HANDLERS
    from worker.handlers.base import PLATFORM_FIELDS
    from worker.mapping import Rule, Template

    accounts = {}
    for path in sorted((config_dir / "accounts").glob("*.yaml")):
        text = path.read_text()
        data = yaml.safe_load(text)
        events = {kind: handler.default for kind, handler in HANDLERS.items()}
        for kind, block in (data.get("events") or {}).items():
            events[kind] = block and EventMapping(
                Rule(
                    tuple(map(Template, block.get("add_tags", []))),
                    tuple(map(Template, block.get("remove_tags", []))),
                )
            )
        targets = {name: "first_name" if name == "mk_first_name" else name for name in PLATFORM_FIELDS}
        targets |= data.get("fields") or {}
        app = data.get("app") or ()
        accounts[path.stem] = Account(
            path.stem,
            (app,) if isinstance(app, str) else tuple(app),
            Credential(SecretStr(environ[data["kit"]["api_key_env"]])),
            {kind: mapping for kind, mapping in events.items() if mapping},
            tuple(FieldTarget(source, target) for source, target in targets.items() if target),
            Options(**(data.get("options") or {})),
            path,
            str(hash(text)),
        )
    return Loaded(accounts)
