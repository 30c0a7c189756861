"""Tell finance when there is something to act on: one message per cause, never one per row.

An item is told once, however often its day runs again; a day without anything new is silent. A
crash between sending and remembering repeats a message, which is better than losing it.
"""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from include.domain.errors import IntegrationError
from include.domain.matching import Cause
from include.domain.merchant import Merchant
from include.domain.money import total
from include.domain.settlement import SettlementDay
from include.services.approve_journals import ApprovalRequest
from include.services.outgoing_text import for_chat, one_line
from include.services.report_model import ItemReport, JournalReport
from include.services.write_report import DayState, ReportFacts

log = logging.getLogger(__name__)

_EXAMPLES = 3  # items spelled out in a message; the report has all
_WAITING = {
    "blocked": "Resolve it, then clear that step of this merchant: it and the steps after it wait.",
    # Only a draft is written before the question is over: answered, or not in time.
    "held": "Those journals are not posted. To be asked again, clear 'approve' of this merchant.",
    "parked": "Open the posting period in SYSPRO, and the rest goes by itself; or decide where the "
    "journals go.",
}

_NOTHING_WAITS = ("tied_out", "reported", "shadow")


@dataclass(frozen=True, slots=True)
class Message:
    """What one cause has to say; ``keys`` are remembered once it is out."""

    cause: str
    subject: str
    text: str
    keys: tuple[str, ...]


class MailSender(Protocol):
    """Sends mail; raises one of the three families."""

    def send(self, to: Sequence[str], subject: str, text: str) -> None: ...


class ChatSender(Protocol):
    """Posts to the chat; raises one of the three families."""

    def send(self, text: str) -> None: ...


class SentMessages(Protocol):
    """What was told already."""

    def untold(self, keys: Sequence[str]) -> set[str]:
        """Return those of ``keys`` that no message was about."""
        ...

    def remember(self, keys: Sequence[str]) -> None:
        """Note that these were told."""
        ...


def notify(
    day: SettlementDay,
    merchant: Merchant,
    *,
    facts: ReportFacts,
    sent: SentMessages,
    mail: MailSender | None,
    chat: ChatSender | None,
    link: str = "",
) -> tuple[Message, ...]:
    """Send what is new and return it; nothing new sends nothing.

    ``mail`` and ``chat`` are ``None`` where not configured; ``link`` leads to the report. What
    cannot be sent is logged and told on the next run: a silent mail server must not fail a day
    that is posted and proven. Where there is no way at all nobody is told, so nothing counts as
    told: it is sent once there is one.
    """
    messages = messages_for(day, facts, sent, link)
    told = []
    for message in messages:
        if _send(message, merchant, mail, chat):
            sent.remember(message.keys)
            told.append(message)
    return tuple(told)


def tell_question(
    day: SettlementDay,
    merchant: Merchant,
    question: ApprovalRequest,
    *,
    run: str,
    asked_in: int = 0,
    until: datetime,
    sent: SentMessages,
    mail: MailSender | None,
    chat: ChatSender | None,
    link: str = "",
) -> bool:
    """Tell who must answer that a question waits, once for each run's exact question.

    The day's messages come only after the answer, so nothing else says in time that one is wanted.
    What another run asks waits anew, whether or not it says the same; so does what this run has
    asked before, in the try ``asked_in``, and has no answer to on record.
    Returns whether it went out; what cannot be sent is logged, as in ``notify``.
    """
    said = f"{run}\0{question.subject}\0{question.body}" + (f"\0{asked_in}" if asked_in else "")
    asked = said.encode("utf-8", "replace")
    key = f"{day}|asked|{hashlib.sha256(asked).hexdigest()[:16]}"
    if key not in sent.untold([key]):
        return False
    draft = f"\n\nEvery line as it would be posted: {question.report}" if question.report else ""
    where = f"{draft}\n\n{link}" if link else draft
    again = "It was asked before and no answer is on record: please answer again. "
    message = Message(
        "asked",
        one_line(question.subject),
        (again if asked_in else "")
        + "Nothing of it is posted until somebody answers in Airflow, Required Actions. "
        f"No answer by {until:%Y-%m-%d %H:%M} UTC holds it.{where}",
        (key,),
    )
    if not _send(message, merchant, mail, chat):
        return False
    sent.remember(message.keys)
    return True


def _send(
    message: Message, merchant: Merchant, mail: MailSender | None, chat: ChatSender | None
) -> bool:
    """Send one message by every way there is; say whether all took it, and there is one at all."""
    is_told = False
    try:
        if mail is not None and merchant.notify:
            mail.send(merchant.notify, message.subject, message.text)
            is_told = True
        if chat is not None:
            chat.send(for_chat(f"{message.subject}\n{message.text}"))
            is_told = True
    except IntegrationError as error:
        log.warning("notify %s: %s was not sent: %s", merchant.merchant_id, message.cause, error)
        return False
    return is_told


