"""What a second person is asked about a refund above the limit, and what the answer does.

The answer counts for exactly the refund that was asked about: the question leaves its digest, and
another digest makes the answer void. No answer leaves the refund waiting; nothing moves by silence.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from include.domain.canonical import to_json
from include.domain.card_numbers import refuse_in_words
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.domain.refunds import Part, RefundRow, Ruling
from include.services.approve_journals import AIRFLOW, ASKED, HELD, Approvals, cell
from include.services.effects.chain import Signed
from include.services.orders.order_service import OrderService

HOLD_RESTS = timedelta(hours=20)  # what a person holds is asked about again on the next day


class AuditLog(Protocol):
    """The hash chain, for what people do."""

    def note(self, who: str, what: str, subject: str, **detail: object) -> None: ...


@dataclass(frozen=True, slots=True)
class WaitingRefund:
    """One refund that waits for a second person, with what they need to decide."""

    row: RefundRow
    shop_id: str
    merchant_id: str
    number: str  # the shop's, of the order
    purchase_order: str
    ordered: Money
    captured: Money
    refunding: Money  # all refunds of the order, this one too
    parts: Sequence[Part]  # how it would go back
    asked_at: datetime


def key_of(refund_id: str) -> str:
    """Name a refund among what people decide about; the audit chain has the same word for it."""
    return f"refund|{refund_id}"


def digest_of(row: RefundRow) -> str:
    """Return the digest of what was asked for: amount, order, cause, who asked and why."""
    return hashlib.sha256(to_json(replace(row, approved_by="")).encode()).hexdigest()


def note_asked(waiting: WaitingRefund, approvals: Approvals) -> None:
    """Remember the exact refund a person is asked about."""
    row = waiting.row
    key, digest = key_of(row.refund_id), digest_of(row)
    approvals.decide(key, digest, decision=ASKED, decided_by="tieout", reason=str(row.amount))


def question(waiting: WaitingRefund, limit: Money | None) -> tuple[str, str]:
    """Return subject and body, in Markdown, of the question.

    ``limit`` is up to where one person is enough; None: in this currency two always decide.
    """
    row = waiting.row
    ways = "; ".join(
        f"{one.way} of {one.amount}, capture {one.capture_id}" for one in waiting.parts
    )
    rows = (
        ("order", f"{waiting.number}, {waiting.ordered}, {waiting.purchase_order}"),
        ("shop", f"{waiting.shop_id} ({waiting.merchant_id})"),
        ("refund", str(row.amount)),
        ("one person is enough up to", str(limit) if limit else f"no {row.amount.currency} amount"),
        ("captured", str(waiting.captured)),
        ("all refunds of the order, with this one", str(waiting.refunding)),
        ("goes back as", ways),
        ("because of", f"{row.origin.replace('_', ' ')} {row.origin_key}"),
        ("asked by", row.asked_by),
        ("reason", row.reason),
        ("asked at", f"{waiting.asked_at:%Y-%m-%d %H:%M} UTC"),
        ("refund id", row.refund_id),
        ("digest", digest_of(row)[:16]),
    )
    table = "\n".join(f"| {name} | {cell(value)} |" for name, value in rows)
    refuse = (
        "It gives the money of a cancelled order back, so it cannot be refused."
        if row.origin == "cancellation"
        else "*Refuse* ends it; nothing moves."
    )
    return f"Refund of {row.amount}, order {waiting.number}: approve it?", (
        f"*Approve* gives the money back with the next run of `orders`; **{cell(row.asked_by)}** "
        f"asked for it and cannot approve it. {refuse} *Hold* leaves it waiting and asks again "
        f"tomorrow. No answer moves nothing either, and it is asked again.\n\n"
        f"| | |\n| --- | --- |\n{table}\n"
    )


@dataclass(frozen=True, slots=True)
class DecideRefunds:
    """Takes answers; the same rules as the API's. One that is on record may be given again."""

    service: OrderService
    approvals: Approvals
    audit: AuditLog

    def approve(self, refund_id: str, who: str) -> str:
        """Approve as a second person; the money moves with the next sweep.

        Raises:
            Rejected: by the one who asked (which is audited), or it does not wait any more.
            Retryable: it is not the refund that was asked about.
        """
        row = self.service.refunds.row(refund_id)
        if row.approved_by != who or self._ruling(refund_id) is not Ruling.approved:
            row, key, _ = self._asked(refund_id, who)
            try:
                self.service.approve_refund(refund_id, who, via=AIRFLOW)
            except Rejected as refusal:
                self.audit.note(f"{AIRFLOW}:{who}", "refund not approved", key, why=refusal.what)
                raise
        return f"{row.amount} approved by {who}, asked by {row.asked_by}; next: orders moves it"

    def refuse(self, refund_id: str, who: str, why: str) -> str:
        """End it; its amount may be refunded otherwise.

        Raises:
            Rejected: of a cancelled order, on its way already.
            CardNumberRefused: the reason holds one.
            Retryable: it is not the refund that was asked about.
        """
        reason = _reason(why, refund_id)
        words = f"refused by {who}: {reason}" if reason else f"refused by {who}"
        row = self.service.refunds.row(refund_id)
        if row.reason != words or self._ruling(refund_id) is not Ruling.refused:
            self._asked(refund_id, who)
            self.service.refuse_refund(refund_id, who, words, via=AIRFLOW)
        return f"{row.amount} {words}; nothing moves"

    def hold(self, refund_id: str, who: str, why: str) -> str:
        """Leave it waiting; it is asked about again after ``HOLD_RESTS``.

        One that was decided first is held by nobody, and nothing is signed.

        Raises:
            CardNumberRefused: the reason holds one.
            Retryable: it is not the refund that was asked about.
        """
        reason = _reason(why, refund_id)
        if (ruling := self._ruling(refund_id)) is not Ruling.none:
            return f"too late: held by {who}; it is {ruling} already"
        row, key, digest = self._asked(refund_id, who, again=(HELD, who))
        detail = {"amount": str(row.amount), "digest": digest, "why": reason}
        held = Signed("refund held", who, AIRFLOW, detail)
        self.approvals.decide(
            key, digest, decision=HELD, decided_by=who, reason=reason, signed=held
        )
        return f"{row.amount} held by {who}; it waits, and is asked about again tomorrow"

    def _ruling(self, refund_id: str) -> Ruling:
        return self.service.refunds.get(refund_id).facts.ruling

    def _asked(
        self, refund_id: str, who: str, again: tuple[str, str] | None = None
    ) -> tuple[RefundRow, str, str]:
        """Return the refund with its key and digest, if it is the one that was asked about.

        ``again``: the answer, and whose, that may be on record already in place of a question.
        """
        row = self.service.refunds.row(refund_id)
        key, digest = key_of(refund_id), digest_of(row)
        known = self.approvals.latest(key, digest)
        if known is None or (known[0] != ASKED and known != again):
            raise Retryable(
                f"it is not the refund that was asked about; the answer of {who} is void",
                f"refund {refund_id}",
                "It is asked again about the refund as it is now.",
            )
        return row, key, digest


def _reason(text: str, refund_id: str) -> str:
    refuse_in_words({"reason": text}, f"refund {refund_id}")
    return text.strip()
