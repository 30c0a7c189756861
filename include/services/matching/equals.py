"""No reference on either side: k equal lines against k equal documents, else nothing is guessed."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from include.domain.matching import Rule
from include.services.matching.exact import settle_pair, settle_set
from include.services.matching.model import DocumentItem, LineItem, Pool


def decide(pool: Pool, date_tolerance_days: int) -> None:
    """Settle equals of the same date first, then inside the merchant's date window."""
    for days in dict.fromkeys((0, date_tolerance_days)):
        for lines, documents in list(without_reference(pool, timedelta(days=days))):
            if len(lines) != len(documents):
                continue
            if len(lines) == 1:
                settle_pair(pool, lines[0], documents[0], Rule.amount_and_date)
            else:
                settle_set(pool, lines, documents)


def without_reference(
    pool: Pool, window: timedelta
) -> Iterator[tuple[list[LineItem], list[DocumentItem]]]:
    """Yield lines of one kind, currency and amount with all documents in reach of any of them.

    Lines of different days that could want the same document are one group: looked at apart, the
    first would take what may be the second's.
    """
    alike: dict[tuple[str, str, int], list[LineItem]] = defaultdict(list)
    for line in pool.lines.values():
        if not line.reference:
            alike[line.kind, line.currency, line.minor].append(line)
    for (kind, currency, minor), lines in alike.items():
        documents = [d for d in pool.with_amount(kind, currency, minor) if not d.reference]
        for near in _clusters(lines, window):
            first, last = near[0].day - window, near[-1].day + window
            reach = [document for document in documents if first <= document.day <= last]
            if reach:
                yield near, reach


def _clusters(lines: list[LineItem], window: timedelta) -> list[list[LineItem]]:
    ordered = sorted(lines, key=lambda line: (line.day, line.row, line.key))
    clusters = [[ordered[0]]]
    for line in ordered[1:]:
        if line.day - clusters[-1][-1].day <= 2 * window:
            clusters[-1].append(line)
        else:
            clusters.append([line])
    return clusters
