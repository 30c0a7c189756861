"""``dispute-answered`` on the command line: who said it lands in the audit chain."""

from datetime import date
from pathlib import Path

import pytest

from include.adapters.store import audit
from include.domain.dispute_cases import DisputeEvent, DisputeEventKind, disputes_of
from include.domain.settlement import SettlementDay
from include.wiring import Settings, Tieout
from tieout import cli
from tieout.commands.login import signature

ADA = signature("ada")  # with the login that the tests run under


@pytest.fixture
def context(migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tieout:
    found = Tieout(Settings(migrated_url, tmp_path / "lake", "sandbox"))
    monkeypatch.setattr(cli, "tieout", lambda: found)
    day = SettlementDay("acme_us", date(2026, 10, 31))
    taken = DisputeEvent(
        *("acme_us", day.settlement_date, "CASE-17", DisputeEventKind.chargeback, "USD", -8000),
        source="f:3",
        answer_by=date(2026, 11, 20),
    )
    found.disputes.read_day(day, [taken])
    return found


def test_a_person_says_that_a_dispute_was_contested(
    context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["dispute-answered", "acme_us", "CASE-17", "--on", "2026-11-18", "--who", "ada"]
    assert cli.main(line) == 0
    assert "CASE-17 was contested on 2026-11-18" in capsys.readouterr().out
    (dispute,) = disputes_of(context.disputes.events("acme_us"))
    assert dispute.answered_on == date(2026, 11, 18)
    (entry,) = audit.history(context.store, "dispute|acme_us|CASE-17")
    assert (entry.who, entry.what) == (f"cli:{ADA}", "dispute answered")


def test_an_unknown_case_is_a_sentence(context: Tieout, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dispute-answered", "acme_us", "CASE-9", "--on", "2026-11-18"]) == 1
    assert "no dispute 'CASE-9' of acme_us is open" in capsys.readouterr().err