def messages_for(
    day: SettlementDay, facts: ReportFacts, sent: SentMessages, link: str = ""
) -> tuple[Message, ...]:
    """Return one message per cause that holds something nobody was told about yet."""
    candidates = [
        *_state_messages(day, facts.day_state(day)),
        *_tie_out_messages(day, facts.journals(day)),
        *_item_messages(day, facts.items(day), sent),
    ]
    keys = [key for message in candidates for key in message.keys]
    new = sent.untold(keys)
    footer = f"\n\nReport: {link}" if link else ""
    return tuple(
        Message(m.cause, one_line(m.subject), m.text + footer, m.keys)
        for m in candidates
        if new.intersection(m.keys)
    )


def _state_messages(day: SettlementDay, state: DayState | None) -> Iterable[Message]:
    if state is None or state.state in _NOTHING_WAITS:
        return
    if state.state not in _WAITING:
        # A step that ran out of its tries, or of its time: no reason was kept with the day.
        yield Message(
            "not_proven",
            f"{day.merchant_id} {day.settlement_date}: not proven",
            f"The last step done was {state.state!r}; the one after it gave up.\n\nNext: Read that "
            "step's log in Airflow, and clear it when the cause is gone.",
            (f"{day}|not_proven|{state.state}",),
        )
        return
    digest = hashlib.sha256(state.reason.encode("utf-8", "replace")).hexdigest()[:16]
    yield Message(
        state.state,
        f"{day.merchant_id} {day.settlement_date}: {state.state}",
        f"{state.reason or state.state}\n\nNext: {_WAITING[state.state]}",
        (f"{day}|{state.state}|{digest}",),
    )


def _tie_out_messages(day: SettlementDay, journals: Sequence[JournalReport]) -> Iterable[Message]:
    off = [
        (report, report.tie_out)
        for report in journals
        if report.tie_out and (report.tie_out.difference.minor or report.tie_out.detail)
    ]
    if not off:
        return
    rows = [
        f"- {report.number}: ours {tie.ours}, SYSPRO {tie.theirs}, difference {tie.difference}"
        for report, tie in off
    ]
    yield Message(
        "tie_out_difference",
        f"{day.merchant_id} {day.settlement_date}: {len(off)} journals do not tie out",
        "\n".join(rows) + "\n\nNext: Do not edit the journal; reverse it in SYSPRO.",
        tuple(f"{report.journal.key}|tie_out|{tie.difference.minor}" for report, tie in off),
    )


def _item_messages(
    day: SettlementDay, items: Sequence[ItemReport], sent: SentMessages
) -> Iterable[Message]:
    by_cause: dict[str, list[ItemReport]] = {}
    for item in items:
        # Inside its time, late is not wrong; a source that never comes shows as short funding.
        if item.cause not in (Cause.expected, Cause.source_awaited):
            by_cause.setdefault(item.cause, []).append(item)
    for cause, group in sorted(by_cause.items()):
        new = sent.untold([item.item_key for item in group])
        fresh = [item for item in group if item.item_key in new]
        if fresh:
            yield _item_message(day, cause, fresh, len(group) - len(fresh))


def _item_message(
    day: SettlementDay, cause: str, fresh: Sequence[ItemReport], known: int
) -> Message:
    words = cause.replace("_", " ")
    sums = ", ".join(_sums(fresh)) or "amount not known"
    oldest = max(item.age_days for item in fresh)
    lines = [f"{len(fresh)} open: {words}, {sums}; the oldest is {oldest} days old."]
    if known:
        lines.append(f"{known} more of this cause were told before and are still open.")
    for item in fresh[:_EXAMPLES]:
        amount = str(item.amount) if item.amount else "amount not known"
        lines += ["", f"- {amount}: {item.explanation}", f"  Next: {item.next_action}"]
    if len(fresh) > _EXAMPLES:
        lines += ["", f"The report lists the other {len(fresh) - _EXAMPLES}."]
    owners = ", ".join(sorted({item.owner for item in fresh}))
    return Message(
        cause,
        f"{day.merchant_id} {day.settlement_date}: {len(fresh)} {words}, {sums}",
        "\n".join([*lines, "", f"Owner: {owners}"]),
        tuple(item.item_key for item in fresh),
    )


def _sums(items: Sequence[ItemReport]) -> list[str]:
    """Return the known amounts per currency; how many are unknown is said beside them."""
    known = [item.amount for item in items if item.amount is not None]
    currencies = sorted({amount.currency for amount in known})
    sums = [str(total((a for a in known if a.currency == c), c)) for c in currencies]
    unknown = len(items) - len(known)
    return [*sums, f"{unknown} without a known amount"] if unknown and sums else sums
