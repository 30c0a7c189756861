"""The reporting services that answer JSON: summaries, disputes, fundings, purchases and refunds.

Member names are those of the vendor's models. Every service answers 404 where it has nothing.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime

from include.sandbox.cybersource import members
from include.sandbox.cybersource.answers import (
    BadField,
    not_found,
    read_count,
    read_interval,
)
from include.sandbox.server import Request, Response
from include.sandbox.world import MERCHANTS, World
from include.sandbox.world.dates import DAY, local_date, utc_text
from include.sandbox.world.facts import decimal_text
from include.sandbox.world.files import sales_report
from include.sandbox.world.model import Dispute, Transaction
from include.sandbox.world.report_rows import dropped
from include.sandbox.world.settlement import SettlementDay

_LONGEST_DAYS = 31
_OLDEST_DAYS = 548  # 18 months


class Services:
    """Handlers of the JSON services; each takes the request and the merchant it may see."""

    def __init__(self, world: World) -> None:
        self.world = world

    def batch_summaries(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/payment-batch-summaries: counts and sums by currency and card."""
        start, end = read_interval(request)
        groups: dict[tuple[str, str], list[Transaction]] = {}
        for settled in self._batched(merchant, start, end):
            for line in self._current(merchant, settled):
                groups.setdefault((line.currency, line.card_type), []).append(line)
        rows = [
            members.batch_summary(merchant, start, end, key, lines)
            for key, lines in sorted(groups.items())
        ]
        return self._answer(request, start, end, {"paymentBatchSummaries": rows} if rows else {})

    def _batched(self, merchant: str, start: datetime, end: datetime) -> Iterator[SettlementDay]:
        for day in self._days(merchant, start, end):
            settled = self.world.settled(merchant, day)
            if start <= settled.closed_at < end:
                yield settled

    def _current(self, merchant: str, settled: SettlementDay) -> list[Transaction]:
        """Return the batch's lines as its report now says, each once."""
        version = self.world.version(merchant, sales_report(self.world, merchant), settled.day)
        gone = {t.request_id for t in dropped(settled, version)}
        return [line for line in settled.lines if line.request_id not in gone]

    def chargeback_details(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/chargeback-details."""
        start, end = read_interval(request, _LONGEST_DAYS * 24)
        days, trade = self._days(merchant, start, end), self.world.trade(merchant)
        notices = [n for day in days for n in trade.notices(day) if start <= n.at < end]
        cases = [*self._cases(merchant, start, end), *notices]
        rows = [members.dispute(merchant, case) for case in cases]
        return self._owned(request, merchant, start, end, "chargebackDetails", rows)

    def chargeback_summaries(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/chargeback-summaries."""
        start, end = read_interval(request, _LONGEST_DAYS * 24)
        days = [_local(merchant, case.at) for case in self._cases(merchant, start, end)]
        return self._counted(request, merchant, start, end, "chargebackSummaries", days)

    def retrieval_details(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/retrieval-details: an issuer asks, no money moves."""
        start, end = read_interval(request, _LONGEST_DAYS * 24)
        rows = [members.dispute(merchant, case) for case in self._retrievals(merchant, start, end)]
        for row in rows:
            row.pop("preDisputeFlag")
        return self._owned(request, merchant, start, end, "retrievalDetails", rows)

    def retrieval_summaries(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/retrieval-summaries."""
        start, end = read_interval(request, _LONGEST_DAYS * 24)
        days = [_local(merchant, case.at) for case in self._retrievals(merchant, start, end)]
        return self._counted(request, merchant, start, end, "retrievalSummaries", days)

    def net_fundings(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/net-fundings: what a window's batches come to."""
        start, end = read_interval(request, _LONGEST_DAYS * 24)
        batched = list(self._batched(merchant, start, end))
        rows: list[dict[str, object]] = []
        totals: dict[str, list[dict[str, str]]] = {}
        for currency in MERCHANTS[merchant].currencies if batched else ():
            for kind, sums, member in _NET_PARTS:
                minor = sum(sums(settled, currency) for settled in batched)
                count = sum(_count(kind, settled, currency) for settled in batched)
                text = decimal_text(minor, currency)
                rows.append(
                    {
                        "type": kind,
                        "paymentSubType": "ALL",
                        "conveyedCount": count,
                        "conveyedAmount": text,
                        "settledCount": count,
                        "fundedCount": count,
                        "fundedAmount": text,
                        "currencyCode": currency,
                    }
                )
                totals.setdefault(member, []).append({"currency": currency, "value": text})
            net = sum(settled.net(currency) for settled in batched)
            value = {"currency": currency, "value": decimal_text(net, currency)}
            totals.setdefault("netTotal", []).append(value)
        return self._answer(
            request, start, end, {"netFundingSummaries": rows, **totals} if rows else {}
        )

    def purchase_refunds(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/purchase-refund-details: paged; at most 31 days, within 18 months."""
        start, end = read_interval(request, _LONGEST_DAYS * 24)
        if (self.world.last - start.date()).days > _OLDEST_DAYS:
            raise BadField("startTime")
        offset = read_count(request, "offset", 0, 0, 10**9)
        limit = read_count(request, "limit", 2000, 1, 2000)
        view = request.query.get("viewBy", "requestDate")
        if view not in ("requestDate", "submissionDate"):
            raise BadField("viewBy")
        wanted = request.query.get("paymentSubtype", "ALL")
        lines = [
            (line, settled)
            for line, settled in self._viewed(merchant, start, end, view == "requestDate")
            if wanted in ("ALL", members.SUBTYPES[line.card_type])
        ]
        page = lines[offset : offset + limit]
        if not page:
            return not_found(request)
        body: dict[str, object] = {"offset": offset, "limit": limit, "pageResults": len(page)}
        fees = {f.transaction.request_id: f for _, s in page for f in s.fee_lines}
        makers: tuple[tuple[str, Callable[[Transaction, SettlementDay], dict[str, object]]], ...]
        makers = (
            ("requestDetails", members.request_detail),
            ("settlements", members.settlement),
            ("authorizations", members.authorization),
            ("settlementStatuses", members.settlement_status),
        )
        for member, make in makers:
            body[member] = [make(line, settled) for line, settled in page]
        body["others"] = [{"requestId": line.request_id} for line, _ in page]
        charged = [fees[line.request_id] for line, _ in page if line.request_id in fees]
        body["feeAndFundingDetails"] = [members.fee(fee) for fee in charged]
        return Response.of_json(body)

    def _viewed(
        self, merchant: str, start: datetime, end: datetime, by_request: bool
    ) -> Iterator[tuple[Transaction, SettlementDay]]:
        for day in self._days(merchant, start, end):
            settled = self.world.settled(merchant, day)
            failed = [members.unsettled(odd) for odd in settled.mysteries]
            for line in (*self._current(merchant, settled), *failed):
                if start <= (line.at if by_request else settled.closed_at) < end:
                    yield line, settled

    def conversions(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/conversion-details: less than a day at a time, as the plug-ins ask."""
        start, end = read_interval(request)
        if end - start >= DAY:
            raise BadField("endTime")
        rows: list[dict[str, object]] = [
            {
                "merchantReferenceNumber": c.reference,
                "conversionTime": utc_text(c.at),
                "requestId": c.request_id,
                "originalDecision": "REVIEW",
                "newDecision": c.new_decision,
                "reviewer": c.reviewer,
                "reviewerComments": c.comments,
                "queue": "Standard",
                "profile": "Default",
                "notes": [{"time": utc_text(c.at), "addedBy": c.reviewer, "comments": c.comments}],
            }
            for day in self._days(merchant, start, end)
            for c in self.world.trade(merchant).conversions(day)
            if start <= c.at < end
        ]
        return self._owned(request, merchant, start, end, "conversionDetails", rows)

    def interchange(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/interchange-clearing-level-details: where fees are known by line."""
        start, end = read_interval(request, _LONGEST_DAYS * 24)
        rows = [
            members.interchange(merchant, fee, settled)
            for settled in self._batched(merchant, start, end)
            for fee in settled.fee_lines
            if fee.transaction.kind != "refund"
        ]
        if not rows:
            return not_found(request)
        return Response.of_json(
            {
                "startDate": utc_text(start),
                "endDate": utc_text(end),
                "interchangeClearingLevelDetails": rows,
            }
        )

    def notices_of_change(self, request: Request, merchant: str) -> Response:
        """GET /reporting/v3/notification-of-changes: about bank accounts; there are only cards."""
        read_interval(request)
        return not_found(request)

    def _days(self, merchant: str, start: datetime, end: datetime) -> Iterator[date]:
        """Yield the settlement days that may touch an interval."""
        zone = MERCHANTS[merchant].zone
        day = max(local_date(start, zone) - DAY, self.world.start)
        while day <= min(local_date(end, zone) + DAY, self.world.last):
            yield day
            day += DAY

    def _cases(self, merchant: str, start: datetime, end: datetime) -> list[Dispute]:
        days = self._days(merchant, start, end)
        found = [c for day in days for c in self.world.settled(merchant, day).disputes]
        return [case for case in found if start <= case.at < end]

    def _retrievals(self, merchant: str, start: datetime, end: datetime) -> list[Dispute]:
        days = self._days(merchant, start, end)
        found = [c for day in days for c in self.world.trade(merchant).retrievals(day)]
        return [case for case in found if start <= case.at < end]

    def _owned(
        self,
        request: Request,
        merchant: str,
        start: datetime,
        end: datetime,
        member: str,
        rows: list[dict[str, object]],
    ) -> Response:
        body: dict[str, object] = {"organizationId": merchant, member: rows} if rows else {}
        return self._answer(request, start, end, body)

    def _counted(
        self,
        request: Request,
        merchant: str,
        start: datetime,
        end: datetime,
        member: str,
        days: list[date],
    ) -> Response:
        rows: list[dict[str, object]] = [
            {"count": days.count(day), "time": day.isoformat(), "accountId": merchant}
            for day in sorted(set(days))
        ]
        return self._owned(request, merchant, start, end, member, rows)

    def _answer(
        self, request: Request, start: datetime, end: datetime, body: dict[str, object]
    ) -> Response:
        if not body:
            return not_found(request)
        return Response.of_json({"startTime": utc_text(start), "endTime": utc_text(end), **body})


def _chargebacks_of(settled: SettlementDay, currency: str) -> int:
    return settled.disputed(currency)


def _fees_of(settled: SettlementDay, currency: str) -> int:
    return settled.fees(currency) + settled.chargeback_fees(currency)


_NET_PARTS: tuple[tuple[str, Callable[[SettlementDay, str], int], str], ...] = (
    ("PURCHASES", SettlementDay.gross, "totalPurchases"),
    ("REFUNDS", SettlementDay.refunded, "totalRefunds"),
    ("FEES", _fees_of, "totalFees"),
    ("CHARGEBACKS", _chargebacks_of, "totalChargebacks"),
)


def _count(kind: str, settled: SettlementDay, currency: str) -> int:
    lines = [line for line in settled.lines if line.currency == currency]
    if kind == "PURCHASES":
        return sum(line.kind != "refund" for line in lines)
    if kind == "REFUNDS":
        return sum(line.kind == "refund" for line in lines)
    if kind == "CHARGEBACKS":
        return sum(case.currency == currency for case in settled.disputes)
    return len(lines)


def _local(merchant: str, at: datetime) -> date:
    return local_date(at, MERCHANTS[merchant].zone)
