"""Gateway against us: every request that held or moved money is one of ours, once, and equal.

What we did not know is learned by the normal path: the effect is looked at again, or the order is
taken in from its shop. What then still does not fit is set aside.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from include.domain.canonical import from_json
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.domain.order_steps import number_of
from include.domain.paying import was_declined
from include.domain.payments import Authorized, Reverse
from include.domain.standing import NOT_PAID
from include.services.comparing.ports import (
    KIND_OF,
    Did,
    Findings,
    GatewayFeed,
    GatewayRow,
    KnownRequest,
    Ledger,
    has_form,
)
from include.services.comparing.reverse_duplicate import is_reversed
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.states import EXECUTED
from include.services.orders.order_service import OrderService
from include.services.orders.sagas import Event

TakeOrder = Callable[[str], bool]  # by purchase order; whether its shop had it and it is ours now
_ASK = (
    "Find out who made it (the business center shows the user); reverse it there, or resolve this "
    "with the reason."
)
_WAIT = (
    "The store may have forgotten it: wait until its order rests, which may find it again. Then "
    "reverse it there, or resolve this with the reason."
)
_SHOWN_AFTER = timedelta(hours=1)  # a search is fed with delay
_WITH_AMOUNT = (Did.authorization, Did.capture, Did.refund)


@dataclass(frozen=True, slots=True)
class GatewaySide:
    """Compares one merchant's account; ``touched`` collects the orders that held or moved money."""

    merchant_id: str
    organization_id: str
    prefixes: Sequence[str]  # of purchase orders of the merchant's shops
    feed: GatewayFeed
    ledger: Ledger
    service: OrderService
    engine: Engine
    take_order: TakeOrder
    findings: Findings
    touched: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)  # request ids

    def compare(self, start_at: datetime, end_at: datetime) -> None:
        """Hold every request of a window against our effects and orders.

        Raises:
            Retryable: the gateway could not be asked.
        """
        for row in self.feed.between(start_at, end_at):
            self.shown.add(row.request_id)
            if row.did is None:
                self.findings.fits()
            else:
                self._row(row)

    def compare_ours(self, since: datetime) -> datetime:
        """Hold what we believe happened against the gateway; return until when.

        Raises:
            Retryable: the gateway could not be asked.
        """
        until = self.ledger.now() - _SHOWN_AFTER
        kinds = tuple(KIND_OF.values())
        for effect in self.ledger.sent_between(self.organization_id, kinds, since, until):
            item = ("gateway_missing", f"{effect.kind}|{effect.key}")
            order_id = self.ledger.order_of(effect)
            if order_id:
                self.touched.add(order_id)
            missing = "" if effect.their_key in self.shown else self._missing(effect)
            if not missing:
                self.findings.fits(item)
                continue
            fault = Rejected(
                f"the gateway answered {effect.their_key!r} and {missing}",
                f"{effect.kind.value} {effect.key}",
                "Ask the gateway for this request; if it never was, cancel or refund the order.",
            )
            self.findings.differs(*item, fault, Money(effect.amount_minor, effect.currency))
        return until

    def _missing(self, effect: Effect) -> str:
        """Say how the gateway lacks what it has answered; ``''``: it shows it.

        Its list of the day was read a moment ago, so one that cannot be told is that item's.
        """
        try:
            found = self.engine.read_back(effect.kind, effect.key).found
        except Retryable as fault:
            return f"does not tell whether it has it still: {fault.what}"
        return "" if found else "does not show it any more"

    # One request -----------------------------------------------------------------------------

    def _row(self, row: GatewayRow) -> None:
        effect = self._effect(row.mti)
        if effect is not None:
            return self._known_effect(row, effect)
        known = self.ledger.request(row.request_id)
        if known is not None:
            return self._known_request(row, known)
        order_id = self.service.orders.find(self.merchant_id, row.code)
        if order_id is not None and not row.mti:  # only our own orders are worth the question
            mti = self.feed.mti_of(row.request_id)
            effect = self._effect(mti) if mti else self._finder(row, order_id)
        if effect is not None:
            return self._known_effect(row, effect)
        return self._unknown(row, order_id)

    def _effect(self, mti: str) -> Effect | None:
        return self.ledger.effect_by_reference(self.organization_id, mti) if mti else None

    def _finder(self, row: GatewayRow, order_id: str) -> Effect | None:
        """Return the effect of an order whose own look finds a request that names no reference."""
        written = self.ledger.effects_of(order_id, KIND_OF[row.did]) if row.did else ()
        for effect in written:
            if effect.their_key == row.request_id:
                return effect
        for effect in written:
            try:
                found = self.engine.read_back(effect.kind, effect.key).found
            except Retryable:
                continue  # it cannot be told: the row is shown to a person, and fits once it can
            if any(one.their_key == row.request_id for one in found):
                return effect
        return None

    def _known_effect(self, row: GatewayRow, effect: Effect) -> None:
        order_id = self.ledger.order_of(effect)
        if effect.state not in EXECUTED:
            effect = self.engine.recheck(effect.kind, effect.key)
            self._make_due(order_id)
        if order_id:
            self.touched.add(order_id)
        if row.did is None or effect.kind is not KIND_OF[row.did]:
            return self.findings.fits()  # a second service of the same request
        # Of one in doubt the key may be that of a refusal: nothing stands that this could be twice.
        is_certain = bool(effect.their_key) and effect.state is not EffectState.in_doubt
        if is_certain and effect.their_key != row.request_id:
            return self._duplicate(row, effect, order_id)
        if effect.state not in EXECUTED:
            said = f"we hold it for {effect.state.value}: {effect.reason}"
            return self._differs(row, said, "See the dead letter of the effect, or wait for it.")
        if row.did is Did.authorization and order_id and self._is_forsaken(row, effect, order_id):
            what = f"holds {row.amount} for nobody: it was taken for declined"
            return self._propose(row, order_id, what, "Replay this to reverse it.")
        ours = _amount_of(effect)
        return self._amounts(row, ours)

    def _known_request(self, row: GatewayRow, known: KnownRequest) -> None:
        self.touched.add(known.order_id)
        self._amounts(row, known.amount)

    def _amounts(self, row: GatewayRow, ours: Money | None) -> None:
        is_equal = None in (ours, row.amount) or row.did not in _WITH_AMOUNT or ours == row.amount
        if is_equal:
            names = ("gateway_difference", "gateway_unknown")
            return self.findings.fits(*((kind, self._key(row)) for kind in names))
        said = f"we hold it for {ours}"
        do = "Find out which is right; refund or cancel the order through its shop."
        return self._differs(row, said, do)

    def _differs(self, row: GatewayRow, said: str, do: str) -> None:
        what = f"the gateway shows {row.did} {row.request_id} of {row.amount}; {said}"
        fault = Rejected(what, f"order {row.code}", do)
        self.findings.differs("gateway_difference", self._key(row), fault, row.amount)

    def _duplicate(self, row: GatewayRow, effect: Effect, order_id: str) -> None:
        do = f"Replay this to reverse the copy of {row.amount}; {effect.their_key} stays."
        return self._propose(row, order_id, f"is a second copy of {effect.their_key}", do)

    def _propose(self, row: GatewayRow, order_id: str, what: str, do: str) -> None:
        """Propose to reverse a request that nothing needs; a person agrees by replaying it."""
        key = f"{self.merchant_id}|{row.did}|{order_id}|{row.request_id}"
        if is_reversed(self.engine, row.request_id):
            return self.findings.fits(("gateway_duplicate", key))
        fault = Rejected(f"{row.did} {row.request_id} {what}", f"order {row.code}", do)
        return self.findings.differs("gateway_duplicate", key, fault, row.amount)

    def _is_forsaken(self, row: GatewayRow, effect: Effect, order_id: str) -> bool:
        """Say whether its order has it for declined: approved, and shown too late.

        Of what was approved and not wanted the order itself gives back what it holds.
        """
        facts = self.service.orders.get(order_id).facts
        number = number_of(effect.key.partition("|")[2])
        last = facts.payment if was_declined(facts) and number == facts.attempt else None
        is_now = last is not None and last.status in NOT_PAID
        if number >= facts.first_attempt and not is_now:
            return False
        reversals = self.ledger.effects_of(order_id, EffectKind.payment_reversal)
        own = [one for one in reversals if one.key.startswith(f"{order_id}|")]  # and no proposal's
        return row.request_id not in {
            from_json(Reverse, one.payload).authorization_id for one in own
        }

    def _unknown(self, row: GatewayRow, order_id: str | None) -> None:
        """Nobody here knows the request: its order may never have reached us."""
        if order_id is None and self.take_order(row.code):
            known = self.ledger.request(row.request_id)
            if known is not None:
                return self._known_request(row, known)
            order_id = self.service.orders.find(self.merchant_id, row.code)
        # An order that its shop has cancelled, say, is not taken in again once it is forgotten.
        is_forgotten = has_form(row.code, self.prefixes) and self.engine.is_doubted()
        if order_id is None and not is_forgotten:
            return self.findings.is_not_ours()
        if order_id is not None:
            self.touched.add(order_id)
        fault = Rejected(
            f"{row.did} {row.request_id} of {row.amount} is not of our making",
            f"order {row.code}",
            _WAIT if self.engine.is_doubted() else _ASK,
        )
        return self.findings.differs("gateway_unknown", self._key(row), fault, row.amount)

    def _key(self, row: GatewayRow) -> str:
        return f"{self.merchant_id}|{row.request_id}|{row.did}"

    def _make_due(self, order_id: str) -> None:
        if order_id:
            self.service.orders.amend(order_id, lambda facts: facts, Event("compared"))


def _amount_of(effect: Effect) -> Money | None:
    """Return what the other side answered, for a partial authorisation; else what was asked."""
    if effect.kind is EffectKind.payment_authorization:
        return from_json(Authorized, effect.evidence).authorized if effect.evidence else None
    return Money(effect.amount_minor, effect.currency)
