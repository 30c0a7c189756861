"""docker-compose.yaml and Dockerfile, as far as they can be proven without a Docker daemon."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.adapters.http.transport import check_address
from include.adapters.settings_file import read_settings
from include.wiring import Settings

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})")
AIRFLOW = {
    "airflow-apiserver": "airflow api-server",
    "airflow-scheduler": "airflow scheduler",
    "airflow-dag-processor": "airflow dag-processor",
    "airflow-triggerer": "airflow triggerer",
    "airflow-worker": "airflow celery worker",
}


def text() -> str:
    lines = (ROOT / "docker-compose.yaml").read_text().splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def printed(*more: str) -> dict[str, str]:
    """What the command prints. ``-S``: a host that has only Docker has no packages of ours."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "include.local", "secrets", *more],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    return printed()


@pytest.fixture(scope="module")
def services(secrets: dict[str, str]) -> dict[str, Any]:
    return configured(secrets)


def configured(secrets: dict[str, str]) -> dict[str, Any]:
    """Return the services as ``docker compose config`` would show them with that .env."""

    def value(found: re.Match[str]) -> str:
        name, kind, usual = found.groups()
        if name is None:
            return "$"
        return secrets[name] if kind != "-" else secrets.get(name) or usual

    parsed: dict[str, Any] = yaml.safe_load(VARIABLE.sub(value, text()))["services"]
    return parsed


def test_every_variable_has_a_default_or_comes_from_the_secrets_command(
    secrets: dict[str, str],
) -> None:
    uses = [found.groups() for found in VARIABLE.finditer(text()) if found.group(1)]
    assert {name for name, kind, _ in uses if kind != "-"} == set(secrets)
    # Without the .env nothing starts: each secret is required by name in at least one place.
    assert {name for name, kind, _ in uses if kind == "?"} == set(secrets)
    assert all(secrets.values())


def test_every_component_runs_with_one_environment_and_one_lake(services: dict[str, Any]) -> None:
    first = services["airflow-apiserver"]
    for name, command in AIRFLOW.items():
        service = services[name]
        assert service["command"] == command
        own = {"DUMB_INIT_SETSID": "0"} if name == "airflow-worker" else {}
        assert service["environment"] == {**first["environment"], **own}
        assert service["volumes"] == first["volumes"]
        assert set(service["depends_on"]) == {"postgres", "redis", "airflow-init"}
        wait = service["depends_on"]["airflow-init"]["condition"]
        assert wait == "service_completed_successfully"
        assert service["healthcheck"]["test"]
    parsed = yaml.safe_load(text())
    for volume in {v.split(":")[0] for s in services.values() for v in s.get("volumes", [])}:
        assert volume in parsed["volumes"]


def test_only_init_has_the_owners_password_and_the_others_a_role_of_their_own(
    services: dict[str, Any], secrets: dict[str, str]
) -> None:
    """What that role may do is proven on a real server: tests/contract/test_audit_guard.py."""
    parsed = yaml.safe_load(text())
    server, init = services["postgres"], services["airflow-init"]
    owner, runtime = secrets["POSTGRES_PASSWORD"], secrets["RUNTIME_PASSWORD"]
    login = f"postgresql+psycopg2://airflow:{runtime}@postgres"
    for name in AIRFLOW.keys() | {"airflow-cleaner", "api", "sandbox"}:
        environment = services[name]["environment"]
        assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"{login}/airflow"
        assert environment["AIRFLOW__CELERY__RESULT_BACKEND"] == f"db+{login}/airflow"
        assert environment["TIEOUT_STORE_URL"] == f"{login}/tieout"
        assert owner not in str(services[name])
        assert "env_file" not in services[name]  # it holds both
    role, database = server["environment"]["POSTGRES_USER"], server["environment"]["POSTGRES_DB"]
    url = f"postgresql+psycopg2://{role}:{owner}@postgres/{database}"
    assert (init["environment"]["TIEOUT_STORE_URL"], role) == (url, "tieout")
    assert "include.adapters.store.migrate --runtime-role airflow" in init["command"]
    (script,) = server["configs"]
    assert script["target"].startswith("/docker-entrypoint-initdb.d/")
    assert "CREATE ROLE airflow" in parsed["configs"][script["source"]]["content"]
    # Not by the socket, which answers before that script has run: init would find no database.
    assert server["healthcheck"]["test"][2:4] == ["-h", "localhost"]
    assert server["healthcheck"]["start_period"] == "120s"  # nor is it unhealthy until it has run


