"""Read ``airflow_settings.yaml`` (Astro's format) and load it into a plain Airflow.

    python -m include.adapters.settings_file [--keep] [airflow_settings.yaml]

``--keep`` adds what Airflow does not have and leaves the rest as people edited it in the UI.
``${NAME}`` and ``${NAME:-demo value}`` are replaced from the environment after the file has been
parsed, so a value cannot change the structure; ``$${`` stands for a plain ``${``. Everything is
checked before anything is written. With ``TIEOUT_MODE=production`` (the default) a connection that
holds a secret of the demo, or opens private networks, is left out and named. One process of Airflow
does all of it: three starts of its command line take 12 to 20 s. Source: Airflow reference,
section 3.
"""

import argparse
import difflib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from include.adapters.demo_secrets import unfit_for_production
from include.domain.errors import IntegrationError, Rejected, Retryable

ROOT = Path(__file__).resolve().parents[2]
_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_CONNECTION = {
    "conn_id": "conn_id",
    "conn_type": "conn_type",
    "conn_host": "host",
    "conn_schema": "schema",
    "conn_login": "login",
    "conn_password": "password",
    "conn_port": "port",
    "conn_uri": "uri",
    "conn_extra": "extra",
}
_POOL = {"pool_name": "name", "pool_slot": "slots", "pool_description": "description"}
_VARIABLE_FIELDS = {"variable_name": "name", "variable_value": "value"}
_SECTIONS = {"connections": _CONNECTION, "pools": _POOL, "variables": _VARIABLE_FIELDS}


@dataclass(frozen=True, slots=True)
class AirflowSettings:
    """What the file declares, by name; secrets do not show in ``repr``."""

    connections: Mapping[str, Mapping[str, Any]] = field(repr=False)
    pools: Mapping[str, Mapping[str, Any]]
    variables: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns YAML nodes into values and names the line of each fault."""

    name: str
    environment: Mapping[str, str]

    def fault(self, node: yaml.Node, what: str, do: str) -> Rejected:
        return Rejected(what, f"{self.name}:{node.start_mark.line + 1}", do)

    def members(self, node: yaml.Node, known: Mapping[str, object]) -> dict[str, yaml.Node]:
        """Return the members of a mapping; unknown and doubled ones are refused."""
        if not isinstance(node, yaml.MappingNode):
            raise self.fault(node, "a list of 'name: value' lines is expected here", "Correct it.")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if known and name not in known:
                near = difflib.get_close_matches(name, list(known), 1)
                hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
                raise self.fault(key, f"{name!r} is unknown", hint)
            if name in found:
                raise self.fault(key, f"{name!r} appears twice", "Keep one of them.")
            found[name] = value
        return found

    def items(self, node: yaml.Node | None) -> list[yaml.Node]:
        if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self.fault(node, "a list is expected here", "Begin each entry with a dash.")
        return list(node.value)

    def value(self, node: yaml.Node) -> Any:
        """Return a plain value with variables replaced; a mapping of ``conn_extra`` included."""
        if isinstance(node, yaml.MappingNode):
            return {name: self.value(item) for name, item in self.members(node, {}).items()}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item) for item in node.value]
        if isinstance(node, yaml.ScalarNode) and "${" in node.value:
            return self._expand(node)
        loader = yaml.SafeLoader("")
        try:
            return loader.construct_object(node, deep=True)
        finally:
            loader.dispose()

    def _expand(self, node: yaml.ScalarNode) -> str:
        def replace(found: re.Match[str]) -> str:
            name, usual = found.group(1), found.group(2)
            if name is None:
                return "${"
            value = self.environment.get(name) or usual
            if value is None:
                raise self.fault(
                    node,
                    f"the environment variable {name} is not set",
                    f"Set it, or write ${{{name}:-<value>}} with a value for the demo.",
                )
            return value

        return _VARIABLE.sub(replace, node.value)


def read_settings(path: Path, environment: Mapping[str, str] | None = None) -> AirflowSettings:
    """Read and check the whole file.

    Raises:
        Rejected: not readable, unknown or doubled names, a missing variable, a value that does
            not fit; the message names file and line, never a secret.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "it is not UTF-8"
        raise Rejected(f"the file cannot be read: {reason}", str(path), "Check it.") from None
    reader = _Reader(path.name, os.environ if environment is None else environment)
    root = _parse(text, path.name)
    if root is None:
        return AirflowSettings({}, {}, {})
    top = reader.members(root, {"airflow": None})
    if "airflow" not in top:
        raise reader.fault(root, "the top member 'airflow' is missing", "Put all below 'airflow:'.")
    sections = reader.members(top["airflow"], _SECTIONS)
    found = {
        section: _entries(reader, sections.get(section), fields)
        for section, fields in _SECTIONS.items()
    }
    return AirflowSettings(
        connections={
            name: _connection(reader, *entry) for name, entry in found["connections"].items()
        },
        pools={name: _pool(reader, *entry) for name, entry in found["pools"].items()},
        variables={name: _variable(entry[1]) for name, entry in found["variables"].items()},
    )


def _parse(text: str, name: str) -> yaml.Node | None:
    try:
        root: yaml.Node | None = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        where, problem = f"{name}:{line}", fault.problem or "it is not YAML"
    else:
        return root
    raise Rejected(problem, where, "Correct the indentation or the quotes.")


_Entry = tuple[yaml.Node, dict[str, Any]]


