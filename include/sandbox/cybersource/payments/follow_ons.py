"""Captures, refunds, reversals and voids, by id or, after a time-out, by transaction id."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from include.sandbox.cybersource.payments import answers
from include.sandbox.cybersource.payments.book import Entry
from include.sandbox.cybersource.payments.desk import Call, PaymentDesk
from include.sandbox.cybersource.payments.level_three import transmission
from include.sandbox.cybersource.payments.reading import Problem, minor, money, part
from include.sandbox.server import Response

_TOTAL = "orderInformation.amountDetails.totalAmount"
_CURRENCY = "orderInformation.amountDetails.currency"
_REVERSED = "reversalInformation.amountDetails.totalAmount"
_REVERSED_CURRENCY = "reversalInformation.amountDetails.currency"
_NUMBER = "processingInformation.captureOptions.captureSequenceNumber"
_COUNT = "processingInformation.captureOptions.totalCaptureCount"
_TRANSACTION_ID = "clientReferenceInformation.transactionId"
KINDS = {"payments": "authorization", "captures": "capture", "refunds": "refund"}
KINDS |= {"credits": "credit"}


class FollowOns:
    """Work of the calls about an earlier request."""

    def __init__(self, desk: PaymentDesk) -> None:
        self.desk = desk
        self.book = desk.book

    def capture(self, call: Call) -> Response:
        """POST /pts/v2/payments/{id}/captures: several are allowed, up to what is held."""
        root = self._authorization(call)
        amount, currency = money(call.body, call.merchant)
        self.desk.guard(call)
        if currency != root.currency:
            raise Problem("INVALID_DATA", _CURRENCY)
        lines = transmission(call.body, amount, currency, is_enabled=self.desk.settings.level_three)
        return answers.created(answers.capture(self.captured(call, root, amount), lines))

    def captured(self, call: Call, root: Entry, amount: int) -> Entry:
        """Put an amount of an authorization into the batch.

        Raises:
            Problem: more than is held, or nothing is.
        """
        if not amount:
            raise Problem("INVALID_AMOUNT", _TOTAL)
        is_waiting = root.status == "AUTHORIZED_PENDING_REVIEW"
        if is_waiting and not self.desk.settings.capture_in_review:
            raise Problem("MISSING_AUTH")
        if root.is_released or root.reversed_minor >= root.authorized_minor:
            raise Problem("AUTH_ALREADY_REVERSED")
        if self._has_lapsed(root):
            raise Problem("MISSING_AUTH")
        if root.captured_minor + amount > root.authorized_minor - root.reversed_minor:
            raise Problem("EXCEEDS_AUTH_AMOUNT")
        entry = self.desk.new_entry(
            call,
            "capture",
            amount,
            root.currency,
            root.card,
            status="PENDING",
            root=root,
            parent=root,
            billed_minor=amount,
        )
        self.desk.keep(call, entry, verb="capture")
        self.desk.tell("capture", entry)
        root.is_released |= self.desk.settings.last_capture_releases and _is_last(call.body)
        return entry

    def _has_lapsed(self, root: Entry) -> bool:
        """Say whether the issuer holds nothing any more; how that is told is not published."""
        days = self.desk.settings.hold_days
        age = self.desk.world.live.now(root.merchant) - root.at
        return bool(days) and age > timedelta(days=days)

    def _authorization(self, call: Call) -> Entry:
        root = self.book.get(call.target, call.merchant)
        if root is None:
            raise Problem("INVALID_PAYMENT_ID")
        if root.kind != "authorization" or not root.authorized_minor:
            raise Problem("MISSING_AUTH")
        return root

    def refund(self, noun: str) -> Callable[[Call], Response]:
        """POST /pts/v2/{payments,captures}/{id}/refunds: in parts, up to what was captured."""

        def work(call: Call) -> Response:
            paid = self.book.get(call.target, call.merchant)
            if paid is None or paid.kind != KINDS[noun] or not paid.billed_minor:
                raise Problem("INVALID_PAYMENT_ID")
            amount, currency = money(call.body, call.merchant)
            self.desk.guard(call)
            if currency != paid.currency:
                raise Problem("INVALID_DATA", _CURRENCY)
            if paid.is_voided:
                raise Problem("CAPTURE_ALREADY_VOIDED")
            is_excess = amount > paid.billed_minor - paid.refunded_minor
            if not amount or (is_excess and not self.desk.settings.refund_excess):
                raise Problem("INVALID_AMOUNT", _TOTAL)
            return self._refunded(call, paid, amount)

        return work

    def _refunded(self, call: Call, paid: Entry, amount: int) -> Response:
        outcome = call.outcome
        is_declined = outcome is not None and outcome.status == "DECLINED"
        entry = self.desk.new_entry(
            call,
            "refund",
            amount,
            paid.currency,
            paid.card,
            status="DECLINED" if is_declined else "PENDING",
            reason=outcome.reason if outcome and is_declined else "",
            root=paid.root or paid,
            parent=paid,
            billed_minor=0 if is_declined else amount,
        )
        paid.refunded_minor += entry.billed_minor
        self.desk.keep(call, entry, is_done=not is_declined)
        self.desk.tell("refund", entry)
        lines = transmission(
            call.body, amount, paid.currency, is_enabled=self.desk.settings.level_three
        )
        return answers.created(answers.refund(entry, outcome, lines))

    def reversal(self, call: Call) -> Response:
        """POST /pts/v2/payments/{id}/reversals: release the hold, or a part of it."""
        root = self._authorization(call)
        amount = self._reversal_amount(call, root)
        held = root.authorized_minor - root.reversed_minor
        if held <= 0:
            raise Problem("AUTH_ALREADY_REVERSED")
        self._check_uncaptured(root)
        if amount > held - root.captured_minor:
            raise Problem("EXCEEDS_AUTH_AMOUNT", _REVERSED)
        return answers.created(answers.reversal(self.reversed(call, root, amount), root))

    def reversed(self, call: Call, root: Entry, amount: int, application: str = "") -> Entry:
        """Release an amount of a hold, which the caller has checked."""
        root.reversed_minor += amount
        entry = self.desk.new_entry(
            call,
            "reversal",
            amount,
            root.currency,
            root.card,
            status="REVERSED",
            root=root,
            parent=root,
            application=application,
        )
        self.desk.keep(call, entry, verb="reversal")
        self.desk.tell("reversal", entry)
        return entry

    def _check_uncaptured(self, root: Entry) -> None:
        """Refuse where money is captured, unless the processor can reverse after that."""
        if root.is_released:
            raise Problem("TRANSACTION_ALREADY_REVERSED_OR_SETTLED")
        if not root.captured_minor or self.desk.settings.reverse_after_capture:
            return
        is_closed = root.is_batch_closed
        word = "TRANSACTION_ALREADY_SETTLED" if is_closed else None
        raise Problem(word or "TRANSACTION_ALREADY_REVERSED_OR_SETTLED")

    def _reversal_amount(self, call: Call, root: Entry) -> int:
        if part(call.body, _REVERSED) is None:
            raise Problem("MISSING_FIELD", _REVERSED)
        if part(call.body, _REVERSED_CURRENCY) not in (None, root.currency):
            raise Problem("INVALID_DATA", _REVERSED_CURRENCY)
        amount = minor(call.body, _REVERSED, root.currency)
        if not amount and root.authorized_minor:
            raise Problem("INVALID_AMOUNT", _REVERSED)
        return amount

    def timeout_reversal(self, call: Call) -> Response:
        """POST /pts/v2/reversals: release what a lost authorization holds.

        The amount is that of the request, as the caller cannot know a partial approval.
        """
        root = self._lost(call)
        if root.kind != "authorization" or not root.authorized_minor:
            raise Problem("INVALID_DATA")
        amount = self._reversal_amount(call, root)
        held = root.authorized_minor - root.reversed_minor
        if held <= 0:
            raise Problem("AUTH_ALREADY_REVERSED")
        self._check_uncaptured(root)
        if amount not in (root.amount_minor, root.authorized_minor):
            raise Problem("INVALID_AMOUNT", _REVERSED)
        # A service of its own, in the list of those that a search names.
        entry = self.reversed(call, root, held - root.captured_minor, "ics_timeout_auth_reversal")
        return answers.created(answers.reversal(entry, root))

    def void(self, noun: str) -> Callable[[Call], Response]:
        """POST /pts/v2/{payments,captures,refunds,credits}/{id}/voids."""

        def work(call: Call) -> Response:
            entry = self.book.get(call.target, call.merchant)
            if entry is None or entry.kind != KINDS[noun]:
                raise Problem("INVALID_PAYMENT_ID")
            return self._voided(call, entry)

        return work

    def timeout_void(self, call: Call) -> Response:
        """POST /pts/v2/voids: void a lost sale, capture, refund or credit."""
        return self._voided(call, self._lost(call))

    def _lost(self, call: Call) -> Entry:
        named = call.reference.transaction_id
        if not named:
            raise Problem("MISSING_FIELD", _TRANSACTION_ID)
        wait = self.desk.settings.timeout_wait_s
        found = self.book.original(call.merchant, named, wait)
        if found is None:
            raise Problem("INVALID_DATA")  # without details, as the documented answer
        return found

    def _voided(self, call: Call, target: Entry) -> Response:
        """Take a line out of its open batch. The hold of what is voided stays: reverse it."""
        is_open = target.billed_minor and not target.is_settled and not target.is_voided
        if not is_open or target.refunded_minor:
            raise Problem("NOT_VOIDABLE")
        target.is_voided = True
        root = target.root or target
        root.is_released |= self.desk.settings.void_releases_hold and not root.captured_minor
        self.desk.world.live.take_out(target.merchant, target.day, target.request_id)
        if target.kind == "refund" and target.parent:
            target.parent.refunded_minor -= target.billed_minor
        entry = self.desk.new_entry(
            call,
            "void",
            target.billed_minor,
            target.currency,
            target.card,
            status="VOIDED",
            root=target.root or target,
            parent=target,
        )
        self.desk.keep(call, entry)
        self.desk.tell("void", entry)
        return answers.created(answers.void(entry))


def _is_last(body: dict[str, Any]) -> bool:
    """Say whether a capture is its authorization's last: by equal numbers, or for want of them."""
    number, count = part(body, _NUMBER), part(body, _COUNT)
    return number is None or count is None or str(number) == str(count)
