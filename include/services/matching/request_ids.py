"""The reference is absent, but Cybersource's request id leads to the order."""

from collections.abc import Mapping

from include.domain.matching import Rule
from include.services.matching.model import DocumentItem, LineItem, MatchDecision, Pool


def decide(pool: Pool, references: Mapping[str, str]) -> None:
    """Match lines without a reference through ids that are known.

    Args:
        pool: what is open.
        references: our order reference by request id, of captures in our own records.
    """
    for line in [item for item in pool.lines.values() if not item.reference]:
        for request_id, reference in _ways(line, references):
            found = [
                document
                for document in pool.with_reference(line.kind, reference)
                if (document.currency, document.minor) == (line.currency, line.minor)
            ]
            if len(found) == 1:
                _match(pool, line, found[0], request_id)
                break


def _ways(line: LineItem, references: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (request id, the reference it stands for), the most direct first."""
    ways = [(i, i) for i in (line.request_id, line.related_request_id) if i]
    return ways + [(i, references[i]) for i, _ in ways if i in references]


def _match(pool: Pool, line: LineItem, document: DocumentItem, request_id: str) -> None:
    pool.decide(
        MatchDecision(
            [line],
            [document],
            Rule.request_id,
            None,
            f"request {request_id} belongs to order {document.reference}: {line} = {document}",
            pool.runner_up(line, [document]),
            taken=[document.minor],
        )
    )
