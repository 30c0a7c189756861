"""What could go together in more than one way is named, never guessed."""

from datetime import timedelta

from include.domain.matching import Cause
from include.services.matching.equals import without_reference
from include.services.matching.model import DocumentItem, LineItem, MatchDecision, Pool, named


def decide(pool: Pool, date_tolerance_days: int) -> None:
    """Name the orders, and the equals without a reference, that do not go up."""
    for lines, documents in list(pool.groups(by_amount=False)):
        _name(pool, lines, documents, f"order {lines[0].reference} and currency")
    window = timedelta(days=date_tolerance_days)
    for lines, documents in list(without_reference(pool, window)):
        held = [document for document in documents if pool.is_open(document)]
        _name(pool, lines, held, "currency, amount and date; neither side names an order")


def _name(pool: Pool, lines: list[LineItem], documents: list[DocumentItem], compared: str) -> None:
    for index, line in enumerate(lines):
        pool.decide(
            MatchDecision(
                [line],
                [],
                None,
                Cause.ambiguous,
                compared,
                named(documents),
                why=f"{line} is one of {len(lines)} line(s) that fit {len(documents)} "
                f"document(s): {named(documents)}. Nothing was guessed.",
                do="Say which line belongs to which document, or correct the wrong one.",
                held=documents if index == 0 else (),
                is_final=False,
            )
        )
