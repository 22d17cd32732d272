"""The bodies of control requests, checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from worker.sandbox.faults import ENTRY_ERROR, Fault, FaultKind, Rule
from worker.sandbox.views import AccountView
from worker.sandbox.world import World

Seconds = Annotated[float, Field(ge=0, le=3600)]
Count = Annotated[int, Field(ge=0)]
State = Literal["active", "inactive", "cancelled", "bounced", "complained"]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FaultOrder(_Order):
    """A fault and the requests it strikes, as `Fault` and `Rule` have them."""

    kind: FaultKind
    status: Annotated[int, Field(ge=200, le=599)] = 502
    delay: Seconds = 0.1
    applied: bool = False
    method: str | None = None
    path: str | None = None
    account: str | None = None
    times: Count | None = None
    skip: Count = 0
    every: Annotated[int, Field(ge=1)] = 1
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    email: str | None = None
    error: str = ENTRY_ERROR

    def rule(self, world: World) -> Rule:
        """The rule that this orders."""
        return Rule(
            Fault(self.kind, self.status, self.delay, self.applied, self.error),
            method=None if self.method is None else self.method.upper(),
            path=self.path,
            account=None if self.account is None else account_of(world, self.account).name,
            times=self.times,
            skip=self.skip,
            every=self.every,
            probability=self.probability,
            email=self.email,
        )


FAULTS: TypeAdapter[list[FaultOrder]] = TypeAdapter(list[FaultOrder])


def fault_order(text: str) -> FaultOrder:
    """A fault in one line: its kind, then any of the settings of `FaultOrder`, as the command line takes it.

    Such as `hang`, `status status=503 probability=0.1` or `reset path=/v4/tags/* times=3 applied=1`.

    Raises:
        ValueError: it cannot be understood; the text says which word.
    """
    kind, *words = text.split() or [""]
    for word in words:
        if "=" not in word:
            raise ValueError(f"In the fault {text!r}, {word!r} is not of the form setting=value")
    settings = dict(word.split("=", 1) for word in words)
    try:
        return FaultOrder.model_validate({"kind": kind, **settings})
    except ValidationError as error:
        raise ValueError(f"In the fault {text!r}, {'; '.join(problems(error))}") from None


def problems(error: ValidationError) -> list[str]:
    """What is wrong with an order, one line each."""
    return [f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in error.errors()]


class LimitsOrder(_Order):
    """Requests per window in seconds; a limit of null is none, one that is left out stays."""

    api_key: Count | None = None
    oauth: Count | None = None
    window: Annotated[float, Field(gt=0)] | None = None


class SettingsOrder(_Order):
    """What is left out stays."""

    latency: Seconds | None = None
    list_lag: Seconds | None = None
    bulk_delay: Seconds | None = None
    bulk_shuffled: bool | None = None
    bulk_echo_invalid: bool | None = None
    token_life: Annotated[float, Field(gt=0)] | None = None
    refresh_ends_access: bool | None = None
    unknown_parameters: list[str] | None = None


class GrantOrder(_Order):
    """The account to connect, by name, and the client; null is the first."""

    account: str
    client: str | None = None


class DisconnectOrder(_Order):
    """The account to disconnect, by name."""

    account: str


class DeleteOrder(_Order):
    """What to delete: a tag by name, a custom field by key, a subscriber by address."""

    account: str | None = None
    tag: str | None = None
    custom_field: str | None = None
    subscriber: str | None = None


class SeedSubscriber(_Order):
    """A subscriber to create."""

    email_address: str
    first_name: str | None = None
    state: State = "active"
    tags: list[str] = []
    fields: dict[str, str] = {}


class SeedOrder(_Order):
    """What to create: tags, forms, landing pages, sequences by name, custom fields by label, subscribers."""

    account: str | None = None
    tags: list[str] = []
    custom_fields: list[str] = []
    forms: list[str] = []
    landing_pages: list[str] = []
    sequences: list[str] = []
    subscribers: list[SeedSubscriber] = []


def account_of(world: World, name_or_key: str | None) -> AccountView:
    """The account of that name or key; None stands for the only one there is.

    Raises:
        ValueError: there is none, or no telling which.
    """
    known = [account for _, account in world.accounts]
    if name_or_key is None:
        if len(known) != 1:
            raise ValueError(f"There are {len(known)} accounts: say which one in `account` (its name or key)")
        return world.view(known[0])
    for account in known:
        if name_or_key == account.name:
            return world.view(account)
    return world.account(name_or_key)
