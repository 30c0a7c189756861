"""The one place that joins ports to adapters: what it refuses."""

from datetime import date
from pathlib import Path

import pytest

from include.domain.commissioning import Probe
from include.domain.errors import Rejected
from include.wiring import Settings, Tieout
from tests.effects import TIMINGS


def test_production_writes_nothing_before_its_facts_are_measured(
    migrated_url: str, tmp_path: Path
) -> None:
    def demand(mode: str) -> None:
        context = Tieout(Settings(migrated_url, tmp_path, mode))
        context.require_commissioned("erp", Probe.longest_run, timings=lambda: TIMINGS)

    demand("sandbox")
    with pytest.raises(Rejected, match="without P6: SYSPRO's longest run"):
        demand("production")


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
