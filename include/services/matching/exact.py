"""Exact keys: reference, currency and amount agree; k equal ones against k settle as a set."""

from include.domain.matching import Rule
from include.services.matching.model import DocumentItem, LineItem, MatchDecision, Pool


def decide(pool: Pool) -> None:
    """Settle every group of as many lines as documents with the same key and amount."""
    for lines, documents in list(pool.groups(by_amount=True)):
        if len(lines) != len(documents):
            continue  # one side has more: nobody can say which; later rules look at the order
        if len(lines) > 1:
            settle_set(pool, lines, documents)
        else:
            settle_pair(pool, lines[0], documents[0])


def settle_pair(
    pool: Pool, line: LineItem, document: DocumentItem, rule: Rule = Rule.exact
) -> None:
    """Match one line with one document of the same amount; say if either came late."""
    how = f"{rule.value}: {line} = {document}"
    # What the day's own earlier run awaited, and its restated file now holds, is not late.
    days = (pool.day - min(line.day, document.day)).days
    if document.is_rest:
        rule = Rule.partial_capture if document.kind == "sale" else Rule.partial_refund
    elif days and (line.is_earlier or document.is_earlier):
        rule, how = Rule.late, f"{how}; {days} days late"
    pool.decide(
        MatchDecision(
            [line],
            [document],
            rule,
            None,
            how,
            pool.runner_up(line, [document]),
            taken=[document.minor],
        )
    )


def settle_set(pool: Pool, lines: list[LineItem], documents: list[DocumentItem]) -> None:
    """Match k equal lines with k equal documents. Paired in order; any pairing is as true."""
    count = len(lines)
    ordered = sorted(documents, key=lambda document: (document.day, document.document_id))
    runner_up = pool.runner_up(lines[0], documents)
    for line, document in zip(sorted(lines, key=lambda i: (i.day, i.row)), ordered, strict=True):
        pool.decide(
            MatchDecision(
                [line],
                [document],
                Rule.set_of_equals,
                None,
                f"{count} equal lines settle {count} equal documents as a set: {line}; {document}",
                runner_up,
                taken=[document.minor],
            )
        )
