"""Before a merchant goes live all is asked, against the sandbox; what is wrong is said once."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from airflow.models import Pool
from airflow.utils import db
from airflow.utils.session import create_session
from sqlalchemy import delete, select

import include.mappings.load as mappings_of
from include.adapters.syspro.master_data import MasterData
from include.domain.errors import Rejected
from include.wiring import Tieout
from tests.integration.play import SHOP, Play
from tieout import cli
from tieout.desks.syspro_pool import demand_slots

MERCHANT = "acme_us"


@pytest.fixture(scope="module", autouse=True)
def pool() -> None:
    """Airflow's database, with the pool of ``airflow_settings.yaml``."""
    db.initdb()
    save_pool(3)


def save_pool(slots: int) -> None:
    with create_session() as session:
        found = session.scalar(select(Pool).where(Pool.pool == "syspro"))
        found = found or Pool(pool="syspro", description="", include_deferred=False)
        found.slots = slots
        session.add(found)


@pytest.fixture
def master(play: Play) -> MasterData:
    found = play.desks.of(SHOP).erp.master_data
    assert found is not None
    return found


def look(
    context: Tieout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    merchant: str = MERCHANT,
) -> tuple[int, str]:
    monkeypatch.setattr(cli, "tieout", lambda: context)
    capsys.readouterr()
    code = cli.main(["preflight", merchant])
    return code, capsys.readouterr().out


def change(monkeypatch: pytest.MonkeyPatch, conn_id: str, **fields: str) -> None:
    name = f"AIRFLOW_CONN_{conn_id.upper()}"
    monkeypatch.setenv(name, json.dumps(json.loads(os.environ[name]) | fields))


