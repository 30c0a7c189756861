"""A site is measured by the command line, against the sandbox; what was found lets it go live."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete

from include.adapters.store import audit
from include.adapters.store.dead_letters import open_letter
from include.adapters.store.schema import dead_letters
from include.adapters.store.schema import effects as effect_table
from include.domain.errors import Rejected
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.wiring import Tieout
from tests.integration.play import SHOP, SKU, Play
from tieout import cli
from tieout.commands.login import signature
from tieout.desks.commissioned import demand_for_journals, demand_for_orders
from tieout.desks.order_desk import Desks
from tieout.desks.repair import replay_one
from tieout.tasks import effects

ANN = signature("ann")  # with the login that the tests run under

MERCHANT, ACCOUNT = "acme_us", "1160"
KEEP = [{"key": "_cybersource_keep_card", "value": "yes"}]
LATER = "2025-11-27T05:00:00Z"
AT = "2025-11-27T04:00:00Z"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what measures: a command's name and arguments in, its line out."""
    monkeypatch.setattr(cli, "tieout", lambda: play.desks.context)

    def measured(name: str, *arguments: str) -> dict[str, Any]:
        capsys.readouterr()
        code = cli.main(["commissioning", name, MERCHANT, *arguments])
        said = capsys.readouterr()
        assert code == 0, said.err
        (line,) = said.out.splitlines()  # it may be piped on: no log among it
        found: dict[str, Any] = json.loads(line)
        return found

    return measured


@pytest.fixture(scope="module")
def token(play: Play) -> str:
    payment = play.order(play.take(meta_data=KEEP)).facts.payment
    assert payment is not None
    assert payment.stored is not None
    return payment.stored.customer_token


def test_the_lag_of_the_search_is_measured_and_everything_released(
    play: Play, run: Run, token: str
) -> None:
    before = len(play.sandbox.ledger.rows(system="cybersource"))
    play.control("cybersource", index_lag_s=2.0)
    try:
        line = run("search-lag", "--token", token, "--samples", "12")
    finally:
        play.control("cybersource", index_lag_s=0.0)
    found = line["found"]
    assert (line["probe"], found["samples"], found["never_shown"]) == ("P2", 12, 0)
    assert 1_000 <= found["median_ms"] <= found["p99_ms"] <= found["longest_ms"] <= 10_000
    rows = [row for row in play.sandbox.ledger.rows(system="cybersource")[before:] if row.committed]
    verbs = [row.verb for row in rows]
    assert (verbs.count("authorization"), verbs.count("reversal")) == (12, 12)


