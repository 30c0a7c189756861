"""The provider metadata: what Airflow needs to show our connection types with forms."""

import configparser
import importlib
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from include.adapters.cybersource.settings import EXTRA_FIELDS, AuthKind
from include.adapters.shop.settings import (
    CallbackSettings,
    Connection,
    ShopSettings,
)
from include.adapters.syspro.settings import ADAPTERS, SysproSettings
from tieout.provider import get_provider_info

ROOT = Path(__file__).parents[2]
TYPES = {kind["connection-type"]: kind for kind in get_provider_info()["connection-types"]}


def test_the_metadata_folder_carries_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    folder = ROOT / "plugins" / f"tieout_provider-{version}.dist-info"
    assert f"\nVersion: {version}\n" in (folder / "METADATA").read_text()
    entry = configparser.ConfigParser()
    entry.read(folder / "entry_points.txt")
    module, _, name = entry["apache_airflow_provider"]["provider_info"].partition(":")
    assert getattr(importlib.import_module(module), name) is get_provider_info


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_each_type_names_a_hook_of_that_type(kind: str) -> None:
    module, _, name = TYPES[kind]["hook-class-name"].rpartition(".")
    hook = getattr(importlib.import_module(module), name)
    assert (hook.conn_type, hook.hook_name) == (kind, TYPES[kind]["hook-name"])
    assert callable(hook.test_connection)


def test_every_field_of_the_cybersource_form_is_read_and_every_read_field_is_in_the_form() -> None:
    form: dict[str, Any] = TYPES["cybersource"]["conn-fields"]
    assert set(form) == set(EXTRA_FIELDS)
    assert set(form["auth"]["schema"]["enum"]) == {kind.value for kind in AuthKind}


def test_every_field_of_the_syspro_form_is_read_with_the_same_default() -> None:
    form: dict[str, Any] = TYPES["syspro"]["conn-fields"]
    known = {field.name: field.default for field in fields(SysproSettings)}
    assert set(form) <= set(known)
    assert tuple(form["adapter"]["schema"]["enum"]) == ADAPTERS
    for name, field in form.items():
        if "default" in field["schema"]:
            assert field["schema"]["default"] == known[name], name


def test_secrets_are_password_fields_and_carry_a_name_that_airflow_masks() -> None:
    for kind in TYPES.values():
        for name, field in kind["conn-fields"].items():
            is_secret = any(word in name for word in ("password", "secret", "passphrase"))
            assert (field["schema"].get("format") == "password") is is_secret, name


def test_every_field_has_a_label() -> None:
    for kind in TYPES.values():
        assert all(field["label"] for field in kind["conn-fields"].values())


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("woocommerce", ShopSettings),
        ("generic_shop", ShopSettings),
        ("shop_callback", CallbackSettings),
    ],
)
def test_every_field_of_a_shop_form_is_read_with_the_same_default(
    kind: str, settings: type[Connection]
) -> None:
    form: dict[str, Any] = TYPES[kind]["conn-fields"]
    fixed = {"conn_id", "base_url", "key", "secret"}  # Airflow's own fields
    known = {one.name: one.default for one in fields(settings) if one.name not in fixed}
    of_one_kind = {"shape", "webhook_url"}
    assert set(form) | of_one_kind == set(known) | of_one_kind
    for name, field in form.items():
        if "default" in field["schema"]:
            assert field["schema"]["default"] == known[name], name
