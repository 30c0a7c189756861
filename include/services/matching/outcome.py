"""What a day's decisions leave behind: expectations kept, met or expired, and open items."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from include.domain.expectations import Expectation, ExpectationKind, ExpectationState
from include.domain.matching import Cause
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.open_items import OpenItem, Stage
from include.domain.settlement import SettlementDay
from include.services.matching.history import History
from include.services.matching.inputs import remember_document, remember_line
from include.services.matching.model import DocumentItem, LineItem, MatchDecision, Pool

MATCHER = "tieout match"
# An item under one of these waits for a person or for its rest; time alone never makes it missing.
_PATIENT = {Cause.ambiguous, Cause.partial_capture, Cause.refund_without_reference}

Known = dict[tuple[ExpectationKind, str], Expectation]


@dataclass(slots=True)
class Outcome:
    """What is to be stored. Findings are items that no expectation stands behind."""

    known: Known  # every expectation of the merchant that this run may touch
    before: Known  # as they were loaded
    findings: list[OpenItem] = field(default_factory=list)

    def changed(self) -> list[Expectation]:
        return [e for key, e in self.known.items() if self.before.get(key) != e]


def conclude(
    day: SettlementDay,
    merchant: Merchant,
    loaded: Sequence[Expectation],
    pool: Pool,
    history: History,
) -> Outcome:
    """Turn decisions and what nobody decided about into expectations and findings.

    Whatever an earlier run of the same day had met is taken back first, so a repeat with the same
    input changes nothing and a repeat with another input leaves no trace of the first.
    """
    before = {(e.kind, e.item_key): e for e in loaded}
    on = day.settlement_date
    outcome = Outcome({key: _taken_back(e, on) for key, e in before.items()}, before)
    book = _Book(day, merchant, outcome, history)
    for decision in pool.decisions:
        book.apply(decision)
    for line in pool.lines.values():
        book.await_document(line, None, "", "")
    for document in pool.documents.values():
        book.await_settlement(document)
    book.withdraw_lines_no_longer_there()
    book.expire()
    return outcome


def _taken_back(expectation: Expectation, day: date) -> Expectation:
    """Undo what an earlier run of ``day`` had met; what other days met stays met."""
    is_part = day.isoformat() in expectation.parts
    if not is_part and expectation.met_date != day:
        return expectation
    parts = {k: v for k, v in expectation.parts.items() if k != day.isoformat()}
    detail = {**expectation.detail, "parts": parts} if is_part else expectation.detail
    return replace(
        expectation,
        state=ExpectationState.open,
        met_by="",
        met_date=None,
        amount_minor=expectation.full_minor - sum(parts.values()),
        detail=detail,
    )


class _Book:
    """The expectations of one run, while they change."""

    def __init__(
        self, day: SettlementDay, merchant: Merchant, outcome: Outcome, history: History
    ) -> None:
        self.day, self.on = day, day.settlement_date
        self.merchant, self.outcome, self.history = merchant, outcome, history
        self.awaited_lines: set[str] = set()  # of the day itself

    def apply(self, decision: MatchDecision) -> None:
        """Book one decision: meet, keep a rest, hold candidates, or note a finding."""
        ids = " + ".join(document.document_id for document in decision.documents)
        for line in decision.lines:
            if decision.is_final:
                self._meet_line(line, ids)
            else:
                self.await_document(line, decision.cause, decision.why, decision.do)
        sources = " + ".join(line.source for line in decision.lines)
        for document, taken in zip(decision.documents, decision.taken, strict=True):
            self._settle_document(document, taken, sources, decision)
        for document in decision.held:
            self.await_settlement(document, held_by=decision.lines[0].key)
        if decision.cause is not None and decision.is_final and not self._keeps_rest(decision):
            self.outcome.findings.append(self._finding(decision, ids))

    def _keeps_rest(self, decision: MatchDecision) -> bool:
        """Whether an expectation of the document carries the cause from here on."""
        return any(
            taken != document.minor
            for document, taken in zip(decision.documents, decision.taken, strict=True)
        )

    def _finding(self, decision: MatchDecision, document_ids: str) -> OpenItem:
        line = decision.lines[0]
        cause = decision.cause or Cause.ambiguous
        whole = sum(each.minor for each in decision.lines)
        minor = decision.difference_minor if cause is Cause.wrong_amount else whole
        return OpenItem.found(
            SettlementDay(self.day.merchant_id, line.day),
            Stage.match,
            cause,
            line.key,
            self.merchant.owner,
            money=Money(minor, line.currency),
            source=line.source,
            document_id=document_ids,
            why=decision.why,
            do=decision.do,
        )

    def _meet_line(self, line: LineItem, met_by: str) -> None:
        key = (ExpectationKind.document, line.key)
        known = self.outcome.known.get(key)
        if known is None or known.state in (ExpectationState.met, ExpectationState.withdrawn):
            return  # a line of the day that was never awaited, or one settled for good
        self.outcome.known[key] = replace(
            known, state=ExpectationState.met, met_by=met_by, met_date=self.on
        )

    def _settle_document(
        self, document: DocumentItem, taken: int, sources: str, decision: MatchDecision
    ) -> None:
        """Take the part that settled off a document that somebody awaits, or will now."""
        key = (ExpectationKind.settlement, document.document_id)
        known = self.outcome.known.get(key)
        if known is None and taken == document.minor:
            return  # settled whole on the day it was first seen: nothing to remember
        known = known or self._new_settlement(document)
        detail = {**known.detail, **_as_listed(document), "held_by": ""}
        detail["parts"] = {**detail["parts"], self.on.isoformat(): taken}
        last = max(detail["parts"])
        remaining = document.full_minor - sum(detail["parts"].values())
        if last == self.on.isoformat():  # a repeat of an earlier day has nothing newer to say
            cause = decision.cause.value if decision.cause else ""
            detail |= {"cause": cause, "why": decision.why, "do": decision.do, "source": sources}
        is_met = remaining == 0
        self.outcome.known[key] = replace(
            known,
            amount_minor=remaining,
            state=ExpectationState.met if is_met else known.state,
            met_by=sources if is_met else "",
            met_date=date.fromisoformat(last) if is_met else None,
            detail=detail,
        )

    def _new_settlement(self, document: DocumentItem) -> Expectation:
        return Expectation(
            self.day.merchant_id,
            ExpectationKind.settlement,
            document.document_id,
            document.currency,
            document.minor,
            document.day,
            document.day + timedelta(days=self.merchant.settlement_sla_days),
            detail=remember_document(document),
        )

    def await_document(self, line: LineItem, cause: Cause | None, why: str, do: str) -> None:
        """Keep a line open until its document comes."""
        key = (ExpectationKind.document, line.key)
        if not line.is_earlier:
            self.awaited_lines.add(line.key)
        known = self.outcome.known.get(key)
        if known is not None and known.state is ExpectationState.met:
            return  # a later day met it; this is a repeat of the day on which it was still open
        detail = {
            **remember_line(line),
            "cause": cause.value if cause else "",
            "why": why,
            "do": do,
        }
        if known is not None and known.state is not ExpectationState.withdrawn:
            self.outcome.known[key] = replace(known, detail=detail)
            return
        self.outcome.known[key] = Expectation(
            self.day.merchant_id,
            ExpectationKind.document,
            line.key,
            line.currency,
            line.minor,
            line.day,
            line.day + timedelta(days=self.merchant.erp_sla_days),
            detail=detail,
        )

    def await_settlement(self, document: DocumentItem, held_by: str = "") -> None:
        """Keep a document open until it settles; ``held_by``: the line it is a candidate for."""
        key = (ExpectationKind.settlement, document.document_id)
        known = self.outcome.known.get(key)
        if known is None and not self.history.is_reconciled(document.day):
            return  # its own day was never reconciled: nobody can say that it did not settle
        known = known or self._new_settlement(document)
        detail = {**known.detail, **_as_listed(document), "held_by": held_by}
        remaining = document.full_minor - sum(detail["parts"].values())
        self.outcome.known[key] = replace(
            known, currency=document.currency, detail=detail, amount_minor=remaining
        )

    def withdraw_lines_no_longer_there(self) -> None:
        """A restated file may have dropped a line that was awaited: nobody waits any more."""
        for key, known in list(self.outcome.known.items()):
            is_own_line = known.kind is ExpectationKind.document and known.since_date == self.on
            if is_own_line and known.item_key not in self.awaited_lines and known.is_awaited:
                self.outcome.known[key] = replace(known, state=ExpectationState.withdrawn)

    def expire(self) -> None:
        """Call missing what is past its SLA, unless a day in between was never reconciled."""
        for key, known in list(self.outcome.known.items()):
            if known.state is not ExpectationState.open or known.due_date >= self.on:
                continue
            cause = known.detail.get("cause") or None
            if known.detail.get("held_by") or (cause and Cause(cause) in _PATIENT):
                continue
            days = range((known.due_date - known.since_date).days + 1)
            if all(self.history.is_reconciled(known.since_date + timedelta(days=n)) for n in days):
                self.outcome.known[key] = replace(known, state=ExpectationState.missing)


def _as_listed(document: DocumentItem) -> dict[str, object]:
    """Return what the ERP says of a document now; somebody may have corrected it."""
    kept = remember_document(document)
    return {name: kept[name] for name in ("kind", "reference", "full")}


def item_of(expectation: Expectation, owner: str) -> OpenItem | None:
    """Return the open item an awaited expectation is, or ``None``: it waits for nothing by itself.

    A document held as the candidate of a line is part of that line's item.
    """
    if not expectation.is_awaited or expectation.detail.get("held_by"):
        return None
    cause, why, do = _words(expectation)
    is_line = expectation.kind is ExpectationKind.document
    return OpenItem.found(
        SettlementDay(expectation.merchant_id, expectation.since_date),
        Stage.match,
        cause,
        expectation.item_key,
        owner,
        money=Money(expectation.amount_minor, expectation.currency),
        source=expectation.detail.get("source", ""),
        document_id="" if is_line else expectation.item_key,
        why=why,
        do=do,
    )


def _words(expectation: Expectation) -> tuple[Cause, str, str]:
    """Return the cause, what was found and what would close it."""
    detail, due = expectation.detail, expectation.due_date
    money = Money(expectation.amount_minor, expectation.currency)
    order = f"order {detail['reference']}" if detail["reference"] else "without an order reference"
    is_missing = expectation.state is ExpectationState.missing
    if detail.get("cause"):
        return Cause(detail["cause"]), detail["why"], detail["do"]
    if expectation.kind is ExpectationKind.document:
        what = f"{detail['kind'].capitalize()} {money}, {order}, has no document in SYSPRO"
        cause = Cause.missing_in_erp
        do = f"Raise the {'invoice' if detail['kind'] == 'sale' else 'credit note'} in SYSPRO."
    else:
        what = f"{expectation.item_key} over {money}, {order}, has not settled"
        cause = Cause.missing_in_settlement
        do = "Ask the gateway whether it was captured; capture it, or credit the document."
    if is_missing:
        return cause, f"{what}; it was due by {due}.", do
    return Cause.expected, f"{what} yet; it has until {due}.", "Nothing to do before that date."
