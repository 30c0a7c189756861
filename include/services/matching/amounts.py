"""The order agrees, the amount does not: a wrong document, or a capture in parts.

The gateway decides: authorized more than captured means that the rest may still come.
"""

from include.domain.matching import Cause, Rule
from include.domain.money import Money
from include.services.matching.evidence import Evidence
from include.services.matching.model import SALE, DocumentItem, LineItem, MatchDecision, Pool
from include.services.ports import TransactionFacts


def decide(pool: Pool, evidence: Evidence) -> None:
    """Name every order with one open document and lines of another sum."""
    for lines, documents in list(pool.groups(by_amount=False)):
        if len(documents) == 1:
            _judge(pool, lines, documents[0], evidence)


def _judge(pool: Pool, lines: list[LineItem], document: DocumentItem, evidence: Evidence) -> None:
    settled = sum(line.minor for line in lines)
    if abs(settled) > abs(document.minor) and any(i.minor == document.minor for i in lines):
        return  # one line fits and others are too many: the rule of ambiguity names them
    if abs(settled) > abs(document.minor):
        _wrong_amount(pool, lines, document, "more was settled than the document says")
    elif lines[0].kind != SALE:
        _rest(pool, lines, document, Rule.partial_refund, None, "part of the credit note")
    else:
        facts = evidence.facts(lines[0].request_id)
        captured = settled + document.full_minor - document.minor
        _with_evidence(pool, lines, document, facts, captured)


def _with_evidence(
    pool: Pool,
    lines: list[LineItem],
    document: DocumentItem,
    facts: TransactionFacts | None,
    captured: int,
) -> None:
    currency = lines[0].currency
    if facts is None or facts.authorized_minor is None or facts.currency != currency:
        why = "the gateway did not say what was authorized"
        _rest(pool, lines, document, None, Cause.ambiguous, why)
        return
    authorized = facts.authorized_minor
    said = f"authorized {Money(authorized, currency)}, captured {Money(captured, currency)}"
    if authorized > captured:
        _rest(pool, lines, document, Rule.partial_capture, Cause.partial_capture, said)
    else:
        _wrong_amount(pool, lines, document, said)


def _wrong_amount(pool: Pool, lines: list[LineItem], document: DocumentItem, said: str) -> None:
    settled = Money(sum(line.minor for line in lines), lines[0].currency)
    pool.decide(
        MatchDecision(
            lines,
            [document],
            None,
            Cause.wrong_amount,
            f"{settled} settled against {document}; {said}",
            pool.runner_up(lines[0], [document]),
            why=f"Order {lines[0].reference}: settled {settled}, but {document.document_id} is "
            f"over {document.money} ({said}).",
            do=f"Correct {document.document_id} in SYSPRO to {settled}, or refund the customer.",
            taken=[document.minor],
        )
    )


def _rest(
    pool: Pool,
    lines: list[LineItem],
    document: DocumentItem,
    rule: Rule | None,
    cause: Cause | None,
    said: str,
) -> None:
    """Let the lines settle their part of the document; the rest stays awaited under ``cause``."""
    settled = sum(line.minor for line in lines)
    rest = Money(document.minor - settled, document.currency)
    pool.decide(
        MatchDecision(
            lines,
            [document],
            rule,
            cause,
            f"{Money(settled, document.currency)} settled against {document}; {said}",
            pool.runner_up(lines[0], [document]),
            why=f"Order {lines[0].reference}: {Money(settled, document.currency)} of "
            f"{document.document_id} has settled, {rest} has not ({said}).",
            do=f"Capture the rest of {rest}, or credit it in SYSPRO."
            if cause is not Cause.ambiguous
            else f"Look request {lines[0].request_id} up at the gateway: a capture in parts, or a "
            f"wrong amount on {document.document_id}?",
            taken=[settled],
        )
    )
