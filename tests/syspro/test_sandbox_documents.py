"""AR documents as the sandbox's SYSPRO gives them: page by page, and only the merchant's own."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any
from unittest.mock import MagicMock

import pytest

from include.adapters.http.transport import HttpTransport
from include.adapters.syspro.adapter import SysproAdapter, open_adapter
from include.adapters.syspro.settings import settings_from
from include.domain.merchant import ErpCondition
from include.mappings.load import load_mappings
from include.sandbox import Sandbox, start
from tests.simulator.memory import MemoryEffectStore


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, start=date(2026, 10, 20), days=10)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def store() -> MemoryEffectStore:
    return MemoryEffectStore(Clock())


@pytest.fixture
def open_syspro(sandbox: Sandbox, store: MemoryEffectStore) -> Callable[..., SysproAdapter]:
    def make(**extra: object) -> SysproAdapter:
        url = sandbox.syspro_url + "/SYSPROWCFService"
        given = {"company_id": "A", "base_currency": "USD", **extra}
        settings = settings_from("syspro_a", url, "TIEOUT_A", "sandbox-A", given)
        return open_adapter(settings, HttpTransport(), store, "test")

    return make


def test_documents_come_page_by_page_each_once(open_syspro: Callable[..., SysproAdapter]) -> None:
    first, last = date(2026, 10, 22), date(2026, 10, 28)
    whole = list(open_syspro().reader.documents("A", first, last))
    paged = list(open_syspro(return_rows=7).reader.documents("A", first, last))
    assert len(whole) > 20
    assert paged == whole
    assert len({row["document_id"] for row in whole}) == len(whole)
    assert all(first <= row["document_date"] <= last for row in whole)  # type: ignore[operator]


ONLY = (ErpCondition("Branch", "EQ", "10"), ErpCondition("TermsCode", "NE", "BT"))
FIRST, LAST = date(2026, 10, 22), date(2026, 10, 25)


def plant_strangers(sandbox: Sandbox) -> None:
    """Give company A an invoice of another branch, and one of branch 10 paid at the bank."""
    app: Any = next(app for app in sandbox.apps if app.system == "syspro")
    tables = app.books("A").tables
    row = next(iter(tables.rows("ArInvoice", FIRST, FIRST)))
    tables.add("ArInvoice", {**row, "Invoice": "000000000990001", "Branch": "77"})
    tables.add("ArInvoice", {**row, "Invoice": "000000000990002", "TermsCode": "BT"})


def invoices(documents: Iterable[Mapping[str, object]]) -> list[str]:
    return sorted(str(row["document_id"]).split("|")[1].lstrip("0") for row in documents)


@pytest.mark.parametrize(
    ("only", "strangers"),
    [
        ((), {"990001", "990002"}),
        (ONLY[:1], {"990002"}),
        (ONLY[1:], {"990001"}),
        (ONLY, set()),
        # Nobody fills Area: a blank is not N. Letter case does not matter to the database.
        ((ErpCondition("Area", "NE", "N"),), {"990001", "990002"}),
        ((ErpCondition("Salesperson", "EQ", "web"),), {"990001", "990002"}),
    ],
)
def test_only_the_documents_that_fulfil_every_condition_come_back(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    only: tuple[ErpCondition, ...],
    strangers: set[str],
) -> None:
    own = invoices(open_syspro().reader.documents("A", FIRST, LAST))
    plant_strangers(sandbox)
    reader = open_syspro(return_rows=7).reader  # the conditions hold on every page
    assert invoices(reader.documents("A", FIRST, LAST, only)) == sorted([*own, *strangers])


def test_a_branch_that_does_not_exist_has_no_document(
    open_syspro: Callable[..., SysproAdapter],
) -> None:
    other = (ErpCondition("Branch", "EQ", "78"),)
    assert list(open_syspro().reader.documents("A", FIRST, LAST, other)) == []


def test_the_match_step_reads_only_the_merchants_own_documents(
    sandbox: Sandbox, store: MemoryEffectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("airflow")
    from tieout.tasks import day_step, settlement

    connection = {
        "conn_type": "syspro",
        "host": sandbox.syspro_url,
        "login": "TIEOUT_A",
        "password": "sandbox-A",
        "extra": {"company_id": "A", "base_currency": "USD"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_SYSPRO_A", json.dumps(connection))
    merchant = load_mappings().merchant("acme_us", date(2026, 11, 2))
    assert merchant.erp_documents == ONLY
    given: dict[str, Any] = {}
    nothing = MagicMock()  # the other stores: this step only hands them on
    nothing.merchant, nothing.effects = (lambda day: merchant), store
    nothing.days.get.return_value.state = "checked"
    monkeypatch.setattr(day_step, "tieout", lambda: nothing)
    monkeypatch.setattr(
        "include.services.match_lines.match_lines",
        lambda day, merchant, **kept: given.update(kept) or MagicMock(open_items=0),
    )
    plant_strangers(sandbox)
    settlement.match("acme_us|2026-10-25")
    found = invoices(given["documents"])
    assert len(found) > 10
    assert not {"990001", "990002"} & set(found)
