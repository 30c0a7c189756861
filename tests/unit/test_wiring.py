"""The one place that joins ports to adapters: what it refuses."""

from datetime import date
from pathlib import Path

import pytest

from include.domain.errors import Rejected
from include.wiring import Settings, Tieout


def test_production_writes_nothing_before_its_facts_are_measured(tmp_path: Path) -> None:
    measured = Tieout(Settings("sqlite://", tmp_path, "production", frozenset({"P6"})))
    measured.require_commissioned("P6")
    with pytest.raises(Rejected, match="add P2,P5 to TIEOUT_COMMISSIONED"):
        measured.require_commissioned("P2", "P5", "P6")
    Tieout(Settings("sqlite://", tmp_path, "sandbox")).require_commissioned("P2", "P5", "P6")


def test_a_business_date_is_the_sandboxs_alone(tmp_path: Path) -> None:
    environment = {
        "TIEOUT_STORE_URL": "sqlite://",
        "TIEOUT_LAKE": str(tmp_path),
        "TIEOUT_BUSINESS_DATE": "2026-11-03",
    }
    with pytest.raises(Rejected, match="outside the sandbox"):
        Settings.of(environment)
    found = Settings.of({**environment, "TIEOUT_MODE": "sandbox"})
    assert found.business_date == date(2026, 11, 3)
