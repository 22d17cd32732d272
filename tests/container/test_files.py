"""The files for operators say what the code says; no engine is needed for these."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from worker.metrics import STATES, Metrics
from worker.settings import Settings

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "config/prometheus/alerts.yml"
DASHBOARD = ROOT / "config/grafana/dashboards/kit-worker.json"
COMPOSE = ROOT / "docker-compose.yml"
COMPOSE_ONLY = {
    "RABBITMQ_USER", "RABBITMQ_PASSWORD", "RABBITMQ_PORT", "RABBITMQ_MANAGEMENT_PORT",
    "POSTGRES_USER", "POSTGRES_PASSWORD", "SANDBOX_PORT", "PROMETHEUS_PORT",
    "GRAFANA_PORT", "GRAFANA_PASSWORD",
}  # fmt: skip

SECRETS = ("KIT_API_KEY", "KIT_CLIENT_ID", "KIT_CLIENT_SECRET")
"""What account files name."""


def env_example() -> dict[str, str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", text, re.MULTILINE))


def default_of(name: str) -> str:
    default = Settings.model_fields[name].default
    if default is PydanticUndefined or default is None:
        return ""
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    return f"{default:g}" if isinstance(default, bool | int | float) else str(default)


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


def test_env_example_names_every_setting_with_its_default() -> None:
    """Given .env.example, each setting stands there with the default of the code, and nothing else."""
    defaults = {name.upper(): default_of(name) for name in Settings.model_fields}
    shown = {name: value for name, value in env_example().items() if name not in COMPOSE_ONLY}
    assert shown == {**defaults, **dict.fromkeys(SECRETS, "")}


def test_compose_passes_every_setting_on() -> None:
    """Given a worker's container, every setting of the code reaches it."""
    passed = set(compose()["services"]["worker"]["environment"])
    assert passed == {name.upper() for name in Settings.model_fields} | {"KIT_API_KEY"}


def test_variables_of_compose_are_documented() -> None:
    """Given a variable in docker-compose.yml, .env.example says what it is."""
    used = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text(encoding="utf-8")))
    assert used - {"ENV_FILE"} <= set(env_example())


def test_docker_waits_longer_than_the_worker_takes_to_stop() -> None:
    """Given the defaults, a worker is done before docker kills it."""
    patience = compose()["services"]["worker"]["stop_grace_period"]
    assert float(patience.removesuffix("s")) >= Settings.model_fields["shutdown_grace"].default + 5


@pytest.mark.parametrize("path", [ALERTS, DASHBOARD], ids=lambda path: path.name)
def test_alerts_and_dashboard_use_metrics_that_there_are(path: Path) -> None:
    """Given an expression, each metric of ours in it is one that a worker exports, and each state is one."""
    exported = {family.name for family in Metrics().registry.collect()}
    text = path.read_text(encoding="utf-8").replace("\\", "")
    used = {re.sub("_(total|bucket)$", "", name) for name in re.findall(r"kit_worker_\w+", text)}
    assert used
    assert used <= exported
    states = "|".join(re.findall(r'state[!=~]+"([a-z_|]+)"', text)).split("|")
    assert set(states) <= set(STATES)


def test_dashboard_panels_have_ids_and_places_of_their_own() -> None:
    """Given the dashboard, no panel hides another."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len({panel["id"] for panel in panels}) == len(set(places)) == len(panels)
