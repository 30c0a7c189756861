"""``open-items`` on the command line, on both databases: shown, resolved, refused, audited."""

from datetime import date
from pathlib import Path

import pytest

from include.adapters.store import audit
from include.domain.matching import Cause
from include.domain.money import Money
from include.domain.open_items import OpenItem, Stage
from include.domain.settlement import SettlementDay
from include.wiring import Settings, Tieout
from tieout import cli
from tieout.commands.login import signature

ADA = signature("ada")  # with the login that the tests run under

DAY = SettlementDay("acme_us", date(2026, 10, 31))
LATER = SettlementDay("acme_uk", date(2026, 11, 1))


def item(day: SettlementDay, cause: Cause, what: str, minor: int | None) -> OpenItem:
    stage = Stage.fund if cause is Cause.short_funding else Stage.match
    money = None if minor is None else Money(minor, "USD")
    return OpenItem.found(
        day, stage, cause, what, "ar@acme.example",
        money=money, why=f"found {what}", do=f"do {what}",
    )  # fmt: skip


MISSING = item(DAY, Cause.missing_in_erp, "ORD-1", 1234)
UNREADABLE = item(DAY, Cause.unreadable_line, "x:1", None)
SHORT = item(LATER, Cause.short_funding, "B1", -500)


@pytest.fixture
def context(migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tieout:
    found = Tieout(Settings(migrated_url, tmp_path / "lake", "sandbox"))
    monkeypatch.setattr(cli, "tieout", lambda: found)
    for one in (MISSING, UNREADABLE, SHORT):
        found.open_items.open([one])
    return found


def said(capsys: pytest.CaptureFixture[str], *line: str) -> str:
    assert cli.main(["open-items", *line]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *line: str) -> str:
    assert cli.main(["open-items", "resolve", "--reason", "r", "--who", "ada", *line]) == 1
    return capsys.readouterr().err


def test_the_list_shows_number_amount_and_what_to_do(
    context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = said(capsys, "list").splitlines()
    assert lines[0] == ("     1  2026-10-31  acme_us  missing_in_erp  12.34 USD  ar@acme.example")
    assert lines[1:3] == ["        found ORD-1", "        -> do ORD-1"]
    assert "amount not known" in lines[3]
    assert lines[-1] == "3 open"


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (("--merchant", "acme_uk"), 3),
        (("--cause", "missing_in_erp"), 1),
        (("--day", "2026-11-01"), 3),
        (("--merchant", "acme_us", "--cause", "unreadable_line", "--day", "2026-10-31"), 2),
    ],
)
def test_the_list_is_narrowed(
    line: tuple[str, ...], number: int, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = said(capsys, "list", *line).splitlines()
    assert lines[0].split()[0] == str(number)
    assert lines[-1] == "1 open"


def test_several_are_resolved_at_once_by_number_or_key_and_each_is_audited(
    context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["resolve", "1", SHORT.item_key, "--reason", "paid by cheque", "--who", "ada"]
    told = said(capsys, *line).splitlines()
    assert told == [
        f"open item 1 (acme_us, 2026-10-31, missing_in_erp, 12.34 USD) resolved by {ADA}",
        f"open item 3 (acme_uk, 2026-11-01, short_funding, -5.00 USD) resolved by {ADA}",
    ]
    for one in (MISSING, SHORT):
        (entry,) = audit.history(context.store, f"open_item|{one.item_key}")
        assert (entry.who, entry.what) == (f"cli:{ADA}", "open item resolved")
        assert "paid by cheque" in entry.detail
    assert audit.verify(context.store).is_unbroken
    shown = said(capsys, "list", "--state", "resolved")
    assert f"resolved by {ADA}" in shown
    assert shown.splitlines()[-1] == "2 resolved"
    assert said(capsys, "list").splitlines()[-1] == "1 open"


def test_an_item_named_twice_is_resolved_once(
    context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, "resolve", "1", "01", MISSING.item_key, "--reason", "r", "--who", "ada")
    assert len(told.splitlines()) == 1
    assert len(audit.history(context.store, f"open_item|{MISSING.item_key}")) == 1


def test_an_unknown_item_resolves_none_of_those_named(
    context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    said_so = refused(capsys, "1", "99", "acme_us|nothing", "9" * 30)
    assert f"there is no open item 99, acme_us|nothing, {'9' * 30}" in said_so
    assert said(capsys, "list").splitlines()[-1] == "3 open"


def test_a_resolved_item_is_refused_and_the_first_resolution_stands(
    context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "resolve", "1", "--reason", "paid by cheque", "--who", "ada")
    assert f"open item 1 was resolved by '{ADA}': 'paid by cheque'" in refused(capsys, "2", "1")
    assert said(capsys, "list").splitlines()[-1] == "2 open"


@pytest.mark.parametrize(("reason", "who"), [(" ", "ada"), ("r", "tieout match")])
def test_a_reason_and_a_person_are_needed(
    reason: str, who: str, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["open-items", "resolve", "1", "--reason", reason, "--who", who]) == 1
    assert said(capsys, "list").splitlines()[-1] == "3 open"


def test_what_a_person_resolved_stays_resolved_when_its_day_runs_again(
    context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "resolve", "1", "3", "--reason", "paid by cheque", "--who", "ada")
    items = context.open_items
    for _ in range(2):
        items.replace_findings(DAY, "match", [MISSING])
        items.replace_findings(DAY, "match", [])
        items.open([SHORT])
        items.resolve([SHORT.item_key], resolved_by="tieout fund", resolution="explained")
    shown = said(capsys, "list", "--state", "resolved")
    assert shown.count(f"resolved by {ADA}") == 2
    assert "tieout fund" not in shown
