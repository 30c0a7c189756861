"""Chargebacks against the captures we know, and reversals against their chargebacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from include.domain.matching import Cause, Rule
from include.domain.money import Money
from include.services.matching.evidence import Evidence
from include.services.matching.history import DISPUTE_LOOKBACK_DAYS, History, Moved, order_of

CLASSES = ("chargeback", "chargeback_reversal")
FIELDS = (
    "file_digest line_no line_class detail_code currency amount_minor request_id "
    "merchant_reference related_request_id case_number"
).split()


@dataclass(frozen=True, slots=True)
class DisputeFinding:
    """What was found out about one dispute line."""

    row: int
    key: str
    rule: Rule | None
    cause: Cause | None
    compared: str
    runner_up: str
    why: str = ""
    do: str = ""


def judge(
    rows: Sequence[Mapping[str, Any]], history: History, evidence: Evidence
) -> list[DisputeFinding]:
    """Say of each dispute line what it is about.

    Args:
        rows: ``FIELDS`` and ``row`` of the day's chargebacks and reversals.
        history: earlier days.
        evidence: the gateway, asked where our own records do not reach back.
    """
    asked = [i for row in rows for i in (row["related_request_id"], row["request_id"]) if i]
    captures = history.captures(asked)
    orders = [*captures.values(), *(row["merchant_reference"] for row in rows)]
    moved = history.moved(orders, captures)
    cases = _cases(rows, history)
    found = []
    for row in rows:
        if row["line_class"] == "chargeback":
            found.append(_chargeback(row, captures, moved, evidence))
        else:
            found.append(_reversal(row, cases))
    return found


def _cases(rows: Sequence[Mapping[str, Any]], history: History) -> dict[str, str]:
    """Return where the chargeback of each case or request was seen: today, or an earlier date."""
    import polars as pl

    names = ("case_number", "related_request_id", "request_id")
    reversals = [row for row in rows if row["line_class"] == "chargeback_reversal"]
    if not reversals:
        return {}
    found = {
        row[name]: "the same day"
        for row in rows
        if row["line_class"] == "chargeback"
        for name in names
        if row[name]
    }
    wanted = {row[name] for row in reversals for name in names if row[name]}
    past = history.lines(DISPUTE_LOOKBACK_DAYS, ["line_class", *names])
    if past is not None:
        hits = past.filter(
            pl.col("line_class") == "chargeback",
            pl.any_horizontal(pl.col(name).is_in(sorted(wanted)) for name in names),
        ).collect(engine="streaming")
        for row in hits.iter_rows(named=True):
            for name in names:
                if row[name]:
                    found[row[name]] = row["line_date"].isoformat()
    return found


def _chargeback(
    row: Mapping[str, Any],
    captures: Mapping[str, str],
    moved: Mapping[tuple[str, str], Moved],
    evidence: Evidence,
) -> DisputeFinding:
    money, case = Money(row["amount_minor"], row["currency"]), row["case_number"] or "unknown"
    order = row["merchant_reference"] or "not said"
    ids = [i for i in (row["related_request_id"], row["request_id"]) if i]
    known = next((i for i in ids if i in captures), None)
    if known is not None:
        how = f"case {case}: capture {known} of order {captures[known] or 'unnamed'} is ours"
        return _of_capture(row, how, order_of(row, captures), moved)
    for request_id in ids:
        facts = evidence.facts(request_id)
        if facts is not None:
            how = f"case {case}: the gateway knows capture {request_id}; older than our records"
            return _of_capture(row, how, row["merchant_reference"] or "", moved)
    return DisputeFinding(
        row["row"],
        _key(row),
        None,
        Cause.chargeback_on_unknown_capture,
        f"case {case}: request {ids[0] if ids else 'unknown'} against {DISPUTE_LOOKBACK_DAYS} days",
        "none: neither our records nor the gateway have such a capture",
        why=f"Chargeback {money}, case {case}, is about a capture that nobody knows "
        f"(request {ids[0] if ids else 'not said'}, order {order}).",
        do="Contest it with the acquirer: no sale of ours stands behind it.",
    )


def _of_capture(
    row: Mapping[str, Any], how: str, order: str, moved: Mapping[tuple[str, str], Moved]
) -> DisputeFinding:
    """Say whether this money was given or taken back already: then that is the evidence.

    What a sale older than our files sold is not known; any refund of it is told then.
    """
    plain = DisputeFinding(row["row"], _key(row), Rule.request_id, None, how, "none")
    known = moved.get((order, row["currency"]))
    if known is None or not (known.refunds or known.sold_minor):
        return plain
    money = Money(-row["amount_minor"], row["currency"])
    disputed = max(known.disputed_minor, 0)  # a reversal may be of a chargeback we never saw
    known.disputed_minor = disputed + money.minor  # for the next one of the day
    left = known.sold_minor - known.returned_minor - disputed
    if known.sold_minor and money.minor <= left:
        return plain  # a part was given back, and this is about the rest
    twice = money.minor - max(left, 0) if known.sold_minor else known.returned_minor
    amount = Money(min(twice, money.minor), money.currency)
    case = row["case_number"] or "unknown"
    if not known.refunds:
        sold, before = (Money(x, money.currency) for x in (known.sold_minor, disputed))
        return replace(
            plain,
            cause=Cause.chargeback_beyond_sale,
            why=f"Chargeback {money}, case {case}, is about order {order}, which sold {sold}; "
            f"chargebacks have taken {before} of it before. {amount} is more than was sold.",
            do="Contest it with the acquirer; the sale and its other chargebacks are the evidence.",
        )
    given = ", ".join(
        f"{Money(minor, money.currency)} on {on} (request {request_id})"
        for on, minor, request_id in known.refunds
    )
    return replace(
        plain,
        cause=Cause.chargeback_after_refund,
        why=f"Chargeback {money}, case {case}, is about order {order}, which was refunded: "
        f"{given}. The shopper would be paid twice: {amount}.",
        do="Contest it with the acquirer; the refund, its date and request id are the evidence.",
    )


def _reversal(row: Mapping[str, Any], cases: Mapping[str, str]) -> DisputeFinding:
    money, case = Money(row["amount_minor"], row["currency"]), row["case_number"] or "unknown"
    ids = [row[name] for name in ("case_number", "related_request_id", "request_id") if row[name]]
    seen = next((cases[i] for i in ids if i in cases), None)
    if seen is not None:
        how = f"case {case}: its chargeback was reported on {seen}"
        return DisputeFinding(row["row"], _key(row), Rule.request_id, None, how, "none")
    return DisputeFinding(
        row["row"],
        _key(row),
        None,
        Cause.chargeback_reversal_without_chargeback,
        f"case {case} against the chargebacks of {DISPUTE_LOOKBACK_DAYS} days",
        "none: no chargeback of this case or request is in our records",
        why=f"Reversal {money}, case {case}, gives back a chargeback that we never saw.",
        do="Find the chargeback of this case in the acquirer's portal, or return the money.",
    )


def _key(row: Mapping[str, Any]) -> str:
    what = row["case_number"] or row["request_id"] or row["merchant_reference"] or "?"
    return f"{what}|{row['line_class']}|{row['currency']}|{row['amount_minor']}"
