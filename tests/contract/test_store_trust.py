"""A process learns within a minute that the store may have forgotten, whatever its host's clock."""

from datetime import timedelta
from pathlib import Path

from include.adapters.lake import Lake
from include.adapters.store.engine import open_store
from include.adapters.store.trust import StoreTrust
from tests.effects import ManualClock


def test_a_host_set_back_half_an_hour_hears_of_a_doubt_within_a_minute(
    migrated_url: str, tmp_path: Path
) -> None:
    clock, elapsed = ManualClock(), [0.0]
    store = open_store(migrated_url)
    trust = StoreTrust(store, Lake(tmp_path / "lake"), clock, seconds=lambda: elapsed[0])
    assert not trust.is_doubted()
    clock.move(minutes=-30)
    trust.doubt("failed over to a replica")
    elapsed[0] += timedelta(minutes=1).total_seconds()
    assert trust.is_doubted()
    store.dispose()