def test_a_payment_that_is_never_shown_is_said_and_released(
    play: Play, run: Run, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(play.sandbox.ledger.rows(system="cybersource"))
    play.control("cybersource", index_lag_s=60.0)
    line = ["search-lag", MERCHANT, "--token", token, "--samples", "1", "--at-most", "2"]
    try:
        assert cli.main(["commissioning", *line]) == 1
    finally:
        play.control("cybersource", index_lag_s=0.0)
    assert "none of 1 payments was found in 2 s" in capsys.readouterr().err
    assert [row.verb for row in play.sandbox.ledger.rows(system="cybersource")[before:]] == [
        "authorization",
        "reversal",
    ]


@pytest.mark.parametrize(
    ("is_guarded", "is_named", "told"),
    [
        (True, True, "'INVALID_REQUEST INVALID_DATA' in clientReferenceInformation.transactionId"),
        (True, False, "answered no, as a second copy would be"),
        (False, True, "taken: a second payment"),
    ],
)
def test_a_repeat_is_recognised_or_is_a_second_payment_and_nothing_stays_held(
    play: Play, run: Run, token: str, is_guarded: bool, is_named: bool, told: str
) -> None:
    before = len(play.sandbox.ledger.rows(system="cybersource"))
    play.control("cybersource", mti_guard=is_guarded, names_fields=is_named)
    try:
        line = run("repeated-payment", "--token", token, "--after", "1", "2")
    finally:
        play.control("cybersource", mti_guard=True, names_fields=True)
    assert all(told in answer for answer in line["found"]["answers"].values())
    assert list(line["found"]["answers"]) == ["1", "2"]
    assert line["found"]["second_payments"] == (0 if is_guarded else 2)
    rows = [row for row in play.sandbox.ledger.rows(system="cybersource")[before:] if row.committed]
    verbs = [row.verb for row in rows]
    assert verbs.count("authorization") == verbs.count("reversal") == (1 if is_guarded else 3)
    in_doubt = [
        one for one in play.desks.context.effects.due(100, None) if "commissioning" in one[1]
    ]
    assert not in_doubt


def test_syspro_is_asked_whether_it_takes_a_po_twice(play: Play, run: Run) -> None:
    order_id = play.take()
    asked = ["--customer", play.order(order_id).facts.customer, "--stock-code", SKU]
    asked += ["--purchase-order", play.purchase_order(order_id), "--warehouse", "MAIN"]
    before = len(play.sandbox.ledger.rows(system="syspro"))
    found = run("repeated-order", *asked)["found"]
    assert found["is_refused"]
    assert not any(row.committed for row in play.sandbox.ledger.rows(system="syspro")[before:])


def test_the_longest_run_is_measured_by_its_answer_or_by_when_it_shows(
    play: Play, run: Run
) -> None:
    found = run("longest-run", "--account", ACCOUNT, "--lines", "500")["found"]
    assert found["is_answered"]
    assert found["lines"] == 500
    assert found["longest_ms"] > 0
    play.control("faults", system="syspro", match="GENTJL", fault="drop_after_commit")
    found = run("longest-run", "--account", ACCOUNT, "--lines", "11")["found"]
    assert (found["is_answered"], found["lines"]) == (False, 12)


def test_what_comes_to_nothing_leaves_no_letter(
    play: Play, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = {
        "not found": ["longest-run", MERCHANT, "--account", "9999"],
        "not approved": ["search-lag", MERCHANT, "--token", "0" * 32, "--samples", "1"],
        "is taken": ["closed-period", MERCHANT, "--account", ACCOUNT, "--on", "2026-11-03"],
        "as well": ["closed-period", MERCHANT, "--account", "9999", "--on", "2026-11-03"],
    }
    for words, line in lines.items():
        assert cli.main(["commissioning", *line]) == 1
        assert words in capsys.readouterr().err
    assert play.desks.context.dead_letters.listing() == []


def test_words_of_a_closed_period_the_longest_address_and_a_second_logon(run: Run) -> None:
    found = run("closed-period", "--account", ACCOUNT, "--on", "2025-01-15")["found"]
    assert found["is_recognised"]
    assert found["words"]
    found = run("longest-address", "--at-most", "9000")["found"]
    assert 8_900 <= found["taken"] <= 9_000
    assert found["refused"] is None
    found = run("longest-address")["found"]
    assert 16_000 < found["taken"] < found["refused"] < 16_500
    assert "400" in found["words"]
    assert run("second-logon")["found"]["first"] == "ended"


def test_unmeasured_no_replay_and_no_sweep_writes_the_ledger(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, desk = play.desks.context, play.desks.of(SHOP)
    live = Tieout(replace(sandbox.settings, mode="production", business_date=None))
    kind, at = EffectKind.gl_journal, live.clock.now()
    given = Effect(
        kind, "unmeasured", "TOUNMEASURED", "{}", "", desk.merchant.company_id, "USD", 1, "gl",
        intended_at=at, next_at=at,
    )  # fmt: skip
    live.effects.insert(given, "test")
    with live.store.begin() as connection:
        open_letter(
            connection, kind=kind.value, key=given.key, currency="USD", amount_minor=1, reason="r",
            next_action="Replay it.", owner="gl", now=at,
        )  # fmt: skip
    (letter,) = live.dead_letters.every(kind=kind.value)
    posted = len(play.sandbox.ledger.rows(system="syspro"))
    try:
        with pytest.raises(Rejected, match="P6"):
            replay_one(Desks(live), letter.dead_letter_id, "ann", via="cli")
        monkeypatch.setattr(effects, "tieout", lambda: live)
        with pytest.raises(ExceptionGroup) as swept:
            effects._sweep_journals()
        assert "P6" in str(swept.value.exceptions[0])
        left = live.effects.get(kind, given.key)
        assert left is not None
        assert (left.state, left.sends) == (EffectState.intended, 0)
        assert len(play.sandbox.ledger.rows(system="syspro")) == posted
    finally:
        with live.store.begin() as connection:
            for table in (effect_table, dead_letters):
                connection.execute(delete(table).where(table.c.key == given.key))


def test_a_line_is_recorded_signed_and_lets_production_write(
    play: Play, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox, desk = play.desks.context, play.desks.of(SHOP)
    live = Tieout(replace(sandbox.settings, mode="production", business_date=None))
    with pytest.raises(Rejected, match="P2: how late the gateway's search") as refused:
        demand_for_orders(live, desk.merchant, desk.gateway, desk.erp)
    assert "tieout.cli commissioning" in refused.value.do
    monkeypatch.setattr(cli, "tieout", lambda: live)

    def record(*facts: dict[str, Any]) -> int:
        lines = "\n".join(json.dumps({"measured_at": AT, **fact}) for fact in facts)
        monkeypatch.setattr("sys.stdin", io.StringIO(lines))
        return cli.main(["commissioning", "record", "--who", "ann"])

    gateway, erp = desk.merchant.cybersource_conn_id, desk.merchant.syspro_conn_id
    lag = {"samples": 9, "median_ms": 1, "p99_ms": 2, "longest_ms": 95_000, "never_shown": 0}
    run_of = {"lines": 2_000, "longest_ms": 950_000, "is_answered": True}
    wrong = {"probe": "P6", "connection": erp, "found": {**run_of, "longest_ms": 0.5}}
    search = {"probe": "P2", "connection": gateway, "found": lag}
    assert record(search, wrong) == 1
    assert "longest_ms" in capsys.readouterr().err
    assert live.commissioning.listing() == []  # all, or none
    order = {"probe": "P5", "connection": erp, "found": {"is_refused": True, "words": "Duplicate"}}
    long_run = {"probe": "P6", "connection": erp, "found": run_of}
    assert record({**order, "measured_at": "2199-01-01T00:00:00Z"}) == 1
    assert "still to come" in capsys.readouterr().err
    lost = {**search, "found": {**lag, "never_shown": 1}}
    assert record(lost, order, {**long_run, "measured_at": LATER}) == 0
    with pytest.raises(Rejected, match="1 were never shown"):
        demand_for_orders(live, desk.merchant, desk.gateway, desk.erp)
    assert record({**search, "measured_at": LATER}) == 0
    with pytest.raises(Rejected, match="look_gap_s is 60, yet it must outlast P2"):
        demand_for_orders(live, desk.merchant, desk.gateway, desk.erp)
    assert record({**search, "found": {**lag, "longest_ms": 50_000}, "measured_at": LATER}) == 0
    with pytest.raises(Rejected, match="quiescence_s is 900, yet it must outlast P6") as refused:
        demand_for_journals(live, desk.merchant.syspro_conn_id, desk.erp)
    assert "above 960" in refused.value.do
    shorter = {**long_run, "found": {**run_of, "longest_ms": 60_000}, "measured_at": LATER}
    assert record(shorter) == 0
    demand_for_journals(live, desk.merchant.syspro_conn_id, desk.erp)
    demand_for_orders(live, desk.merchant, desk.gateway, desk.erp)
    entries = audit.history(live.store, f"commissioning|{gateway}|P2")
    assert [(one.who, one.what) for one in entries] == [(f"cli:{ANN}", "fact recorded")] * 3
    capsys.readouterr()
    assert cli.main(["commissioning", "list"]) == 0
    shown = capsys.readouterr().out
    assert f"{erp}  P6" in shown
    assert '"longest_ms":60000' in shown
    assert "nowhere  P1" in shown
    assert cli.main(["commissioning", "second-logon", MERCHANT]) == 1
    assert "this is production" in capsys.readouterr().err
