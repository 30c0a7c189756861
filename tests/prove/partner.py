"""Turns raw answers into the families of errors, as every hook must: doubt is the default."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from include.domain.canonical import to_plain
from include.domain.erp_orders import CustomerCredit, CustomerMatch, ErpDocument, ErpOrder
from include.domain.errors import OutcomeUnknown, Parked, Rejected, Retryable
from include.domain.money import Money
from include.domain.payments import Authorized, PaymentStatus
from include.domain.reviews import DecisionEvent
from include.domain.stock import StockLevel
from include.services.effects.ports import Difference, Effect, EffectKind, Found, Receipt
from tests.prove.faults import AT_ERP, CODES
from tests.prove.plans import SCARCE
from tests.prove.sales_order import COMPLETE, SalesOrder
from tests.prove.truth import ALTERED, Answer, Entry, acts_on
from tests.simulator.hub import EPOCH
from tests.simulator.network import NoAnswer, NotSent

if TYPE_CHECKING:
    from tests.prove.receivables import Receivables
    from tests.prove.world import World

_WHERE, _DO = "the simulated partner", "Look before sending again."


class SimulatedPartner:
    """A partner of any kind over the simulated wire."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def look(self, effect: Effect) -> tuple[Found, ...]:
        self._world.observe_call(effect)
        try:
            status, entries = self._world.wire.look(effect)
        except (NotSent, NoAnswer) as error:
            raise Retryable(type(error).__name__, _WHERE, _DO) from error
        if status != 200:
            return self.unreadable_look(status)
        found = tuple(self._found(effect, entry) for entry in entries)
        return self._applied(effect, found) if effect.kind is EffectKind.ar_application else found

    def _found(self, effect: Effect, entry: Entry) -> Found:
        facts = {**entry.evidence, "digest": entry.digest}
        if effect.kind is EffectKind.sales_order:
            facts["status"] = self._world.truth.sales_orders[entry.their_key].standing().status
        if entry.target:
            facts["acts_on"] = entry.target
        return Found(entry.their_key, facts, entry.is_no)

    def _applied(self, effect: Effect, found: tuple[Found, ...]) -> tuple[Found, ...]:
        """Go by what is left of the two documents; by our reference where that is not clear."""
        drawn, paid = self._world.receivables.down(effect)
        minor = effect.amount_minor
        by_balances = ()
        if self.is_off(drawn, paid, minor):
            facts: dict[str, object] = {"digest": effect.digest}
            by_balances = (Found(effect.their_key or f"{effect.reference}/balances", facts),)
        is_clear = drawn == paid and paid in (0, minor)
        if is_clear or effect.sent_at is None:
            return by_balances
        return found or by_balances

    def is_off(self, drawn: int, paid: int, minor: int) -> bool:
        """Say whether what went off a receipt and an invoice is an application, ours or not."""
        return min(drawn, paid) >= minor

    def unreadable_look(self, status: int) -> tuple[Found, ...]:
        """An answer that cannot be read is not an absence."""
        raise Retryable(f"HTTP {status}", _WHERE, _DO)

    def send(self, effect: Effect) -> Receipt:
        self._world.observe_send(effect)
        if effect.kind is EffectKind.ar_application:
            self._demand_left(effect)
        try:
            status, answer = self._world.wire.send(effect)
        except NotSent as error:
            raise Retryable("never connected", _WHERE, _DO) from error
        except NoAnswer as error:
            raise self.no_answer() from error
        if status in (429, 401):
            raise Retryable(f"HTTP {status}, not accepted", _WHERE, _DO)
        if status == 400 and names_no_field(effect):
            return self.lone_refusal()
        if status == 400:
            raise Rejected("a field is wrong", _WHERE, "Mend the field; then replay.")
        if status == 298:
            raise self.session_lost()
        if status != 200:
            raise self.bad_status(status)
        if answer is None:
            return self.unreadable(effect)
        return self.read(effect, answer)

    def _demand_left(self, effect: Effect) -> None:
        """Read both documents in the session of the post: where less is left, nothing is sent."""
        self._world.readers.ask("receipts")
        if not self._world.receivables.has_left(effect):
            do = "See the customer's account; apply what is left by hand, then resolve this."
            raise Rejected("less is left of the receipt or the invoice", _WHERE, do)

    def read(self, effect: Effect, answer: Answer) -> Receipt:
        """Judge a 200. Only what is known to mean no means no; the rest is a doubt."""
        if answer.word == "closed":
            raise Parked("the period is closed", _WHERE, "Open it.")
        if answer.word == "refused":
            raise Rejected("it is invoiced, or exceeds the balance", _WHERE, "See SYSPRO.")
        if answer.word == "duplicate":
            return self.duplicate(effect)
        evidence = {**answer.evidence, "digest": effect.digest}
        return Receipt(answer.their_key, evidence, answer.word == "no")

    def no_answer(self) -> Exception:
        return OutcomeUnknown("no answer", _WHERE, _DO)

    def bad_status(self, status: int) -> Exception:
        return OutcomeUnknown(f"HTTP {status}", _WHERE, _DO)

    def duplicate(self, effect: Effect) -> Receipt:
        """It is there, but is it ours? Look."""
        if names_no_field(effect):
            return self.lone_refusal()
        raise OutcomeUnknown("it says duplicate", _WHERE, _DO)

    def lone_refusal(self) -> Receipt:
        """A field is wrong, and it does not say which: a repeated reference, perhaps."""
        theirs, reason = "INVALID_REQUEST", "INVALID_DATA"
        no = to_plain(Authorized("9" * 22, PaymentStatus.invalid, theirs, reason))
        assert isinstance(no, dict)
        return Receipt("9" * 22, no, is_no=True, may_be_repeat=True)

    def session_lost(self) -> Exception:
        """Another logon may have ended the session after the post."""
        return OutcomeUnknown("session lost", _WHERE, _DO)

    def unreadable(self, effect: Effect) -> Receipt:
        raise OutcomeUnknown("unreadable answer", _WHERE, _DO)

    def sets_status(self, *, is_late: bool, is_called_off: bool) -> bool:
        """Say whether an update sets the shop's status, beside its note.

        No older one does, and none that is not the last takes a cancellation of its people back.
        """
        return not (is_late or is_called_off)

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        if effect.kind is EffectKind.review_decision:
            ours, theirs = json.loads(effect.payload)["decision"], str(found.facts["decision"])
            return () if ours == theirs else (Difference("decision", ours, theirs),)
        if "acts_on" in found.facts and found.facts["acts_on"] != acts_on(effect):
            return (Difference("request it acts on", acts_on(effect), found.facts["acts_on"]),)
        theirs = str(found.facts["digest"])
        if theirs == effect.digest or CODES[effect.kind] not in AT_ERP:
            return ()
        if effect.kind is EffectKind.sales_order and theirs != ALTERED:
            return ()  # whether it is in suspense is no difference
        return (Difference("digest", effect.digest, theirs),)