def test_what_airflow_keeps_of_old_runs_is_removed_where_it_is_kept(
    services: dict[str, Any],
) -> None:
    cleaner, scheduler = services["airflow-cleaner"], services["airflow-scheduler"]
    assert cleaner["command"].startswith("python -m tieout.cleaning --days ")
    for part in ("environment", "volumes", "depends_on", "restart"):
        assert cleaner[part] == scheduler[part]


def test_init_runs_again_at_every_up_and_keeps_edited_connections(services: dict[str, Any]) -> None:
    assert "settings_file --keep airflow_settings.yaml" in services["airflow-init"]["command"]


def test_the_env_of_a_trial_opens_the_sandbox_that_compose_starts() -> None:
    env = printed("--sandbox")
    services = configured(env)
    found = services["airflow-worker"]["environment"]
    worker = {name: str(value) for name, value in found.items()}
    settings = Settings.of(worker)
    assert settings.mode == "sandbox"  # production asks for what was measured at real accounts
    assert f"--live-date {settings.business_date}" in services["sandbox"]["command"]
    # init has the .env itself, too: the connections that it enters may be used.
    entered = read_settings(ROOT / "airflow_settings.yaml", {**worker, **env}).connections
    for name, connection in entered.items():
        if name != "smtp_default":
            extra = json.loads(connection["extra"])
            check_address(connection["host"], extra["allow_plain_http"] == "true")
            assert connection["host"].startswith("http://sandbox")


def test_every_variable_of_the_readme_reaches_the_components(services: dict[str, Any]) -> None:
    named = set(re.findall(r"^\| `(TIEOUT_\w+)`", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert len(named) >= 5
    assert named <= set(services["airflow-worker"]["environment"])


def test_airflow_knows_every_setting_by_that_name(services: dict[str, Any]) -> None:
    """A misspelled one would be ignored without a word."""
    from airflow.configuration import conf

    for variable in services["airflow-worker"]["environment"]:
        if variable.startswith("AIRFLOW__"):
            section, option = variable.removeprefix("AIRFLOW__").lower().split("__")
            described = conf.configuration_description.get(section, {}).get("options", {})
            assert option in described, variable


def test_the_image_holds_what_the_repository_has() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copies = re.findall(r"^COPY (?:--\S+ )*(\S+) /opt/airflow/(\S+)$", dockerfile, re.MULTILINE)
    assert len(copies) == len(re.findall(r"^COPY", dockerfile, re.MULTILINE))
    for source, target in copies:
        assert (ROOT / source).exists(), source
        assert Path(source).name == Path(target).name
    assert {"dags", "plugins", "include", "airflow_settings.yaml"} <= {c[0] for c in copies}
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert not {source for source, _ in copies} & set(ignored)
    assert "PYTHONPATH=/opt/airflow:/opt/airflow/plugins" in dockerfile


def test_metrics_leave_under_the_names_of_the_readme(services: dict[str, Any]) -> None:
    """The code's own ``tieout.`` behind another prefix would make ``tieout.tieout.lines``."""
    environment = services["airflow-worker"]["environment"]
    assert "AIRFLOW__METRICS__STATSD_PREFIX" not in environment  # Airflow's default: airflow
    assert environment["AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED"] == "True"
    tasks = "".join(p.read_text() for p in (ROOT / "plugins/tieout/tasks").glob("*.py"))
    sent = set(re.findall(r"metrics\.(?:gauge|timing)\(\"(\w+)\"", tasks))
    named = set(re.findall(r"`airflow\.tieout\.(\w+)`", (ROOT / "README.md").read_text()))
    assert sent == named
