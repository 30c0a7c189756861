"""The truth about planted faults, by settlement day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from include.sandbox.world import dates, files
from include.sandbox.world.after_sale import ANSWER_DAYS, REVERSAL_LAGS
from include.sandbox.world.facts import DRIFT_BPS, decimal_text, share
from include.sandbox.world.model import Dispute, Label, Order, Transaction
from include.sandbox.world.settlement import SettlementDay, expected_row_minor

if TYPE_CHECKING:
    from include.sandbox.world.world import World

SLA_DAYS = 2  # a document without line is expected for so long, then missing
CLOSED_DAYS = 2  # the last days of a month are those whose period closes early


def labels(world: World, merchant: str, day: date) -> list[Label]:
    """Return every label whose fault can first be seen on this settlement day."""
    if not world.has(day):
        return []
    settled = world.settled(merchant, day)
    found: list[Label] = []
    for order in world.orders(merchant, day):
        found += _of_document(merchant, day, order)
    for line in settled.captures:
        found += _of_line(merchant, settled, line, settled.orders[line.request_id])
    found += _of_refunds(merchant, settled)
    found += _of_fees(merchant, settled)
    found += _of_disputes(merchant, settled)
    found += _of_deadlines(world, merchant, day, settled)
    found += _of_mysteries(world, merchant, settled)
    found += _of_calendar(world, merchant, day, settled)
    found += _of_files(world, merchant, day)
    found += _of_funding(world, merchant, day)
    return found


def _of_document(merchant: str, day: date, order: Order) -> Iterator[Label]:
    """Label the orders whose document is seen before its line, or without."""
    if order.fault not in ("missing_in_settlement", "late"):
        return
    (document,) = order.documents
    settled = [t for t in order.transactions if t.settlement_date is not None]
    resolves_on = settled[0].settlement_date if settled else None
    late_days = (resolves_on - day).days if resolves_on else 0
    is_expected = order.fault == "late" and late_days <= SLA_DAYS
    yield Label(
        order.fault,
        merchant,
        day,
        "expected" if is_expected else "missing_in_settlement",
        resolves_on,
        order.reference,
        settled[0].request_id if settled else None,
        document.document_id,
        currency=document.currency,
        amount_minor=document.amount_minor,
        detail={"days_late": late_days, "is_inside_sla": is_expected},
    )


def _of_line(
    merchant: str, settled: SettlementDay, line: Transaction, order: Order
) -> Iterator[Label]:
    """Label what is wrong with one settled line; each fault once, with its first line."""
    word = order.fault
    if word not in (
        "missing_in_erp",
        "wrong_amount",
        "wrong_currency",
        "duplicate_line",
        "partial_capture",
        "identical_amounts",
        "month_end_across_batch",
    ):
        return
    if word == "partial_capture" and line is not order.captured:
        return
    document = order.documents[0] if order.documents else None
    has_cause = word not in ("identical_amounts", "month_end_across_batch")
    resolves_on, detail = _rest_of(order, line) if word == "partial_capture" else (None, {})
    if document and word in ("wrong_amount", "wrong_currency"):
        detail = {
            "document_currency": document.currency,
            "document_minor": document.amount_minor,
            "line_minor": line.amount_minor,
        }
    if word == "identical_amounts":
        detail = dict(order.facts)
    if word == "month_end_across_batch" and document:
        detail = {"document_date": document.day, "captured_on": order.placed}
        resolves_on = settled.day
    yield Label(
        word,
        merchant,
        settled.day,
        word if has_cause else "",
        resolves_on,
        line.reference,
        line.request_id,
        document.document_id if document else None,
        settled.batch(line.currency),
        currency=line.currency,
        amount_minor=line.amount_minor,
        detail=detail,
    )


def _rest_of(order: Order, line: Transaction) -> tuple[date | None, dict[str, object]]:
    parts = [t for t in order.transactions if t.settlement_date is not None]
    rest = parts[1] if len(parts) > 1 else None
    authorized = line.authorized_minor or 0
    return rest.settlement_date if rest else None, {
        "authorized_minor": authorized,
        "captured_minor": line.amount_minor,
        "open_minor": authorized - line.amount_minor,
        "rest_request_id": rest.request_id if rest else "",
    }


def _of_refunds(merchant: str, settled: SettlementDay) -> Iterator[Label]:
    for refund in settled.refunds:
        if not refund.fault:
            continue
        line = refund.transaction
        has_cause = refund.fault == "refund_without_reference"
        yield Label(
            refund.fault,
            merchant,
            settled.day,
            refund.fault if has_cause else "",
            None,
            line.reference,
            line.request_id,
            refund.document.document_id,
            settled.batch(line.currency),
            currency=line.currency,
            amount_minor=line.signed_minor,
            detail={
                "order_reference": refund.of.reference,
                "captured_minor": refund.of.captured.amount_minor,
                "capture_request_id": refund.of.captured.request_id,
            },
        )


def _of_fees(merchant: str, settled: SettlementDay) -> Iterator[Label]:
    for fee in (f for f in settled.fee_lines if f.is_drifted):
        line = fee.transaction
        scheduled = fee.interchange_bps - DRIFT_BPS
        expected = share(line.amount_minor, scheduled)
        yield Label(
            "fee_drift",
            merchant,
            settled.day,
            "fee_drift",
            merchant_reference=line.reference,
            request_id=line.request_id,
            batch_id=settled.batch(line.currency),
            currency=line.currency,
            amount_minor=fee.interchange_minor - expected,
            detail={"charged_minor": fee.interchange_minor, "expected_minor": expected},
        )
    for row in (r for r in settled.fee_rows if r.is_drifted):
        expected = expected_row_minor(row)
        yield Label(
            "fee_drift",
            merchant,
            settled.day,
            "fee_drift",
            batch_id=settled.batch(row.currency),
            currency=row.currency,
            amount_minor=row.total_minor - expected,
            detail={
                "fee_type": row.fee_type,
                "card_type": row.card_type,
                "charged_minor": row.total_minor,
                "expected_minor": expected,
            },
        )


def _of_disputes(merchant: str, settled: SettlementDay) -> Iterator[Label]:
    for case in settled.disputes:
        if not case.is_unknown and case.kind != "reversal":
            continue
        word = "chargeback_on_unknown_capture" if case.is_unknown else "chargeback_reversal"
        yield Label(
            word,
            merchant,
            settled.day,
            word if case.is_unknown else "",
            merchant_reference=case.reference,
            request_id=case.request_id,
            batch_id=settled.batch(case.currency),
            currency=case.currency,
            amount_minor=case.signed_minor,
            detail={"case_number": case.case_number, "reason_code": case.reason_code},
        )


def _of_deadlines(
    world: World, merchant: str, day: date, settled: SettlementDay
) -> Iterator[Label]:
    """Label chargebacks that come without a deadline, and those whose deadline has just passed."""
    for case in settled.disputes:
        is_contested = case.answered_at is not None
        if case.kind == "chargeback" and case.answer_by is None and not is_contested:
            yield _of_deadline("dispute_deadline_unknown", merchant, day, case, None)
    taken_on = day - timedelta(days=ANSWER_DAYS + 1)
    if not world.has(taken_on) or not settled.facts.has_disputes:
        return
    won = _reversed(world, merchant, taken_on)
    for case in world.settled(merchant, taken_on).disputes:
        is_contested = case.answered_at is not None
        if case.kind != "chargeback" or case.answer_by is None or is_contested:
            continue
        won_on = won.get(case.case_number)
        if won_on is None or won_on > day:
            yield _of_deadline("dispute_deadline_passed", merchant, day, case, won_on)


def _reversed(world: World, merchant: str, taken_on: date) -> dict[str, date]:
    """Return on which day each case of a day is given back."""
    days = [taken_on + timedelta(days=lag) for lag in REVERSAL_LAGS]
    return {
        case.case_number: on
        for on in days
        for case in world.settled(merchant, on).disputes
        if case.kind == "reversal"
    }


def _of_deadline(
    word: str, merchant: str, day: date, case: Dispute, resolves_on: date | None
) -> Label:
    return Label(
        word,
        merchant,
        day,
        word,
        resolves_on,
        case.reference,
        case.request_id,
        currency=case.currency,
        amount_minor=case.signed_minor,
        detail={"case_number": case.case_number, "answer_by": case.answer_by},
    )


def _of_mysteries(world: World, merchant: str, settled: SettlementDay) -> Iterator[Label]:
    is_acquirer = settled.facts.fee_kind == "acquirer"
    for odd in settled.mysteries:
        yield Label(
            "unknown_record_type",
            merchant,
            settled.day,
            "unknown_record_type",
            merchant_reference=None if is_acquirer else odd.reference,
            request_id=odd.request_id,
            report_name="" if is_acquirer else files.sales_report(world, merchant),
            currency=odd.currency,
            amount_minor=odd.amount_minor,
            detail={"type": "Z" if is_acquirer else "ics_mystery", "is_in_any_total": False},
        )


def _of_calendar(world: World, merchant: str, day: date, settled: SettlementDay) -> Iterator[Label]:
    facts = world.merchants[merchant]
    hours = dates.hours_of(day, facts.zone)
    if hours != 24:
        yield Label("dst_day", merchant, day, detail={"hours": hours})
        for line in settled.captures[:8]:  # the clock changes early in the morning
            yield Label(
                "dst_day",
                merchant,
                day,
                merchant_reference=line.reference,
                request_id=line.request_id,
                detail={"hours": hours, "at": dates.utc_text(line.at)},
            )
    if (day + timedelta(days=CLOSED_DAYS)).month != day.month:
        yield Label(
            "closed_period",
            merchant,
            day,
            "period_closed",
            detail={"company": facts.company, "year": day.year, "period": day.month},
        )


def _of_files(world: World, merchant: str, day: date) -> Iterator[Label]:
    fault = world.file_fault(merchant, day)
    if fault:
        name, word = fault
        yield Label(word, merchant, day, word, day, report_name=name)
    restated = files.restatement(world, merchant, day)
    if restated:
        yield Label("restated_report", merchant, day, report_name=restated)


def _of_funding(world: World, merchant: str, day: date) -> Iterator[Label]:
    """Label what the bank pays short, on the day the money arrives."""
    for funding in world.fundings(merchant, day):
        missing = funding.net_minor - funding.bank_minor
        if not missing:
            continue
        hidden = world.settled(merchant, funding.settlement_date).hidden_chargeback_minor
        yield Label(
            "short_funding",
            merchant,
            day,
            "unreported_by_source" if hidden else "short_funding",
            batch_id=funding.batch_id,
            currency=funding.currency,
            amount_minor=missing,
            detail={
                "settlement_date": funding.settlement_date,
                "net": decimal_text(funding.net_minor, funding.currency),
                "received": decimal_text(funding.bank_minor, funding.currency),
                "hidden_chargeback_minor": hidden,
            },
        )
