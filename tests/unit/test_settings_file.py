"""The settings file: what is wrong is named with its line, and nothing secret is shown."""

import json
import re
from pathlib import Path

import pytest

from include.adapters.cybersource.settings import Settings
from include.adapters.demo_secrets import DEMO_SECRETS
from include.adapters.settings_file import fit_for, main, read_settings
from include.adapters.syspro.settings import settings_from
from include.domain.errors import Rejected

ROOT = Path(__file__).parents[2]


def write(folder: Path, text: str) -> Path:
    path = folder / "airflow_settings.yaml"
    path.write_text(text)
    return path


def test_the_shipped_file_holds_connections_that_our_hooks_accept() -> None:
    found = read_settings(ROOT / "airflow_settings.yaml", {})
    for name, fields in found.connections.items():
        extra = json.loads(fields.get("extra", "{}"))
        if fields["conn_type"] == "cybersource":
            settings = Settings.from_connection(
                name, fields["host"], fields["port"], fields["login"], fields["password"], extra
            )
            settings.signer()
            assert settings.base_url == "http://127.0.0.1:18080"
        if fields["conn_type"] == "syspro":
            syspro = settings_from(name, fields["host"], fields["login"], fields["password"], extra)
            # Airflow's Test button compares host and port with what is stored; the port has its
            # own field, and the path is the hook's to add.
            assert (syspro.base_url, fields["port"]) == ("http://127.0.0.1", 18081)
    kinds = [fields["conn_type"] for fields in found.connections.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "cybersource": 3,
        "syspro": 3,
        "http": 4,
        "woocommerce": 1,
        "generic_shop": 1,
        "shop_callback": 2,
        "smtp": 1,
    }
    assert found.pools["syspro"]["slots"] == 3


def test_variables_of_the_environment_win_over_the_demo_values(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "airflow:\n  connections:\n    - conn_id: a\n      conn_type: http\n"
        "      conn_host: ${HOST:-demo.example.test}\n      conn_port: ${PORT:-80}\n"
        "      conn_password: ${SECRET}$${x\n"
        "      conn_extra: {key: '${KEY:-}', flag: true}\n"
        "  variables:\n    - variable_name: v\n      variable_value: {a: 1}\n",
    )
    found = read_settings(path, {"HOST": "real.example.test", "SECRET": "a: b # ${HOST}"})
    assert found.connections["a"] == {
        "conn_type": "http",
        "host": "real.example.test",
        "port": 80,
        "password": "a: b # ${HOST}${x",  # a value is never read as YAML or expanded again
        "extra": '{"key": "", "flag": true}',
    }
    assert found.variables == {"v": '{"a": 1}'}
    assert "real.example.test" not in repr(found)


FAULTS = [
    ("airflow:\n  connection: []\n", 2, "Did you mean 'connections'"),
    ("airflow:\n  connections:\n    - conn_id: a\n      conn_typ: http\n", 4, "'conn_type'"),
    ("airflow:\n  connections:\n    - conn_id: a\n", 3, "conn_type is missing"),
    ("airflow:\n  connections:\n    - conn_type: http\n", 3, "conn_id is missing"),
    (
        "airflow:\n  pools:\n    - pool_name: p\n    - pool_name: p\n      pool_slot: 2\n",
        4,
        "declared twice",
    ),
    ("airflow:\n  pools:\n    - pool_name: p\n      pool_slot: many\n", 3, "'many'"),
    ("airflow:\n  pools:\n    - pool_name: p\n      pool_name: q\n", 4, "appears twice"),
    ("airflow:\n  pools: yes\n", 2, "a list is expected"),
    ("airflow:\n  connections:\n    - [\n", 4, "expected"),
    ("connections: []\n", 1, "unknown"),
    (
        "airflow:\n  connections:\n    - conn_id: a\n      conn_type: http\n"
        "      conn_password: ${NOT_SET}\n",
        5,
        "NOT_SET is not set",
    ),
    (
        "airflow:\n  connections:\n    - conn_id: a\n      conn_uri: http://who:pw@h\n"
        "      conn_host: x\n",
        3,
        "beside other fields",
    ),
]


@pytest.mark.parametrize(("text", "line", "words"), FAULTS)
def test_each_fault_names_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_settings(write(tmp_path, text), {})
    shown = str(caught.value)
    assert words in shown
    assert f"airflow_settings.yaml:{line}" in shown
    assert "pw@" not in shown


def test_the_empty_entries_of_astros_template_are_left_out(tmp_path: Path) -> None:
    text = (
        "airflow:\n  connections:\n    - conn_id:\n      conn_type:\n      conn_extra:\n"
        "  pools:\n    - pool_name:\n  variables:\n"
    )
    found = read_settings(write(tmp_path, text), {})
    assert (found.connections, found.pools, found.variables) == ({}, {}, {})


def test_the_demos_secrets_are_those_of_the_shipped_file() -> None:
    """Whatever opens the sandbox is known as the demo's, so production can refuse it."""
    shipped = (ROOT / "airflow_settings.yaml").read_text()
    fields = r"(?:conn_password|key_id|webhook_secret): \$\{\w+:-([^}]+)\}"
    logins = r"conn_login: \$\{\w+:-([^}]+)\}"  # a shop's consumer key
    found = set(re.findall(fields, shipped)) | set(re.findall(logins, shipped))
    assert found == DEMO_SECRETS


OWN = "airflow:\n  connections:\n"
DEMO = "    - conn_id: {}\n      conn_type: http\n      conn_password: {}\n      conn_extra: {}\n"
LEFT_OUT = [
    ("sandbox-bank", "{}", "a secret of the demo"),
    ("mine", "{webhook_secret: sandbox-webhook-acme-us}", "a secret of the demo"),
    ("mine", "{allow_local: true}", "private networks"),
    ("mine", "{allow_local: 'yes'}", "private networks"),
    ("mine", "{allow_local: false}", ""),
]


@pytest.mark.parametrize(("password", "extra", "words"), LEFT_OUT)
@pytest.mark.parametrize("mode", ["production", "sandbox", ""])
def test_production_loads_nothing_of_the_demo(
    tmp_path: Path, mode: str, password: str, extra: str, words: str
) -> None:
    lines = DEMO.format("judged", password, extra) + DEMO.format("other", "own", "{}")
    kept, refused = fit_for(read_settings(write(tmp_path, OWN + lines), {}), mode)
    is_refused = bool(words) and mode != "sandbox"
    assert set(kept.connections) == ({"other"} if is_refused else {"judged", "other"})
    assert list(refused) == ["judged"] * is_refused
    if is_refused:
        assert words in refused["judged"]


def test_a_missing_file_is_a_sentence_and_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none.yaml")]) == 1
    assert "cannot be read" in capsys.readouterr().err
