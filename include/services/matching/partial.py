"""Several captures of one order, or several refunds, that add up to its documents."""

from include.domain.matching import Rule
from include.services.matching.model import SALE, DocumentItem, LineItem, MatchDecision, Pool


def decide(pool: Pool) -> None:
    """Settle an order whose open lines and open documents have the same sum."""
    for lines, documents in list(pool.groups(by_amount=False)):
        if sum(line.minor for line in lines) == sum(document.minor for document in documents):
            settle(pool, lines, documents)


def settle(pool: Pool, lines: list[LineItem], documents: list[DocumentItem]) -> None:
    """Match all lines with all documents of one order; their sums are equal."""
    rule = Rule.partial_capture if lines[0].kind == SALE else Rule.partial_refund
    parts = " + ".join(str(line.money) for line in lines)
    whole = " + ".join(str(document.money) for document in documents)
    pool.decide(
        MatchDecision(
            lines,
            documents,
            rule,
            None,
            f"order {lines[0].reference}: {parts} = {whole}",
            pool.runner_up(lines[0], documents),
            taken=[document.minor for document in documents],
        )
    )