def names_no_field(effect: Effect) -> bool:
    """Say whether this authorization is one that the gateway refuses without saying why."""
    is_authorization = effect.kind is EffectKind.payment_authorization
    return is_authorization and effect.reference[-1] in "02468ACE"


class Readers:
    """The gateway and SYSPRO, read side; satisfies the ports of those who read."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def authorization(self, request_id: str) -> Authorized | None:
        self._ask("TS", "authorization")
        return self._world.truth.authorization(request_id, self._world.hub.seconds)

    def decided(self, request_ids: Sequence[str]) -> Iterator[DecisionEvent]:
        for request_id in request_ids:
            self._ask("TS", "decision")
            yield from self._world.feeds.decided([request_id])

    def stock(self, stock_codes: Sequence[str], warehouse: str) -> Sequence[StockLevel]:
        self._ask("SQ", "stock")
        return [StockLevel(code, 0 if code == SCARCE else 10**9) for code in stock_codes]

    def customers(self, email: str) -> Sequence[CustomerMatch]:
        return ()

    def credit(self, customer: str) -> CustomerCredit:
        self._ask("SQ", "credit")
        is_held = self._world.is_held(customer)
        exists = is_held or customer in self._world.truth.customers
        return CustomerCredit(customer, exists, is_held, Money(0, "USD"), None)  # no limit

    def order(
        self, *, purchase_order: str = "", sales_order: str = "", customer: str = ""
    ) -> ErpOrder | None:
        self._ask("SQ", "release")
        found = self._world.truth.orders_of(purchase_order)
        ranked = sorted(found, key=lambda one: (not one.is_cancelled, one.number))
        return erp_order(ranked[-1]) if ranked else None

    def documents_of(self, purchase_order: str, customer: str) -> Sequence[ErpDocument]:
        self._ask("SQ", "invoice")
        return self._world.feeds.documents_of(purchase_order, customer)

    def applies_receipts(self) -> bool:
        return self._world.receivables.is_played

    def receipts_of(self, references: Sequence[str]) -> Sequence[ErpDocument]:
        self._ask("SQ", "receipts")
        return self._world.receivables.shown(references)

    def ask(self, question: str) -> None:
        """Ask SYSPRO on the way to a write; whatever fails, nothing was written."""
        try:
            self._ask("SQ", question)
        except Rejected as fault:
            raise Retryable(fault.what, _WHERE, _DO) from fault

    def _ask(self, code: str, question: str) -> None:
        self._world.observe_read()
        try:
            status = self._world.wire.read(code, question)
        except (NotSent, NoAnswer) as error:
            raise Retryable(type(error).__name__, _WHERE, _DO) from error
        if status == 299 and code != "TS":  # as the hooks say of an answer that makes no sense
            raise Rejected("the answer cannot be read", _WHERE, "Correct it there.")
        if status != 200:
            raise Retryable(f"HTTP {status}", _WHERE, _DO)


def erp_order(order: SalesOrder) -> ErpOrder:
    last = order.invoices[-1][0] if order.invoices else ""
    return ErpOrder(
        order.number,
        order.customer,
        order.purchase_order,
        order.status,
        order.is_cancelled,
        last,
        cursor=order.cursor,
        is_complete=order.status == COMPLETE,
    )


def documents(order: SalesOrder, receivables: "Receivables") -> list[ErpDocument]:
    shows = receivables.is_played
    return [
        ErpDocument(
            order.customer,
            number,
            "I",
            order.purchase_order,
            order.number,
            Money(minor, "USD"),
            EPOCH.date(),
            cursor,
            Money(receivables.invoice_left(number), "USD") if shows else None,
        )
        for number, minor, cursor in order.invoices
    ]
