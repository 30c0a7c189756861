"""The command line over the store of the desk, and whose name it signs with."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from include.wiring import Settings, Tieout
from tests.care.conftest import Care
from tieout import cli
from tieout.commands.login import signature

BOB = signature("bob")  # with the login that the tests run under
ANN = signature("ann")


@pytest.fixture
def context(
    care: Care, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Tieout:
    found = Tieout(Settings(migrated_url, tmp_path / "lake", "sandbox"))
    monkeypatch.setattr(cli, "tieout", lambda: found)
    return found


@pytest.fixture
def at_the_desk(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    desks = SimpleNamespace(service=care.kit.service)
    for module in ("orders", "refunds", "reviews"):
        monkeypatch.setattr(f"tieout.commands.{module}.desks_of", lambda _context: desks)
