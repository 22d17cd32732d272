"""What happens to the metrics, a value a minute (`_` is none), and which alerts then fire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert that fires.

    Attributes:
        labels: Besides its severity.
        value: As its summary shows it; empty where that does not.
    """

    labels: dict[str, str]
    value: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """At a minute, what fires of one alert: nothing, or these."""

    minute: int
    alert: str
    fires: tuple[Firing, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """What is told of some metrics, and when one looks."""

    title: str
    series: dict[str, str]
    looks: tuple[Look, ...]


def up(worker: str) -> str:
    return f'up{{job="kit-worker", instance="{worker}"}}'


def by_worker(metric: str, account: str, worker: str, **labels: str) -> str:
    more = "".join(f', {name}="{value}"' for name, value in labels.items())
    return f'kit_worker_{metric}{{account="{account}", instance="{worker}"{more}}}'


def in_rabbitmq(metric: str, queue: str) -> str:
    return f'rabbitmq_detailed_queue_{metric}{{vhost="/", queue="{queue}"}}'


SUNNY: Final = Firing({"account": "sunny"})
ONE: Final = {"instance": "one"}
REJECTED: Final = 'kit_worker_config_reloads_total{result="invalid", instance="one"}'


def in_state(alert: str, state: str, minutes: int) -> Story:
    """An account that is in a state for longer than it may be, as one worker of two tells."""
    series = {
        by_worker("account_state", "sunny", "one", state=state): "0x9 1x29 0x9",
        by_worker("account_state", "sunny", "two", state=state): "0x50",
        by_worker("account_state", "rainy", "one", state=state): "0x9 1x3 0x40",
        by_worker("account_state", "rainy", "one", state="running"): "1x9 0x3 1x40",
    }
    looks = Look(9 + minutes, alert), Look(10 + minutes, alert, (SUNNY,)), Look(45, alert)
    return Story(f"an account that is {state}", series, looks)


STORIES: Final = (
    Story(
        "two workers: one goes, then the other one, and both come back; RabbitMQ is there all the while",
        {
            up("one"): "1x19 0x19 1x80",
            up("two"): "1x29 0x9 1x80",
            'up{job="rabbitmq-queues", instance="rabbitmq"}': "1x120",
        },
        (
            Look(15, "KitWorkerDown"), Look(15, "KitWorkerMissing"), Look(24, "KitWorkerMissing"),
            Look(27, "KitWorkerMissing", (Firing({}, "1"),)), Look(27, "KitWorkerDown"),
            Look(31, "KitWorkerDown"), Look(33, "KitWorkerDown", (Firing({}),)),
            Look(50, "KitWorkerDown"), Look(50, "KitWorkerMissing"),
        ),
    ),
    Story(
        "three workers become two on purpose: an hour later that is how it is",
        {up("one"): "1x120", up("two"): "1x120", up("three"): "1x9"},
        (Look(20, "KitWorkerMissing", (Firing({}, "2"),)), Look(85, "KitWorkerMissing")),
    ),
    Story(
        "a ledger that one worker of two cannot use",
        {
            'kit_worker_ledger_up{instance="one"}': "1x9 0x9 1x20",
            'kit_worker_ledger_up{instance="two"}': "1x40",
        },
        (
            Look(9, "KitLedgerAway"), Look(11, "KitLedgerAway"),
            Look(13, "KitLedgerAway", (Firing(ONE),)), Look(25, "KitLedgerAway"),
        ),
    ),
    Story(
        "tokens that only one process has",
        {
            by_worker("token_not_written", "sunny", "one"): "0x9 1x9 0x9",
            by_worker("token_not_written", "sunny", "two"): "0x30",
        },
        (
            Look(9, "KitTokenNotWritten"), Look(20, "KitTokenNotWritten"),
            Look(10, "KitTokenNotWritten", (Firing({"account": "sunny", **ONE}),)),
        ),
    ),
    in_state("KitCredentialRefused", "credential_refused", 5),
    in_state("KitAccountInvalid", "invalid_config", 5),
    in_state("KitQueueMissing", "queue_missing", 5),
    in_state("KitAccountHeld", "held", 15),
    Story(
        "effects that nobody publishes for minutes, and some that come a moment late",
        {
            by_worker("due_late_seconds", "sunny", "one"): "0x9 15+60x19 0x9",
            by_worker("due_late_seconds", "sunny", "two"): "0x9 15+60x19 0x9",
            by_worker("due_late_seconds", "rainy", "one"): "4x40",
            by_worker("due_late_seconds", "windy", "one"): "300x40",
            by_worker("due_late_seconds", "windy", "two"): "2x40",
        },
        (
            Look(10, "KitDueLate"), Look(11, "KitDueLate"),
            Look(12, "KitDueLate", (SUNNY,)), Look(35, "KitDueLate"),
        ),
    ),
    Story(
        "events that nobody takes; an empty queue, dead letters and other people's queues are no matter",
        {
            in_rabbitmq("consumers", "kit.sunny"): "1x9 0x30", in_rabbitmq("messages", "kit.sunny"): "5x40",
            in_rabbitmq("consumers", "kit.rainy"): "0x40", in_rabbitmq("messages", "kit.rainy"): "0x40",
            in_rabbitmq("consumers", "kit.a.dead"): "0x40", in_rabbitmq("messages", "kit.a.dead"): "9x40",
            in_rabbitmq("consumers", "other"): "0x40", in_rabbitmq("messages", "other"): "9x40",
        },
        (
            Look(19, "KitQueueNotConsumed"),
            Look(20, "KitQueueNotConsumed", (Firing({"vhost": "/", "queue": "kit.sunny"}),)),
        ),
    ),
    Story(
        "events that wait and grow more, told by two; a deep queue that is worked off; dead letters",
        {
            by_worker("queue_depth", "sunny", "one", queue="kit.sunny"): "0x9 100+100x60",
            by_worker("queue_depth", "sunny", "two", queue="kit.sunny"): "0x9 100+100x60",
            by_worker("queue_depth", "rainy", "one", queue="kit.rainy"): "9000-100x70",
            by_worker("queue_depth", "windy", "one", queue="kit.windy"): "1+5x70",
            by_worker("queue_depth", "windy", "one", queue="kit.windy.dead"): "900+10x70",
        },
        (
            Look(29, "KitEventsWait"),
            Look(40, "KitEventsWait", (Firing({"account": "sunny"}, "3100"),)),
        ),
    ),
    Story(
        "an event that stays in hand, and one that does not stay for that long",
        {
            by_worker("oldest_unsettled_seconds", "sunny", "one"): "0x9 60+60x29 0x9",
            by_worker("oldest_unsettled_seconds", "rainy", "one"): "200x50",
        },
        (Look(15, "KitEventsLate"), Look(25, "KitEventsLate", (SUNNY,)), Look(45, "KitEventsLate")),
    ),
    Story(
        "dead letters, told by two workers and by RabbitMQ; and of an account that has no file any more",
        {
            by_worker("queue_depth", "sunny", "one", queue="kit.sunny.dead"): "0x9 2x9 0x9",
            by_worker("queue_depth", "sunny", "two", queue="kit.sunny.dead"): "0x9 2x9 0x9",
            by_worker("queue_depth", "sunny", "one", queue="kit.sunny"): "50x30",
            in_rabbitmq("messages", "kit.sunny.dead"): "0x9 2x9 0x9",
            in_rabbitmq("messages", "kit.gone.dead"): "0x4 7x9 0x30",
        },
        (
            Look(3, "KitDeadLetters"),
            Look(8, "KitDeadLetters", (Firing({"queue": "kit.gone.dead"}, "7"),)),
            Look(16, "KitDeadLetters", (Firing({"queue": "kit.sunny.dead"}, "2"),)),
            Look(25, "KitDeadLetters"),
        ),
    ),
    Story(
        "all events of one account die; of another one in ten; of a third all, but they are few",
        {
            by_worker("events_total", "sunny", "one", outcome="dead_lettered"): "0x9 0+10x20 200x30",
            by_worker("events_total", "sunny", "one", outcome="applied"): "0+2x60",
            by_worker("events_total", "rainy", "one", outcome="dead_lettered"): "0+10x60",
            by_worker("events_total", "rainy", "one", outcome="applied"): "0+90x60",
            by_worker("events_total", "quiet", "one", outcome="dead_lettered"): "0+1x60",
        },
        (
            Look(9, "KitDeadLetterFlood"), Look(25, "KitDeadLetterFlood", (SUNNY,)),
            Look(50, "KitDeadLetterFlood"),
        ),
    ),
    Story(
        "a plan that is full: its first dead letter makes the series; those of other reasons, and old ones",
        {
            by_worker("dead_letters_total", "sunny", "one", reason="kit_plan_full"): "_x9 1x90",
            by_worker("dead_letters_total", "rainy", "one", reason="kit_plan_full"): "3x59 3+1x9 13x40",
            by_worker("dead_letters_total", "windy", "one", reason="kit_rejected"): "0+5x90",
        },
        (
            Look(12, "KitPlanFull", (SUNNY, Firing({"account": "rainy"}))),  # rainy: an hour is not known yet
            Look(50, "KitPlanFull"), Look(65, "KitPlanFull", (Firing({"account": "rainy"}),)),
        ),
    ),
    Story(
        "addresses that were held once, and an account where none ever was",
        {
            by_worker("moves_held_total", "sunny", "one"): "_x9 1x90",
            by_worker("moves_held_total", "rainy", "one"): "0x90",
        },
        (Look(8, "KitMovesHeld"), Look(12, "KitMovesHeld", (SUNNY,)), Look(50, "KitMovesHeld")),
    ),
    Story(
        "taggings that are held until somebody allows them, and an account without any",
        {
            by_worker("taggings_held", "sunny", "one"): "0x9 40x10 0x70",
            by_worker("taggings_held", "sunny", "two"): "0x9 40x10 0x70",
            by_worker("taggings_held", "rainy", "one"): "0x90",
        },
        (
            Look(8, "KitTaggingsHeld"), Look(12, "KitTaggingsHeld", (Firing({"account": "sunny"}, "40"),)),
            Look(50, "KitTaggingsHeld"),
        ),
    ),
    Story(
        "what Kit has otherwise until it is mended, as each worker tells, and an account of which it has all",
        {
            by_worker("drift", "sunny", "one", **{"class": "tag_missing"}): "0x9 3x10 0x70",
            by_worker("drift", "sunny", "two", **{"class": "tag_missing"}): "0x9 3x10 0x70",
            by_worker("drift", "sunny", "one", **{"class": "field"}): "0x9 2x10 0x70",
            by_worker("drift", "rainy", "one", **{"class": "tag_missing"}): "0x90",
        },
        (
            Look(8, "KitDrift"), Look(12, "KitDrift", (Firing({"account": "sunny"}, "5"),)),
            Look(50, "KitDrift"),
        ),
    ),
    Story(
        "bindings that were gone once, and an account where they never were",
        {
            by_worker("topology_mended_total", "sunny", "one"): "_x9 1x90",
            by_worker("topology_mended_total", "rainy", "one"): "0x90",
        },
        (
            Look(8, "KitTopologyMended"), Look(12, "KitTopologyMended", (SUNNY,)),
            Look(50, "KitTopologyMended"),
        ),
    ),
    Story(
        "a ledger put back twice, found by one that runs; once, by one that has just started; and never",
        {
            by_worker("ledger_went_back", "sunny", "one"): "0x9 1x49 2x50",
            by_worker("ledger_went_back", "sunny", "two"): "0x110",
            by_worker("ledger_went_back", "rainy", "one"): "_x9 1x90",
            by_worker("ledger_went_back", "windy", "one"): "0x60 0x40",
        },
        (
            Look(8, "KitLedgerWentBack"),
            Look(12, "KitLedgerWentBack", (SUNNY, Firing({"account": "rainy"}))),
            Look(50, "KitLedgerWentBack"), Look(62, "KitLedgerWentBack", (SUNNY,)),
        ),
    ),
    Story(
        "a worker starts, and later a wrong file is saved",
        {REJECTED: "_x9 0x29 1x40"},
        (
            Look(10, "KitConfigRejected"), Look(20, "KitConfigRejected"), Look(70, "KitConfigRejected"),
            Look(41, "KitConfigRejected", (Firing({"result": "invalid", **ONE}),)),
        ),
    ),
    Story(
        "a worker starts, and a wrong file is saved before Prometheus has looked",
        {REJECTED: "_x9 1x40"},
        (
            Look(11, "KitConfigRejected", (Firing({"result": "invalid", **ONE}),)),
            Look(30, "KitConfigRejected"),
        ),
    ),
    Story(
        "a worker that stands still for minutes, and one that did once",
        {
            'kit_worker_loop_lag_seconds{instance="one"}': "0x9 3x9 0x9",
            'kit_worker_loop_lag_seconds{instance="two"}': "0x9 3x2 0x20",
        },
        (
            Look(14, "KitWorkerBlocked"), Look(16, "KitWorkerBlocked", (Firing(ONE, "3"),)),
            Look(25, "KitWorkerBlocked"),
        ),
    ),
)  # fmt: skip