def _entries(
    reader: _Reader, node: yaml.Node | None, fields: Mapping[str, str]
) -> dict[str, _Entry]:
    """Read one section into ``{name: (place, {our field: value})}``; blank entries are left out."""
    found: dict[str, _Entry] = {}
    name_field = next(iter(fields))
    for item in reader.items(node):
        members = reader.members(item, fields)
        values = {fields[member]: reader.value(value) for member, value in members.items()}
        values = {member: value for member, value in values.items() if value not in (None, "")}
        if not values:
            continue  # Astro's own template file has one empty entry per section
        name = values.pop(fields[name_field], None)
        if not isinstance(name, str):
            raise reader.fault(item, f"{name_field} is missing or is no text", "Name the entry.")
        if name in found:
            raise reader.fault(item, f"{name!r} is declared twice", "Keep one of them.")
        found[name] = (item, values)
    return found


def _connection(reader: _Reader, place: yaml.Node, values: dict[str, Any]) -> dict[str, Any]:
    if "uri" in values:
        if len(values) > 1:
            raise reader.fault(place, "conn_uri stands beside other fields", "Keep one way.")
        return values
    if "conn_type" not in values:
        raise reader.fault(place, "conn_type is missing", "Name the type, e.g. cybersource.")
    if "port" in values:
        values["port"] = _whole(reader, place, "conn_port", values["port"], 1, 65535)
    if isinstance(extra := values.get("extra"), Mapping):
        values["extra"] = json.dumps(extra)
    return {key: value if key == "port" else str(value) for key, value in values.items()}


def _pool(reader: _Reader, place: yaml.Node, values: dict[str, Any]) -> dict[str, Any]:
    slots = _whole(reader, place, "pool_slot", values.get("slots", 1), -1, 1_000_000)
    return {"slots": slots, "description": str(values.get("description", ""))}


def _variable(values: dict[str, Any]) -> str:
    value = values.get("value", "")
    return value if isinstance(value, str) else json.dumps(value)


def _whole(
    reader: _Reader, place: yaml.Node, name: str, value: object, least: int, most: int
) -> int:
    text = str(value)
    if re.fullmatch(r"-?[0-9]{1,7}", text) and least <= int(text) <= most:
        return int(text)
    raise reader.fault(place, f"{name} {text[:20]!r} is no number that fits", "Correct it.")


def fit_for(settings: AirflowSettings, mode: str) -> tuple[AirflowSettings, Mapping[str, str]]:
    """Return what may be loaded, and why each other connection may not, by its id.

    ``mode``: of ``TIEOUT_MODE``; only ``sandbox`` takes what is the demo's.
    """
    if mode == "sandbox":
        return settings, {}
    found = {name: _unfit(fields) for name, fields in settings.connections.items()}
    kept = {name: one for name, one in settings.connections.items() if not found[name]}
    return replace(settings, connections=kept), {name: why for name, why in found.items() if why}


def _unfit(fields: Mapping[str, Any]) -> str:
    extra: object = None
    with suppress(ValueError):  # what is no JSON is Airflow's to judge
        extra = json.loads(fields.get("extra") or "{}")
    login, password = str(fields.get("login", "")), str(fields.get("password", ""))
    return unfit_for_production(login, password, extra if isinstance(extra, dict) else {})


def load_into_airflow(settings: AirflowSettings, *, keep: bool = False) -> None:
    """Hand the settings to one process of Airflow, through a pipe: no secret on disk or in ``ps``.

    Raises:
        Retryable: Airflow did not take them, e.g. its database is not migrated yet.
    """
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins"), os.environ.get("PYTHONPATH", "")])
    document = {
        "connections": settings.connections,
        "pools": settings.pools,
        "variables": settings.variables,
        "keep": keep,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tieout.settings_import"],
        input=json.dumps(document),
        text=True,
        env={**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)},
        check=False,
    )
    if done.returncode:
        raise Retryable(
            "Airflow did not take the settings; its own words are above",
            "tieout.settings_import",
            "Run 'airflow db migrate' first, with the same environment.",
        )


def main(arguments: list[str]) -> int:
    given = _parser().parse_args(arguments)
    try:
        settings, refused = fit_for(read_settings(given.file), os.environ.get("TIEOUT_MODE", ""))
        _tell(refused)
        load_into_airflow(settings, keep=given.keep)
    except IntegrationError as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    counts = [len(settings.connections), len(settings.pools), len(settings.variables)]
    did = "read; what Airflow had was kept" if given.keep else "loaded"
    sys.stdout.write("{} connections, {} pools, {} variables {}.\n".format(*counts, did))
    return 0


def _tell(refused: Mapping[str, str]) -> None:
    for name, why in refused.items():
        sys.stderr.write(f"connection {name} is left out: {why}\n")
    if refused:
        sys.stderr.write(
            "Set the variables that airflow_settings.yaml names, or add these connections in "
            "Airflow; TIEOUT_MODE=sandbox loads them for a trial.\n"
        )


def _parser() -> argparse.ArgumentParser:
    program = "python -m include.adapters.settings_file"
    parser = argparse.ArgumentParser(prog=program, description=__doc__.partition("\n")[0])
    ours = ROOT / "airflow_settings.yaml"
    parser.add_argument("file", nargs="?", type=Path, default=ours, help=f"default: {ours.name}")
    parser.add_argument("--keep", action="store_true", help="what was edited in the UI stays")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
