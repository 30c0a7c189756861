"""The sandbox's report list and downloads: what is there, when, and in which form."""

import gzip
import json
from datetime import date

from defusedxml.ElementTree import fromstring

from include.sandbox.cybersource import CybersourceApp
from include.sandbox.world import MERCHANTS
from tests.sandbox.calling import claims, get, request, target, token
from tests.sandbox.support import CLASSIC, DAY, WINDOWS, body, download, listed
from tests.sandbox.support import app as app


def test_the_list_shows_a_day_with_the_members_the_vendor_uses(app: CybersourceApp) -> None:
    found = listed(app, "acme_us", *WINDOWS["acme_us"])
    names = {entry["reportName"]: entry for entry in found}
    assert set(names) == {r.name for r in MERCHANTS["acme_us"].reports}
    entry = names[CLASSIC]
    assert entry["status"] == "COMPLETED"
    assert entry["reportStartTime"] == "2026-03-10T00:00:00-04:00"
    assert entry["reportEndTime"] == "2026-03-11T00:00:00-04:00"
    assert entry["timezone"] == "America/New_York"
    one = body(get(app, "acme_us", f"/reporting/v3/reports/{entry['reportId']}"))
    assert one["reportStatus"] == "COMPLETED"
    assert "status" not in one
    assert entry["_link"]["reportDownload"]["href"].endswith(
        f"reportDate=2026-03-11&reportName={CLASSIC}"
    )


def test_the_list_takes_filters(app: CybersourceApp) -> None:
    window = WINDOWS["acme_us"]
    (only,) = listed(app, "acme_us", *window, reportName=CLASSIC)
    assert only["reportName"] == CLASSIC
    assert listed(app, "acme_us", *window, reportStatus="ERROR") == []
    xml = listed(app, "acme_us", *window, reportMimeType="application/xml")
    assert {entry["reportMimeType"] for entry in xml} == {"application/xml"}
    ready = listed(
        app,
        "acme_us",
        "2026-03-11T05:00:00Z",
        "2026-03-11T07:00:00Z",
        timeQueryType="executedTime",
    )
    assert {entry["reportStartTime"][:10] for entry in ready} == {"2026-03-10"}


def test_a_window_of_23_hours_lists_exactly_its_day(app: CybersourceApp) -> None:
    found = listed(app, "acme_us", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z")
    assert {entry["reportStartTime"] for entry in found} == {"2026-03-08T00:00:00-05:00"}
    assert listed(app, "acme_us", "2026-03-08T05:00:01Z", "2026-03-09T04:00:00Z") == []


def test_wrong_parameters_are_400_and_name_the_field(app: CybersourceApp) -> None:
    for wanted, field in (
        (target("/reporting/v3/reports", startTime="2026-03-01T00:00:00Z"), "endTime"),
        (
            target("/reporting/v3/reports", startTime="2026-03-01", endTime="2026-03-02T00:00:00Z"),
            "startTime",
        ),
        (target("/reporting/v3/report-downloads", reportDate="2026-03-11"), "reportName"),
        (
            target("/reporting/v3/report-downloads", reportDate="20260311", reportName="x"),
            "reportDate",
        ),
    ):
        answer = get(app, "acme_us", wanted)
        assert answer.status == 400
        assert json.loads(answer.whole())["details"][0]["field"] == field


def test_the_report_date_is_the_day_the_window_ends_on(app: CybersourceApp) -> None:
    data = download(app, "acme_us", CLASSIC, DAY).whole()
    assert data.decode().splitlines()[0] == (
        f"acme_us,{CLASSIC},PaymentBatchDetail,1.10,"
        "2026-03-10T04:00:00Z to 2026-03-11T04:00:00Z,,,,,,,"
    )


def test_a_download_in_another_format_is_refused(app: CybersourceApp) -> None:
    assert download(app, "acme_us", CLASSIC, DAY, "application/xml").status == 400
    assert download(app, "acme_us", CLASSIC, DAY, "text/csv").content_type == "text/csv"


def test_a_download_is_compressed_when_accepted(app: CybersourceApp) -> None:
    wanted = target("/reporting/v3/report-downloads", reportDate="2026-03-11", reportName=CLASSIC)
    headers = {
        "authorization": f"Bearer {token(claims('GET', wanted, 'acme_us'), 'acme_us')}",
        "accept-encoding": "gzip, deflate",
        "accept": "text/csv",
    }
    packed = app.handle(request("GET", wanted, headers))
    assert ("Content-Encoding", "gzip") in packed.headers
    assert gzip.decompress(packed.whole()) == download(app, "acme_us", CLASSIC, DAY).whole()


def test_unknown_reports_and_days_without_data_are_404(app: CybersourceApp) -> None:
    assert download(app, "acme_us", "Nothing", DAY).status == 404
    assert download(app, "acme_us", CLASSIC, date(2025, 1, 1)).status == 404
    sunday = date(2026, 3, 15)
    assert download(app, "acme_us", "FundingDetailReport_Daily", sunday).status == 404
    states = {
        e["reportName"]: e["status"]
        for e in listed(app, "acme_us", "2026-03-15T04:00:00Z", "2026-03-16T04:00:00Z")
    }
    assert states["FundingDetailReport_Daily"] == "NO_DATA"
    assert states[CLASSIC] == "COMPLETED"
    wanted = target("/reporting/v3/report-downloads", reportDate="2026-03-16", reportName="Nothing")
    missing = get(app, "acme_us", wanted, "application/xml")
    assert fromstring(missing.whole()).tag == "errorBean"
