"""Let a day inside its tolerance pass; outside, ask a person about the exact journals."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from include.domain.errors import Rejected, Retryable
from include.domain.journal import Journal, JournalKind
from include.domain.matching import Cause
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.open_items import OpenItem
from include.domain.settlement import SettlementDay
from include.services.effects.chain import Signed
from include.services.journal_book import UNDECIDED, BookedJournal, JournalBook, JournalState

APPROVED, HELD, ASKED = "approved", "held", "asked"
AIRFLOW = "airflow"  # as the door of an answer, in the audit chain
NO_ANSWER = "nobody: the time to answer ran out"  # as who held it
TOLERANCE = "within tolerance"
# What waits inside its SLA, and what was explained in full, is nobody's decision. A file that was
# set aside is the gate's: where it was needed and no whole one came, the day stopped there.
_NOT_A_DECISION = frozenset(
    {
        *(Cause.expected, Cause.partial_capture, Cause.duplicate_file, Cause.truncated_file),
        # What it would have told is not in the journals; what it leaves short has its own items.
        Cause.source_awaited,
        # Decided beside the day, by disputes/decide.py: the day does not wait for them.
        *(
            Cause.chargeback_after_refund,
            Cause.chargeback_beyond_sale,
            Cause.dispute_due_soon,
            Cause.dispute_deadline_passed,
            Cause.dispute_deadline_unknown,
        ),
    }
)


class Approvals(Protocol):
    """Decisions, each about one digest of one journal."""

    def latest(self, journal_key: str, digest: str) -> tuple[str, str] | None:
        """Return (decision, who) of the newest decision about exactly this content."""
        ...

    def words_on(self, digests: Collection[str]) -> Mapping[str, tuple[str, str]]:
        """Return (decision, who) of the newest answer about each of these contents, by digest."""
        ...

    def decide(
        self,
        journal_key: str,
        digest: str,
        *,
        decision: str,
        decided_by: str,
        reason: str,
        signed: Signed | None = None,
    ) -> None:
        """Record a decision; a person's is signed into the audit chain in the same commit."""
        ...


class DayItems(Protocol):
    """The open items of a day."""

    def open_of_day(self, day: SettlementDay) -> Sequence[OpenItem]:
        """Return the items of the day that are not resolved."""
        ...


