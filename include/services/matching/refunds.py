"""A refund without a reference: money that left, so a person confirms; we only suggest."""

from collections import defaultdict
from datetime import timedelta

from include.domain.matching import Cause
from include.services.matching.evidence import Evidence
from include.services.matching.model import (
    REFUND,
    DocumentItem,
    LineItem,
    MatchDecision,
    Pool,
    named,
)


def decide(pool: Pool, evidence: Evidence, date_tolerance_days: int) -> None:
    """Name every refund whose order is not said, with the credit notes that would fit."""
    nameless = [i for i in pool.lines.values() if i.kind == REFUND and not i.reference]
    alike: dict[tuple[str, int], list[LineItem]] = defaultdict(list)
    for line in nameless:
        line.hint = line.hint or _order_by_gateway(line, evidence)
        fitting = [
            document
            for document in pool.with_reference(REFUND, line.hint)
            if (document.currency, document.minor) == (line.currency, line.minor)
        ]
        if line.hint and fitting:
            why = f"the gateway links it to order {line.hint}"
            _name(pool, [line], fitting, why)
        else:
            alike[line.currency, line.minor].append(line)
    window = timedelta(days=date_tolerance_days)
    for (currency, minor), lines in alike.items():
        first = min(line.day for line in lines) - window
        last = max(line.day for line in lines) + window
        fitting = [d for d in pool.with_amount(REFUND, currency, minor) if first <= d.day <= last]
        _name(pool, lines, fitting, "currency, amount and date fit" if fitting else "")


def _order_by_gateway(line: LineItem, evidence: Evidence) -> str:
    """Ask which order the refund is about: the refund itself, else the request it goes back to."""
    facts = evidence.facts(line.request_id)
    if facts is not None and facts.merchant_reference:
        return facts.merchant_reference
    root = facts.root_id if facts is not None and facts.root_id else line.related_request_id
    if not root or root == line.request_id:
        return ""
    origin = evidence.facts(root)
    return (origin.merchant_reference or "") if origin is not None else ""


def _name(pool: Pool, lines: list[LineItem], fitting: list[DocumentItem], why: str) -> None:
    held = [document for document in fitting if pool.is_open(document)]
    hint = lines[0].hint
    suggestion = f" Suggested: {named(held)} ({why})." if held else ""
    if not held and hint:
        suggestion = f" The gateway links it to order {hint}, which has no such credit note."
    for index, line in enumerate(lines):
        pool.decide(
            MatchDecision(
                [line],
                [],
                None,
                Cause.refund_without_reference,
                f"no reference; request {line.request_id or 'unknown'}, amount and date",
                named(held) if held else "none: no open credit note fits",
                why=f"Refund {line.money} names no order.{suggestion}",
                do="Confirm the credit note, or say which order it is about."
                if held
                else "Say which order it is about, and raise its credit note in SYSPRO.",
                held=held if index == 0 else (),
                is_final=False,
            )
        )
