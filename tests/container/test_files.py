"""The files for operators say what the code says; no engine is needed for these."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from tests.container.images import pinned
from worker.ledger.address import check_ledger_url
from worker.metrics import STATES, Metrics
from worker.settings import Settings

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "config/prometheus/alerts.yml"
DASHBOARD = ROOT / "config/grafana/dashboards/kit-worker.json"
COMPOSE = ROOT / "docker-compose.yml"
UNIT = ROOT / "config/systemd/kit-worker.service"
COMPOSE_ONLY = {
    "RABBITMQ_USER", "RABBITMQ_PASSWORD", "RABBITMQ_PORT", "RABBITMQ_MANAGEMENT_PORT",
    "POSTGRES_USER", "POSTGRES_PASSWORD", "SANDBOX_PORT", "PROMETHEUS_PORT",
    "GRAFANA_PORT", "GRAFANA_PASSWORD", "KEYS_ENV",
    "RABBITMQ_IMAGE", "POSTGRES_IMAGE", "PROMETHEUS_IMAGE", "GRAFANA_IMAGE", "PYTHON_IMAGE",
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
    services, settings = compose()["services"], {name.upper() for name in Settings.model_fields}
    of_page = {name for name in settings if name.startswith("PAGE_")}
    assert set(services["worker"]["environment"]) == settings - of_page | {"KIT_API_KEY"}
    assert set(services["page"]["environment"]) == settings | {"KIT_API_KEY"}


def test_variables_of_compose_are_documented() -> None:
    """Given a variable in docker-compose.yml, .env.example says what it is."""
    used = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text(encoding="utf-8")))
    assert used <= set(env_example())


# -- what goes wrong in one service stays there -----------------------------------------------------------

SERVICES = compose()["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_confined(name: str) -> None:
    """Given a service that somebody has broken into, it writes nowhere else and becomes nobody else."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert set(service.get("cap_add", ())) <= {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
    assert not {"privileged", "network_mode", "pid", "devices"} & service.keys()


def test_no_password_stands_in_the_files_and_what_is_missing_is_said_with_its_remedy() -> None:
    """Given no .env, nothing starts with a password that everybody knows."""
    text = COMPOSE.read_text(encoding="utf-8")
    used = re.findall(r"\$\{(\w*PASSWORD)([^}]*)\}", text)
    assert {name for name, _ in used} == {"RABBITMQ_PASSWORD", "POSTGRES_PASSWORD", "GRAFANA_PASSWORD"}
    assert {rest for _, rest in used} == {":?run make passwords, which writes it into .env"}
    assert not {name: value for name, value in env_example().items() if "PASSWORD" in name and value}


GETS = {
    "rabbitmq": {"RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS", "RABBITMQ_CONFIG_FILE", "RABBITMQ_LOGS",
                 "EVENTS_EXCHANGE"},
    "postgres": {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"},
    "page": set(SERVICES["page"]["environment"]),  # see test_compose_passes_every_setting_on
    "sandbox": set(),
    "publisher": {"AMQP_URL", "EVENTS_EXCHANGE", "KIT_BASE_URL", "KIT_ALLOW_HTTP"},
    "prometheus": set(),
    "grafana": {"GF_SECURITY_ADMIN_PASSWORD"},
}  # fmt: skip
"""Which variables a service gets; the worker gets all settings."""


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_gets_only_the_variables_it_needs(name: str) -> None:
    """Given .env with everybody's passwords, no service sees another one's."""
    service = SERVICES[name]
    assert set(service.get("environment", ())) == GETS.get(name, set(SERVICES["worker"]["environment"]))
    files = [each["path"] for each in service.get("env_file", ())]
    assert files == (["${KEYS_ENV:-keys.env}"] if name in {"worker", "page"} else [])


def test_only_those_reach_each_other_that_have_to() -> None:
    """Given the networks, PostgreSQL and the sandbox are seen by workers and the page, Grafana by one."""
    on = {name: set(service["networks"]) for name, service in SERVICES.items()}
    reach = {(a, b) for a in on for b in on if a < b and on[a] & on[b]}
    assert reach == {
        ("page", "rabbitmq"), ("page", "postgres"), ("page", "worker"), ("page", "sandbox"),
        ("page", "publisher"),
        ("rabbitmq", "worker"), ("postgres", "worker"), ("sandbox", "worker"), ("publisher", "rabbitmq"),
        ("publisher", "worker"), ("prometheus", "worker"), ("prometheus", "rabbitmq"),
        ("grafana", "prometheus"),
    }  # fmt: skip
    internal = {name for name, network in compose()["networks"].items() if network}
    assert internal == {"ledger", "metrics"}


def test_ports_are_on_this_machine_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) == 6
    assert all(re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z_]+_PORT:-\d+\}:\d+", port) for port in ports)


def test_images_are_pinned_by_version_and_can_be_named_otherwise() -> None:
    """Given two builds of this version, they run the same programs."""
    found = pinned(ROOT)
    shown = env_example()
    assert {variable: f"{image}:{version}" for variable, (image, version) in found.items()} == {
        name: value for name, value in shown.items() if name.endswith("_IMAGE")
    }
    assert all(re.match(r"v?\d+\.\d+", version) for _, version in found.values())
    images = {service["image"] for service in SERVICES.values()}
    assert all(re.fullmatch(r"\$\{[A-Z]+_IMAGE:-.+\}", image) for image in images - {"kit-worker"})


def test_docker_waits_longer_than_the_worker_takes_to_stop() -> None:
    """Given the defaults, a worker is done before docker kills it."""
    patience = compose()["services"]["worker"]["stop_grace_period"]
    assert float(patience.removesuffix("s")) >= Settings.model_fields["shutdown_grace"].default + 5


# -- without Docker ---------------------------------------------------------------------------------------


def unit() -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE))


def test_systemd_waits_longer_than_the_worker_takes_to_stop() -> None:
    assert float(unit()["TimeoutStopSec"]) >= Settings.model_fields["shutdown_grace"].default + 5


def test_what_the_guide_says_and_the_service_are_of_one_mind() -> None:
    """Given the places that the guide names, the service finds program, settings and ledger there."""
    guide = (ROOT / "docs/deployment.md").read_text(encoding="utf-8").partition("## Without Docker")[2]
    found = unit()
    assert f"{found['ExecStart'].removesuffix(' run')} check" in guide
    assert f"cd {found['WorkingDirectory']} && runuser -u {found['User']} --" in guide
    assert f"LEDGER_URL=sqlite+aiosqlite:////var/lib/{found['StateDirectory']}/ledger.db" in guide
    assert f"useradd --system --home-dir {found['WorkingDirectory']}" in guide
    check_ledger_url(f"sqlite+aiosqlite:////var/lib/{found['StateDirectory']}/ledger.db")


def test_systemd_takes_the_service_and_finds_it_confined(tmp_path: Path) -> None:
    """Given systemd's own tool, it has nothing to say but that little of the machine is exposed."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("there is no systemd-analyze here")
    file = tmp_path / UNIT.name
    here = UNIT.read_text(encoding="utf-8").replace(unit()["ExecStart"], f"{sys.executable} run")
    file.write_text(here, encoding="utf-8")
    verify = [tool, "verify", str(file)]
    security = [tool, "security", "--offline=true", "--threshold=20", "--no-pager", str(file)]
    for command in (verify, security):
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, done.stdout + done.stderr
        assert not done.stderr


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