class Mover(Protocol):
    """The journal book, as far as a decision changes it."""

    def move(self, journal: Journal, state: JournalState, their_key: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """The question as a person reads it; ``body`` is Markdown."""

    subject: str
    body: str
    report: str = ""  # the address of a draft of what is asked about, or ''
    about: tuple[str, ...] = ()  # the digests of the journals that it names


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds of the journals that an answer was about, once it was applied."""

    is_held: bool  # some of them; else all are approved
    words: str  # e.g. "held by ann", or "approved by ann; too late: held by bob"


def approval_request(
    day: SettlementDay,
    merchant: Merchant,
    *,
    journals: JournalBook,
    approvals: Approvals,
    items: DayItems,
    draft: str = "",
) -> ApprovalRequest | None:
    """Approve what needs no person and return ``None``, or return the question to ask.

    The question is recorded with each journal's digest, so that the answer can be refused if a
    journal changes before it comes. ``draft`` is the address where the journals can be read line by
    line before that, or ''.
    """
    undecided = _undecided(day, journals)
    outside = _outside_tolerance(items.open_of_day(day), merchant)
    # A person's no stands, and for the whole day: its journals were asked about together.
    is_held = any(booked.state is JournalState.held for booked in undecided)
    waiting = []
    for booked in undecided:
        journal = booked.journal
        known = approvals.latest(journal.key, journal.digest)
        if known is not None and known[0] == APPROVED:
            journals.move(journal, JournalState.approved)
        elif not outside and not is_held:
            approvals.decide(
                journal.key, journal.digest, decision=APPROVED, decided_by=TOLERANCE, reason=""
            )
            journals.move(journal, JournalState.approved)
        else:
            waiting.append(booked)
    if not waiting:
        return None
    note_asked([booked.journal for booked in waiting], approvals)
    return ApprovalRequest(
        subject=f"{merchant.merchant_id}, {day.settlement_date}: approve {len(waiting)} "
        f"journal{'s' if len(waiting) > 1 else ''}",
        body=_question(day, waiting, outside, merchant, draft),
        report=draft,
        about=tuple(booked.journal.digest for booked in waiting),
    )


def record_decision(
    day: SettlementDay,
    *,
    is_approved: bool,
    decided_by: str,
    journals: JournalBook,
    approvals: Approvals,
    about: Collection[str] | None = None,
) -> Standing:
    """Apply an answer to the journals it was asked about; see ``apply_decision``."""
    return apply_decision(
        [booked.journal for booked in _undecided(day, journals)],
        f"approve, {day}",
        is_approved=is_approved,
        decided_by=decided_by,
        journals=journals,
        approvals=approvals,
        about=about,
    )


def note_asked(waiting: Sequence[Journal], approvals: Approvals) -> None:
    """Remember the exact journals a person is asked about."""
    for journal in waiting:
        approvals.decide(
            journal.key, journal.digest, decision=ASKED, decided_by="tieout", reason=""
        )


def apply_decision(
    waiting: Sequence[Journal],
    where: str,
    *,
    is_approved: bool,
    decided_by: str,
    journals: Mover,
    approvals: Approvals,
    about: Collection[str] | None = None,
) -> Standing:
    """Apply an answer to journals, all of them or, where one was not asked about, none.

    ``about``: the digests that this very question named, as another run may have asked about other
    journals meanwhile; None of one that an older release has asked.

    Where another's yes came first it stands, and what is returned says so. Applied again, to some
    that have it already, it changes nothing of those. Silence is no answer: the journals stay as
    they are, and another run's question about them stays open. *Held* is a person's word, which
    what is built anew from a journal inherits.

    Raises:
        Rejected: a journal is not the one that was shown, and Airflow shows this task no other.
        Retryable: a journal was decided otherwise meanwhile; it has to be asked again.
    """
    if decided_by == NO_ANSWER:
        _note_silence(waiting, approvals, about)
        return _standing(waiting, about, HELD, decided_by, approvals)
    if other := [one.key for one in waiting if about is not None and one.digest not in about]:
        raise Rejected(
            f"the answer of {decided_by} is void: its question did not show "
            f"{', '.join(other)} as it is now",
            where,
            "Nothing was decided. Answer the question that shows the digests of the day's newest "
            "draft; where there is none, trigger the DAG again for the same.",
        )
    decision = APPROVED if is_approved else HELD
    for journal in waiting:
        known = approvals.latest(journal.key, journal.digest)
        if known is None or not (_is_open(known) or known == (decision, decided_by)):
            raise Retryable(
                f"journal {journal.key} changed, or was decided otherwise, after the question was "
                f"asked; the answer of {decided_by} is void",
                where,
                "It is asked again about the journal as it is now.",
            )
    for journal in waiting:
        detail = {"amount": str(journal.debit_total), "digest": journal.digest}
        signed = Signed(f"journal {decision}", decided_by, AIRFLOW, detail)
        approvals.decide(
            journal.key,
            journal.digest,
            decision=decision,
            decided_by=decided_by,
            reason="",
            signed=signed,
        )
        journals.move(journal, JournalState.approved if is_approved else JournalState.held)
    return _standing(waiting, about, decision, decided_by, approvals)


def _standing(
    waiting: Sequence[Journal],
    about: Collection[str] | None,
    decision: str,
    decided_by: str,
    approvals: Approvals,
) -> Standing:
    """Say what holds: another question about the same journals may have been answered first."""
    digests = [one.digest for one in waiting] if about is None else about
    own, stands = (decision, decided_by), set(approvals.words_on(digests).values())
    if not stands and (about is None or decided_by == NO_ANSWER):
        stands = {own}  # else what it was about is void, and what stands in its place is decided
    first = sorted(stands - {own})
    words = [f"{what} by {who}" for what, who in ([own] if own in stands else []) + first]
    if own not in stands and decided_by != NO_ANSWER:
        words.append(f"too late: {decision} by {decided_by}")
    return Standing(any(what == HELD for what, _ in stands), "; ".join(words))


def _is_open(known: tuple[str, str]) -> bool:
    """Say whether what was asked is unanswered; one run's time may be out, another's is not."""
    return known[0] == ASKED or known[1] == NO_ANSWER


def _note_silence(
    waiting: Sequence[Journal], approvals: Approvals, about: Collection[str] | None
) -> None:
    """Record that nobody answered about what was asked and nobody has decided since."""
    for journal in waiting:
        known = approvals.latest(journal.key, journal.digest)
        if known and _is_open(known) and (about is None or journal.digest in about):
            approvals.decide(
                journal.key, journal.digest, decision=HELD, decided_by=NO_ANSWER, reason=""
            )


def _undecided(day: SettlementDay, journals: JournalBook) -> list[BookedJournal]:
    """Return what the day is asked about; a write-off is asked about beside it."""
    return [
        booked
        for booked in journals.of_day(day)
        if booked.state in UNDECIDED and booked.journal.kind is not JournalKind.dispute_lost
    ]


def _outside_tolerance(items: Sequence[OpenItem], merchant: Merchant) -> list[OpenItem]:
    """Return the items to decide about, if together they exceed the merchant's tolerance.

    An item whose amount could not be read exceeds every tolerance.
    """
    asked = [item for item in items if item.cause not in _NOT_A_DECISION]
    sums: Counter[str] = Counter()
    for item in asked:
        if item.amount_minor is None or item.currency is None:
            return asked
        sums[item.currency] += abs(item.amount_minor)
    limit = merchant.approval_tolerance_minor
    return asked if any(minor > limit for minor in sums.values()) else []


def _question(
    day: SettlementDay,
    waiting: Sequence[BookedJournal],
    outside: Sequence[OpenItem],
    merchant: Merchant,
    draft: str,
) -> str:
    """Write what a controller needs to decide: the journals, and what does not tie."""
    limits = sorted({item.currency for item in outside if item.currency})
    tolerance = " or ".join(str(Money(merchant.approval_tolerance_minor, c)) for c in limits)
    why = (
        f"The open items of **{day.merchant_id}** on **{day.settlement_date}** exceed the "
        f"tolerance{' of ' + tolerance if tolerance else ''}."
        if outside
        else f"**{day.merchant_id}** on **{day.settlement_date}** is within its tolerance now, and "
        "a person has held these journals before."
    )
    where = f"[the draft of the report]({draft})" if draft else "the draft of the report"
    lines = [
        f"{why} Approve to post these journals as they are; the items stay open with their "
        "owners. Hold to post nothing.",
        "",
        f"Every line of them, as it would be posted, is in {where}, on the page *Settlements*.",
        "",
        "| journal | batch | debit total | posting date | digest |",
        "| --- | --- | ---: | --- | --- |",
    ]
    for booked in waiting:
        j = booked.journal
        lines.append(
            f"| {j.kind.value.replace('_', ' ')} v{j.version} | {cell(j.batch_id)} | "
            f"{j.debit_total} | {j.posting_date} | `{j.digest[:16]}` |"
        )
    lines += ["", "| cause | amount | what was found | what to do |", "| --- | ---: | --- | --- |"]
    for item in outside[:40]:
        amount = (
            str(Money(item.amount_minor, item.currency))
            if item.amount_minor is not None and item.currency is not None
            else "not readable"
        )
        lines.append(
            f"| {item.cause.value.replace('_', ' ')} | {amount} | {cell(item.explanation)} | "
            f"{cell(item.next_action)} |"
        )
    if len(outside) > 40:
        lines.append(f"| | | and {len(outside) - 40} more: see the draft | |")
    return "\n".join(lines)


def cell(text: str) -> str:
    """Keep a text of unknown origin inside its table cell, and its markup inert."""
    for mark in "\\`*_[]<>|!#":
        text = text.replace(mark, f"\\{mark}")
    text = text.replace("://", ":// ")  # else Airflow makes a link of a bare address
    return text.replace("\n", " ").replace("\r", " ")
