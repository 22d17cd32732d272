"""Reads one account file: its text becomes an `Account`, or a list of all that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from worker.accounts.account import Account
from worker.accounts.file.cross_checks import cross_faults
from worker.accounts.file.errors import form_faults
from worker.accounts.file.faults import is_unreadable, problem_of, problems_in, source_of
from worker.accounts.file.kit_model import KitPart
from worker.accounts.file.meaning import events_of, fields_of, options_of
from worker.accounts.file.model import AccountFile
from worker.accounts.file.secrets import CLIENT_ID, SecretPlace
from worker.accounts.file.source import FileFault, Source, YamlPath
from worker.accounts.file.syntax_errors import START, Spot
from worker.errors import ConfigurationError, Problem
from worker.files import NoSecretError, read_text
from worker.kit.credentials import AccessToken, ApiKey, Credential, OAuthApp, StoredKey

ACCOUNT_NAME: Final = re.compile(r"[a-z0-9-]{1,64}")


class MissingSecret(Problem):
    """The file is right, but there is no usable API key yet: the account waits for it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One file, read.

    Attributes:
        account: None where the file is wrong; without a credential where only its secret is missing.
        problems: All of them, in the order of lines.
        source: Where things stand in the file.
    """

    account: Account | None
    problems: tuple[Problem, ...]
    source: Source = field(default_factory=Source)

    def problem(self, path: Path, at: YamlPath, text: str) -> Problem:
        """Return a problem with the value at a path of the file; `path` names the file."""
        return problem_of(Problem, path, FileFault(self.source.spot(at), self.source.known(at), text))


def read_account_file(path: Path, environ: Mapping[str, str]) -> Draft:
    """Return what a file holds; one that cannot be read is a problem too."""
    try:
        return read_account(read_text(path, "an account file"), path, environ)
    except ConfigurationError as error:
        return Draft(None, error.problems)


def read_account(text: str, path: Path, environ: Mapping[str, str]) -> Draft:
    """Return what the text of an account file means."""
    source, faults = source_of(text)
    faults = [*_name_faults(path), *faults]
    form = None
    if not is_unreadable(source):
        form = _checked_form(source, faults)
    problems = problems_in(path, faults)
    if form is None or problems:
        return Draft(None, tuple(problems), source)
    places = [place.found(environ) for place in _secret_places(form.kit, path)]
    credential, missing = _credential(form.kit, places, path, source, environ)
    account = _account(form, path, credential, version_of(text), places)
    return Draft(account, missing, source)


def version_of(text: str) -> str:
    """Return the fingerprint of a file's text, without its byte-order mark."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]


def _name_faults(path: Path) -> Iterator[FileFault]:
    if path.suffix != ".yaml":
        yield FileFault(
            Spot(1, 1),
            (),
            f"rename this file so that it ends in .yaml; only such files are read, not {path.suffix}",
        )
    if not ACCOUNT_NAME.fullmatch(path.stem):
        said = (
            "rename this file: its name is the account's, and may hold small letters, digits and hyphens "
            "only, at most 64, such as sunny-kitchen.yaml"
        )
        yield FileFault(START, (), said)


def _checked_form(source: Source, faults: list[FileFault]) -> AccountFile | None:
    if source.data is None and () not in source.broken:
        said = "the file is empty; begin with kit: and, indented below it, api_key_env: KIT_API_KEY"
        faults.append(FileFault(START, (), said))
        return None
    faults.extend(cross_faults(source))
    try:
        return AccountFile.model_validate(source.data)
    except ValidationError as error:
        faults.extend(form_faults(source, error))
        return None


def _credential(
    kit: KitPart, places: list[SecretPlace], path: Path, source: Source, environ: Mapping[str, str]
) -> tuple[Credential | None, tuple[MissingSecret, ...]]:
    if kit.api_key is not None:
        return StoredKey(), ()
    found = []
    for place in places:
        try:
            found.append(place.read(environ))
        except NoSecretError as error:
            fault = FileFault(source.spot(place.at), place.at, str(error))
            return None, (problem_of(MissingSecret, path, fault),)
    kind = OAuthApp if kit.oauth else AccessToken if kit.access_token_env or kit.access_token_file else ApiKey
    return kind(*found), ()


def _secret_places(kit: KitPart, path: Path) -> list[SecretPlace]:
    """Return where the secrets are, in the order in which the credential takes them."""
    if kit.oauth is not None:
        places = [SecretPlace(("kit", "oauth", "client_id_env"), CLIENT_ID, env=kit.oauth.client_id_env)]
        if secret := kit.oauth.client_secret_env:
            at = ("kit", "oauth", "client_secret_env")
            places.append(SecretPlace(at, "client secret", env=secret))
        return places
    for name, what in (("api_key", "API key"), ("access_token", "access token")):
        if env := getattr(kit, f"{name}_env"):
            return [SecretPlace(("kit", f"{name}_env"), what, env=env)]
        if file := getattr(kit, f"{name}_file"):
            # A relative path starts at the configuration folder.
            return [SecretPlace(("kit", f"{name}_file"), what, file=path.parent.parent / file)]
    return []


def _account(
    form: AccountFile, path: Path, credential: Credential | None, version: str, places: list[SecretPlace]
) -> Account:
    return Account(
        name=path.stem,
        apps=tuple(form.app),
        credential=credential,
        events=events_of(form),
        fields=fields_of(form),
        options=options_of(form),
        path=path,
        version=version,
        # Many accounts may be connected to one app; a key or a token is one account's. Whose a stored key is,
        # the ledger knows.
        secret_place="" if form.kit.oauth or not places else str(places[0]),
        key_files=tuple(place.file for place in places if place.file),
    )
