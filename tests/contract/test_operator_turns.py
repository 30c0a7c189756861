"""SYSPRO's one operator among our processes, by leases in the store, on both databases."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from include.adapters.store.engine import open_store
from include.adapters.store.leases import SqlLeases
from include.adapters.syspro import operator_lease
from include.adapters.syspro.faults import Faults
from include.adapters.syspro.operator_lease import OperatorLease
from include.adapters.syspro.settings import settings_from


@pytest.fixture
def leases(migrated_url: str) -> Iterator[SqlLeases]:
    store = open_store(migrated_url)
    yield SqlLeases(store)
    store.dispose()


def test_a_long_night_lets_go_when_somebody_waits_and_only_then(
    leases: SqlLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator_lease, "_LONG_S", 0.0)
    monkeypatch.setattr(operator_lease, "_SAID", timedelta(seconds=0.8))  # over before it is back
    given = {"company_id": "A", "base_currency": "USD", "operator_wait_s": 30}
    faults = Faults(settings_from("syspro_a", "https://syspro.example", "TIEOUT", "secret", given))
    night, checkout = (OperatorLease(faults, leases, holder) for holder in ("night", "checkout"))
    night.acquire()
    assert not night.is_due_to_another()
    had: list[bool] = []

    def buy() -> None:
        checkout.acquire()
        had.append(checkout.renew())
        checkout.give_back()

    buying = threading.Thread(target=buy)
    buying.start()
    while not night.is_due_to_another():
        buying.join(0.05)
    assert had == []
    night.take_another()
    buying.join(30)
    assert had == [True]
    assert night.renew()
    assert not night.is_due_to_another()
    night.give_back()
