"""The few lines and documents that are not plain, and what a rule decided about them.

Plain matches never become objects: they stay columns, see ``plain.py``.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from include.domain.matching import Cause, Rule
from include.domain.money import Money

SALE, REFUND = "sale", "refund"
KIND_OF_CLASS = {"gross_sale": SALE, "refund": REFUND}
MAX_NAMED = 3  # candidates named in an explanation


@dataclass(slots=True)
class LineItem:
    """A settlement line that needs a closer look. Amounts are signed as line classes say."""

    key: str  # its identity, the same in every version of the file
    source: str  # "<file digest>:<line>"
    day: date  # the settlement date it belongs to
    kind: str  # sale or refund
    currency: str
    minor: int
    reference: str | None
    request_id: str | None
    related_request_id: str | None
    batch_id: str | None
    card_type: str | None
    row: int  # in the day's lines.parquet; -1: still open from an earlier day
    hint: str = ""  # the order that the gateway links it to, where it names none itself

    @property
    def is_earlier(self) -> bool:
        return self.row < 0

    @property
    def money(self) -> Money:
        return Money(self.minor, self.currency)

    def __str__(self) -> str:
        whose = f"order {self.reference}" if self.reference else "no order reference"
        return f"{self.kind} {self.money}, {whose}, request {self.request_id or 'unknown'}"


@dataclass(slots=True)
class DocumentItem:
    """An ERP document that needs a closer look."""

    document_id: str
    kind: str
    reference: str | None
    currency: str
    minor: int  # what is left of it to settle
    full_minor: int
    day: date  # document date
    row: int  # in the documents asked for; -1: still open from an earlier day
    is_rest: bool = False  # part of it has settled before

    @property
    def is_earlier(self) -> bool:
        return self.row < 0

    @property
    def money(self) -> Money:
        return Money(self.minor, self.currency)

    def __str__(self) -> str:
        whose = f"order {self.reference}" if self.reference else "no order reference"
        rest = " left" if self.is_rest else ""
        return f"{self.document_id} of {self.day} over {self.money}{rest}, {whose}"


@dataclass(slots=True)
class MatchDecision:
    """What one rule found out about lines and documents that belong together.

    ``taken`` holds, per document, the minor units of it that the lines settle. ``is_final``
    False leaves both sides awaited: the finding is named, a later day may still settle it.
    """

    lines: Sequence[LineItem]
    documents: Sequence[DocumentItem]
    rule: Rule | None
    cause: Cause | None
    compared: str
    runner_up: str
    why: str = ""
    do: str = ""
    taken: Sequence[int] = ()
    held: Sequence[DocumentItem] = ()  # candidates kept for it: awaited, but never called missing
    is_final: bool = True

    @property
    def difference_minor(self) -> int:
        """Lines less what they took of the documents."""
        return sum(line.minor for line in self.lines) - sum(self.taken)


class Pool:
    """Lines and documents nobody has decided about yet, found by what they have in common."""

    def __init__(
        self, day: date, lines: Iterable[LineItem], documents: Iterable[DocumentItem]
    ) -> None:
        self.day = day
        self.lines = {line.key: line for line in lines}
        self.documents = {document.document_id: document for document in documents}
        self.decisions: list[MatchDecision] = []
        # Everything that was open when the day began: what a runner-up is looked up in.
        self._by_reference: dict[tuple[str, str], list[DocumentItem]] = defaultdict(list)
        self._by_amount: dict[tuple[str, str, int], list[DocumentItem]] = defaultdict(list)
        for document in self.documents.values():
            if document.reference:
                self._by_reference[document.kind, document.reference].append(document)
            self._by_amount[document.kind, document.currency, document.minor].append(document)
        self._shared: dict[tuple[str, str], list[LineItem]] = defaultdict(list)
        for line in self.lines.values():
            if line.reference and (line.kind, line.reference) in self._by_reference:
                self._shared[line.kind, line.reference].append(line)

    def decide(self, decision: MatchDecision) -> None:
        """Record a decision and take its lines and documents out of the pool."""
        self.decisions.append(decision)
        for line in decision.lines:
            del self.lines[line.key]
        for document in (*decision.documents, *decision.held):
            del self.documents[document.document_id]

    def is_open(self, document: DocumentItem) -> bool:
        return document.document_id in self.documents

    def groups(self, *, by_amount: bool) -> Iterable[tuple[list[LineItem], list[DocumentItem]]]:
        """Yield lines and documents that share kind, reference, currency (and amount)."""
        for order, orders_lines in self._shared.items():
            lines = [line for line in orders_lines if line.key in self.lines]
            documents = [d for d in self._by_reference[order] if self.is_open(d)]
            if not lines or not documents:
                continue
            if len(lines) == len(documents) == 1:  # nearly always
                line, document = lines[0], documents[0]
                if _key(line, by_amount=by_amount) == _key(document, by_amount=by_amount):
                    yield lines, documents
                continue
            alike: dict[tuple[object, ...], tuple[list[LineItem], list[DocumentItem]]] = {}
            for line in lines:
                alike.setdefault(_key(line, by_amount=by_amount), ([], []))[0].append(line)
            for document in documents:
                alike.setdefault(_key(document, by_amount=by_amount), ([], []))[1].append(document)
            yield from (pair for pair in alike.values() if pair[0] and pair[1])

    def with_reference(self, kind: str, reference: str | None) -> list[DocumentItem]:
        """Return the undecided documents of one order."""
        found = self._by_reference.get((kind, reference or ""), [])
        return [document for document in found if self.is_open(document)]

    def with_amount(self, kind: str, currency: str, minor: int) -> list[DocumentItem]:
        """Return the undecided documents over exactly this amount."""
        return [d for d in self._by_amount.get((kind, currency, minor), []) if self.is_open(d)]

    def runner_up(self, line: LineItem, chosen: Sequence[DocumentItem]) -> str:
        """Say which other document came closest: the same order first, then the same amount."""
        taken = {document.document_id for document in chosen}
        for found in (
            self._by_reference.get((line.kind, line.reference or ""), []),
            self._by_amount.get((line.kind, line.currency, line.minor), []),
        ):
            for document in found:
                if document.document_id not in taken:
                    return str(document)
        return "none: no other open document has its reference or its amount"


def _key(item: LineItem | DocumentItem, *, by_amount: bool) -> tuple[object, ...]:
    return (item.currency, item.minor) if by_amount else (item.currency,)


def named(documents: Sequence[DocumentItem]) -> str:
    """Name a few documents in a sentence."""
    shown = "; ".join(str(document) for document in documents[:MAX_NAMED])
    more = len(documents) - MAX_NAMED
    return f"{shown}; and {more} more" if more > 0 else shown
