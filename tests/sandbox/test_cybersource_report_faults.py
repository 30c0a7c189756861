"""Planted faults of report files: states, duplicates, truncated and malformed ones."""

from datetime import date, timedelta

import pytest
from defusedxml.ElementTree import fromstring

from include.sandbox.cybersource import CybersourceApp
from include.sandbox.world import MERCHANTS
from tests.sandbox.support import CLASSIC, DAY, WINDOWS, download, listed, rows
from tests.sandbox.support import app as app


def test_control_sets_states_and_refuses_unknown_ones(app: CybersourceApp) -> None:
    facts = {
        "organization_id": "acme_us",
        "report_name": CLASSIC,
        "settlement_date": DAY.isoformat(),
    }
    app.control("report_state", {**facts, "state": "PENDING"})
    (entry,) = listed(app, "acme_us", *WINDOWS["acme_us"], reportName=CLASSIC)
    assert entry["status"] == "PENDING"
    assert download(app, "acme_us", CLASSIC, DAY).status == 404
    app.control("report_state", {**facts, "state": "COMPLETED"})
    assert download(app, "acme_us", CLASSIC, DAY).status == 200
    with pytest.raises(ValueError, match="no report state"):
        app.control("report_state", {**facts, "state": "LOST"})
    with pytest.raises(ValueError, match="no report 'x'"):
        app.control("restate", {**facts, "report_name": "x"})
    assert app.control("periods", {}) is None


def planted(app: CybersourceApp, word: str) -> tuple[str, str, date]:
    for merchant in MERCHANTS:
        for n in range(1, 100):
            day = date(2026, 3, 1) + timedelta(days=n)
            found = app.world.file_fault(merchant, day)
            if found and found[1] == word:
                return merchant, found[0], day
    raise AssertionError(f"{word} is nowhere planted")


def accept_of(merchant: str) -> str:
    return MERCHANTS[merchant].reports[0].mime_type


def test_a_duplicate_file_is_yesterdays_once(app: CybersourceApp) -> None:
    merchant, name, day = planted(app, "duplicate_file")
    accept = accept_of(merchant)
    app.desk.redeliver(merchant, name, day - timedelta(days=1))
    yesterday = download(app, merchant, name, day - timedelta(days=1), accept).whole()
    assert download(app, merchant, name, day, accept).whole() == yesterday
    assert download(app, merchant, name, day, accept).whole() != yesterday


def test_redeliver_makes_the_first_download_right(app: CybersourceApp) -> None:
    merchant, name, day = planted(app, "duplicate_file")
    facts = {"organization_id": merchant, "report_name": name, "settlement_date": str(day)}
    app.control("redeliver", facts)
    first = download(app, merchant, name, day, accept_of(merchant)).whole()
    assert first == download(app, merchant, name, day, accept_of(merchant)).whole()


def test_a_truncated_file_ends_inside_a_line_once(app: CybersourceApp) -> None:
    merchant, name, day = planted(app, "truncated_file")
    cut = download(app, merchant, name, day, accept_of(merchant)).whole()
    whole = download(app, merchant, name, day, accept_of(merchant)).whole()
    assert whole.startswith(cut)
    assert len(cut) < len(whole)
    assert cut[-1:] not in (b"\n", b"\r")
    assert whole[len(cut) : len(cut) + 1] not in (b"\n", b"\r")


def test_every_csv_report_is_rectangular(app: CybersourceApp) -> None:
    for merchant, facts in MERCHANTS.items():
        for report in facts.reports:
            app.desk.redeliver(merchant, report.name, DAY)
            answer = download(app, merchant, report.name, DAY, report.mime_type)
            if answer.status == 404:
                assert not app.world.has_rows(merchant, report.name, DAY)
            elif report.mime_type == "text/csv":
                assert rows(answer.whole())
            else:
                assert fromstring(answer.whole(), forbid_dtd=False).tag.endswith("}Report")


def test_the_review_report_keeps_its_malformed_dates(app: CybersourceApp) -> None:
    name = "ConversionDetailReport_Daily_Classic"
    days = (DAY + timedelta(days=n) for n in range(20))
    day = next(d for d in days if app.world.has_rows("acme_us", name, d))
    root = fromstring(
        download(app, "acme_us", name, day, "application/xml").whole(), forbid_dtd=False
    )
    assert root.get("ReportStartDate") == f"{day}T04:00:00Z+00:00"
    assert root.get("MerchantID") == "acme_us"