def test_all_that_the_demo_needs_is_there_and_nothing_is_written(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len([row for row in play.sandbox.ledger.rows() if row.committed])
    code, said = look(play.desks.context, monkeypatch, capsys)
    assert code == 0, said
    assert "22 ok, 0 wrong, 0 not asked" in said
    for words in (
        "16 of template clearing",
        "4 of 2026-11-02 are listed",
        "3 of 3 are made as their layouts read them",
        "11/2026 is open",
    ):
        assert words in said
    assert "parts of kits: told of all kits (1)" in said
    assert len([row for row in play.sandbox.ledger.rows() if row.committed]) == before


def test_a_pool_that_is_missing_or_does_not_fit_is_named(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo's merchants have three companies, so three operators."""
    assert demand_slots(3) == "3 slots for 3 operators"
    for slots, words in ((-1, "-1 slots"), (2, "2 slots")):
        save_pool(slots)
        with pytest.raises(Rejected, match=f"{words}, and merchants.yaml names 3 SYSPRO conn"):
            demand_slots(3)
    with create_session() as session:
        session.execute(delete(Pool).where(Pool.pool == "syspro"))
    code, said = look(play.desks.context, monkeypatch, capsys)
    save_pool(3)
    assert code == 1
    assert "wrong      pool syspro: slots: Airflow has no such pool, so no task that speaks" in said
    assert "add it with 3 slots: one for each SYSPRO connection" in said


def test_a_shop_whose_template_clears_into_revenue_is_wrong(
    play: Play,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    copied = shutil.copytree(mappings_of.SHIPPED, tmp_path / "mappings")
    file = copied / "gl_templates.yaml"
    file.write_text(file.read_text().replace('"1150"', '"4000"'))
    context = Tieout(play.desks.context.settings)
    context.__dict__.update(mappings=mappings_of.load_mappings(copied))
    code, said = look(context, monkeypatch, capsys)
    assert code == 1
    assert "and 4000 is a revenue account: each would be booked twice" in said


def test_the_rate_of_a_foreign_receipt_is_named(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, said = look(play.desks.context, monkeypatch, capsys, "acme_uk")
    words = "acme_uk_web: rate of EUR: 0.868200 of fx_rates.yaml, for receipts and settlement"
    assert f"ok         syspro_b: {words}" in said


def test_one_cause_is_one_line(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change(monkeypatch, "syspro_a", password="nonsense")
    monkeypatch.delenv("AIRFLOW_CONN_BANK_DEFAULT")
    code, said = look(play.desks.context, monkeypatch, capsys)
    assert code == 1
    assert "wrong      syspro_a: logs on: " in said
    assert "not asked  syspro_a: GL accounts: syspro_a does not answer" in said
    assert "bank_default: address and key: Airflow finds no connection 'bank_default'" in said
    assert "13 ok, 2 wrong, 7 not asked" in said


def test_a_kit_whose_parts_nobody_tells_is_named(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "AIRFLOW_CONN_SYSPRO_A"
    found = json.loads(os.environ[name])
    found["extra"] |= {"bom_filter": "Route=9"}
    monkeypatch.setenv(name, json.dumps(found))
    code, said = look(play.desks.context, monkeypatch, capsys)
    assert code == 1
    assert "wrong      syspro_a: parts of kits: SYSPRO tells no parts of KIT-9001" in said


def test_a_report_that_is_made_with_other_signs_than_its_layout_reads_is_named(
    play: Play,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "mappings"
    shutil.copytree(Path(mappings_of.__file__).parent, folder)
    page = folder / "merchants.yaml"
    old, new = "layout: chargeback_and_retrieval_detail_csv\n", "layout: {}_unsigned\n"
    page.write_text(page.read_text().replace(old, new.format(old.split()[1]), 1))
    context = Tieout(play.desks.context.settings)
    context.mappings = mappings_of.load_mappings(folder)
    code, said = look(context, monkeypatch, capsys)
    assert code == 1
    assert (
        "signs of reports: ChargebackAndRetrievalDetailReport_Daily is made with signedAmounts; "
        "the layout chargeback_and_retrieval_detail_csv reads them so"
    ) in said


def test_a_store_that_is_away_is_an_answer_too(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    away = "postgresql+psycopg2://nobody:s3cret@127.0.0.1:1/none"
    context = Tieout(replace(play.desks.context.settings, store_url=away))
    code, said = look(context, monkeypatch, capsys)
    assert code == 1
    assert "wrong      store: schema: the store is needed, and it does not answer: Op" in said
    assert "not asked  store: trust: store does not answer" in said
    assert "ok         bank_default: address and key" in said
    assert cli.main(["dead-letters", "list"]) == 1
    told = capsys.readouterr().err
    assert told.endswith("The store does not answer: OperationalError. Look at TIEOUT_STORE_URL.\n")
    assert "s3cret" not in told


def test_a_live_trial_and_a_production_that_is_none_are_refused(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    context = play.desks.context
    live = Tieout(replace(context.settings, mode="production", business_date=None))
    for host, judged, words in (
        ("https://api.cybersource.com", context, "a trial moves real money"),
        ("https://api.in.cybersource.com", context, "a trial moves real money"),
        ("https://apitest.cybersource.com", live, "production settles at the test host"),
    ):
        change(monkeypatch, "cybersource_acme_us", host=host)
        code, said = look(judged, monkeypatch, capsys)
        assert code == 1
        assert f"cybersource_acme_us: host and mode: {words}" in said
    assert "commissioning: P2, P5 and P6: writing in production without P2" in said
    demo = "holds a secret of the demo, which everybody knows"
    assert f"wrong      connections: nothing of the demo: cybersource_acme_us: it {demo}" in said
    for name in ("syspro_a", "bank_default", "chat_default", "shop_acme_us_web"):
        assert f"; {name}: it {demo}" in said
    assert "sandbox-bank" not in said


def test_a_production_that_calls_back_into_private_networks_is_refused(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "AIRFLOW_CONN_CALLBACK_ACME_US_WEB"
    found = json.loads(os.environ[name])
    found["password"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    monkeypatch.setenv(name, json.dumps(found))
    live = Tieout(replace(play.desks.context.settings, mode="production", business_date=None))
    code, said = look(live, monkeypatch, capsys)
    assert code == 1
    assert "callback_acme_us_web: it lets callbacks into private networks (allow_local)" in said


def test_codes_that_syspro_does_not_have_are_named(master: MasterData) -> None:
    many = [str(code) for code in range(8_000, 8_030)]
    assert master.absent_accounts(["1160", "9999", "1000", *many]) == ["9999", *many]
    assert master.has_any("InvWarehouse", "Warehouse", "MAIN")
    assert not master.has_any("InvWarehouse", "Warehouse", "ELSEWHERE")
    master.demand_bank("BUS", "USD")
    for bank, currency, words in (("NONE", "USD", "bank NONE"), ("BUS", "EUR", "kept in USD")):
        with pytest.raises(Rejected, match=words):
            master.demand_bank(bank, currency)
