"""The report list, one report, downloads, definitions and schemas."""

import gzip
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from include.sandbox.cybersource.answers import (
    BadField,
    not_found,
    read_date,
    read_interval,
)
from include.sandbox.cybersource.desk import Desk
from include.sandbox.server import Request, Response
from include.sandbox.world import MERCHANTS, MerchantFacts, ReportFacts, World
from include.sandbox.world.dates import (
    DAY,
    day_number,
    day_of_number,
    local_date,
    local_instant,
    local_window,
    utc_text,
)

_READY_AFTER = timedelta(hours=2)  # of the window's end; the vendor says within six
_DTDS = {
    "pbdr": "Report (Requests)",
    "cdr": "Report (Conversion*)",
    "ctdr": "Report (Conversion*)",
    "tdr": "Report (Requests)",
}


class Catalog:
    """Handlers of the reporting service that are about reports as files."""

    def __init__(self, world: World, desk: Desk) -> None:
        self.world, self.desk = world, desk

    def search(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/reports."""
        start, end = read_interval(request)
        kind = request.query.get("timeQueryType", "")
        if not kind:
            raise BadField("timeQueryType", "MISSING_FIELD")
        if kind not in ("reportTimeFrame", "executedTime"):
            raise BadField("timeQueryType")
        found = [
            self._entry(MERCHANTS[merchant], report, day)
            for day in self._days(MERCHANTS[merchant], kind, start, end)
            for report in MERCHANTS[merchant].reports
        ]
        kept = [entry for entry in found if _is_wanted(entry, request)]
        return Response.of_json({"reportSearchResults": kept}) if kept else not_found(request)

    def _days(
        self, facts: MerchantFacts, kind: str, start: datetime, end: datetime
    ) -> Iterator[date]:
        day = max(local_date(start, facts.zone) - DAY * 2, self.world.start)
        while day <= min(local_date(end, facts.zone), self.world.last):
            opened, closed = local_window(day, facts.zone)
            done = closed + _READY_AFTER
            is_inside = start < opened and closed < end  # the harsher reading: none is published
            if is_inside if kind == "reportTimeFrame" else start <= done <= end:
                yield day
            day += DAY

    def _entry(self, facts: MerchantFacts, report: ReportFacts, day: date) -> dict[str, object]:
        entry = self._facts(facts, report, day)
        entry["status"] = self.desk.state(facts.organization_id, report.name, day)
        entry["subscriptionType"] = report.subscription
        path = "/reporting/v3/report-downloads"
        query = f"organizationId={facts.organization_id}&reportDate={day + DAY}"
        href = f"{path}?{query}&reportName={report.name}"
        entry["_link"] = {"reportDownload": {"href": href, "method": "GET"}}
        return entry

    def _facts(self, facts: MerchantFacts, report: ReportFacts, day: date) -> dict[str, object]:
        closed = local_window(day, facts.zone)[1]
        done = closed + _READY_AFTER
        return {
            "reportId": _report_id(facts, report, day),
            "reportName": report.name,
            "reportDefinitionId": str(report.definition_id),
            "reportMimeType": report.mime_type,
            "reportFrequency": "DAILY",
            "reportStartTime": _local_text(day, facts.zone),
            "reportEndTime": _local_text(day + DAY, facts.zone),
            "timezone": facts.zone,
            "organizationId": facts.organization_id,
            "queuedTime": utc_text(closed + timedelta(minutes=5)),
            "reportGeneratingTime": utc_text(done - timedelta(minutes=10)),
            "reportCompletedTime": utc_text(done),
        }

    def one(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/reports/{id}: here the state is called reportStatus."""
        found = _read_report_id(request.match["report_id"], merchant)
        if found is None or not self.world.has(found[1]):
            return not_found(request)
        report, day = found
        entry = self._facts(MERCHANTS[merchant], report, day)
        entry["reportStatus"] = self.desk.state(merchant, report.name, day)
        entry["reportPreferences"] = _preferences(report)
        return Response.of_json(entry)

    def subscriptions(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/report-subscriptions."""
        facts = MERCHANTS[merchant]
        found = [_subscription(facts, report) for report in facts.reports]
        return Response.of_json({"subscriptions": found})

    def subscription(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/report-subscriptions/{reportName}."""
        facts, name = MERCHANTS[merchant], request.match["name"]
        report = next((r for r in facts.reports if r.name == name), None)
        return Response.of_json(_subscription(facts, report)) if report else not_found(request)

    def download(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/report-downloads: ``reportDate`` is the day the window ends on."""
        ends_on = read_date(request, "reportDate")
        name = request.query.get("reportName", "")
        if not name:
            raise BadField("reportName", "MISSING_FIELD")
        report = next((r for r in MERCHANTS[merchant].reports if r.name == name), None)
        day = ends_on - DAY
        if report is None or not self.world.has(day):
            return not_found(request)
        if not _accepts(request, report.mime_type):
            raise BadField("Accept")
        data = self.desk.deliver(merchant, name, day)
        if data is None:
            return not_found(request)
        response = Response(200, data, report.mime_type)
        if "gzip" in request.headers.get("accept-encoding", ""):
            response.body = gzip.compress(data, 6, mtime=0)
            response.headers.append(("Content-Encoding", "gzip"))
        return response

    def definitions(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/report-definitions."""
        wanted = request.query.get("subscriptionType", "CUSTOM")
        found = {
            r.definition_id: _definition(r)
            for r in MERCHANTS[merchant].reports
            if r.subscription == wanted
        }
        if not found:
            return not_found(request)
        return Response.of_json({"reportDefinitions": list(found.values())})

    def definition(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/report-definitions/{name}: with the columns of this account."""
        name = request.match["name"]
        report = next((r for r in MERCHANTS[merchant].reports if r.definition == name), None)
        if report is None:
            return not_found(request)
        columns = self.world.report(merchant, report.name, self.world.start).columns
        attributes = [
            {"id": str(n), "name": c, "description": c, "default": True, "required": n < 4}
            for n, c in enumerate(columns)
        ]
        return Response.of_json({**_definition(report), "attributes": attributes})

    def schema(self, request: Request) -> Response:
        """GET /reporting/v3/dtds/{name} and xsds/{name}: open to everybody."""
        name = request.match["name"].partition("-")[0]
        model = _DTDS.get(name)
        if model is None:
            return not_found(request)
        if request.match["kind"] == "dtds":
            text = f"<!ELEMENT {model}>\n<!-- written for the sandbox -->\n"
            return Response.of_text(text, 200, "application/xml-dtd")
        text = (
            '<?xml version="1.0" encoding="utf-8"?>\n'
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
            '<xs:element name="Report"/></xs:schema>\n'
        )
        return Response.of_text(text, 200, "application/xml")


def _is_wanted(entry: dict[str, object], request: Request) -> bool:
    filters = (
        ("reportMimeType", "reportMimeType"),
        ("reportFrequency", "reportFrequency"),
        ("reportName", "reportName"),
        ("reportDefinitionId", "reportDefinitionId"),
        ("reportStatus", "status"),
    )
    return all(
        request.query.get(parameter, entry[member]) == entry[member]
        for parameter, member in filters
    )


def _accepts(request: Request, mime_type: str) -> bool:
    """Say whether the caller asked for the format the report was generated in."""
    wanted = request.headers.get("accept", "*/*")
    names = [part.partition(";")[0].strip() for part in wanted.split(",")]
    return mime_type in names or names == ["*/*"]


def _definition(report: ReportFacts) -> dict[str, object]:
    return {
        "type": "transactionReport",
        "reportDefinitionId": report.definition_id,
        "reportDefintionName": report.definition,  # the vendor's spelling
        "supportedFormats": ["text/csv", "application/xml"],
        "description": report.title,
        "defaultSettings": {"reportMimeType": report.mime_type, "reportFrequency": "DAILY"},
        "subscriptionType": report.subscription,
    }


def _preferences(report: ReportFacts) -> dict[str, object]:
    """Classic reports have no signs; see ``world.reports``."""
    return {"signedAmounts": report.subscription != "CLASSIC", "fieldNameConvention": "SOAPI"}


def _subscription(facts: MerchantFacts, report: ReportFacts) -> dict[str, object]:
    return {
        "organizationId": facts.organization_id,
        "reportDefinitionId": str(report.definition_id),
        "reportDefinitionName": report.definition,
        "reportMimeType": report.mime_type,
        "reportFrequency": "DAILY",
        "reportName": report.name,
        "timezone": facts.zone,
        "startDay": 1,
        "reportPreferences": _preferences(report),
    }


def _local_text(day: date, zone: str) -> str:
    return local_instant(day, 0, 0, zone).astimezone(ZoneInfo(zone)).isoformat()


def _report_id(facts: MerchantFacts, report: ReportFacts, day: date) -> str:
    index = facts.reports.index(report)
    return f"6d9c{facts.number:02x}{index:02x}-0e97-2d03-{day_number(day):04x}-7cb8d30af52e"


def _read_report_id(text: str, merchant: str) -> tuple[ReportFacts, date] | None:
    facts = MERCHANTS[merchant]
    try:
        index, number = int(text[6:8], 16), int(text[19:23], 16)
        report, day = facts.reports[index], day_of_number(number)
    except (ValueError, IndexError):
        return None
    return (report, day) if _report_id(facts, report, day) == text else None
