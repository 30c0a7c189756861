"""The order agrees, the currency does not."""

from include.domain.matching import Cause
from include.services.matching.model import LineItem, MatchDecision, Pool


def decide(pool: Pool) -> None:
    """Name a line whose order has exactly one open document, in another currency."""
    alone: dict[tuple[str, str], list[LineItem]] = {}
    for line in pool.lines.values():
        if line.reference:
            alone.setdefault((line.kind, line.reference), []).append(line)
    for (kind, reference), lines in alone.items():
        documents = pool.with_reference(kind, reference)
        if len(lines) != 1 or len(documents) != 1 or documents[0].currency == lines[0].currency:
            continue
        line, document = lines[0], documents[0]
        pool.decide(
            MatchDecision(
                [line],
                [document],
                None,
                Cause.wrong_currency,
                f"{line} against {document}: the order agrees, the currency does not",
                pool.runner_up(line, [document]),
                why=f"Order {reference}: settled {line.money}, but {document.document_id} is in "
                f"{document.currency} ({document.money}).",
                do=f"Credit {document.document_id} in SYSPRO and invoice {line.money} instead.",
                taken=[document.minor],
            )
        )
