"""The nightly comparison after a store was put back, and the person who reads what it found.

The comparison is the product's own; its feeds show the truth. What was done, and is not known here
any more, is undone by hand, as its letter says.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from include.adapters.store.comparison import SqlLedger
from include.domain.erp_orders import ErpDocument, ErpOrder
from include.domain.money import Money
from include.services.comparing.erp_side import ErpSide
from include.services.comparing.gateway_side import GatewaySide
from include.services.comparing.ports import KIND_OF, Did, Findings, GatewayRow
from include.services.effects.dead_letters import DeadLetter
from include.services.effects.ports import EffectKind as K
from tests.prove.partner import erp_order
from tests.prove.truth import Entry
from tests.simulator.hub import EPOCH

if TYPE_CHECKING:
    from tests.prove.product import Kit
    from tests.prove.world import World

OWNER = "orders@acme.example"
KINDS = ("gateway_unknown", "erp_unpaid")
_WINDOW = timedelta(days=400)
_KNOWN = "SELECT their_key FROM effects WHERE state IN ('verified', 'declined')"  # these fit
_HAS_EFFECT = "SELECT 1 FROM effects WHERE reference = ?"
_IS_OURS = "SELECT 1 FROM effects WHERE their_key = ? AND state IN ('done', 'verified', 'declined')"
_IS_KNOWN = "SELECT 1 FROM orders WHERE order_id = ?"
_IS_ON_ITS_WAY = f"{_IS_KNOWN} AND state NOT IN ('completed', 'declined', 'cancelled')"
_GOES_BACK = "SELECT 1 FROM refunds WHERE order_id = ? AND state NOT IN ('done', 'refused')"
_DID = {kind: did for did, kind in KIND_OF.items()}


class Lists:
    """What the gateway and SYSPRO list of all that happened."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def between(self, _start_at: datetime, _end_at: datetime) -> Iterator[GatewayRow]:
        truth, codes = self._world.truth, self._world.plans
        fits = {key for (key,) in self._world.database.rows(_KNOWN)}
        for entry in list(truth.entries):
            is_shown = entry.kind in _DID and not (entry.is_undone or entry.their_key in fits)
            if is_shown and not self._is_doubled(entry):
                did = None if entry.is_no or not entry.amount_minor else _DID[entry.kind]
                code = codes[entry.order_id].order.purchase_order
                amount = Money(entry.amount_minor, "USD")
                yield GatewayRow(entry.their_key, did, entry.reference, code, amount)

    def _is_doubled(self, entry: Entry) -> bool:
        """A copy that the network made is another letter's, where its effect is known."""
        is_one = len(self._world.truth.standing(entry.reference)) == 1
        return not is_one and bool(self._world.database.rows(_HAS_EFFECT, entry.reference))

    def mti_of(self, request_id: str) -> str:
        return self._world.truth.by_their_key[request_id].reference

    def orders_since(self, cursor: str) -> Sequence[ErpOrder]:
        truth = self._world.truth
        return [
            erp_order(one)
            for one in truth.sales_orders.values()
            if not one.kept and len(truth.orders_of(one.purchase_order)) == 1
        ]

    def read_ahead(self, *_of: Sequence[str]) -> AbstractContextManager[None]:
        return nullcontext()

    def documents_of(self, purchase_order: str, customer: str) -> Sequence[ErpDocument]:
        return self._world.feeds.documents_of(purchase_order, customer)

    def receipts_of(self, _references: Sequence[str]) -> Sequence[ErpDocument]:
        return []

    def overpaid(self) -> Sequence[str]:
        return []


def compare(world: "World", kit: "Kit") -> bool:
    """Let ``order_care`` hold both lists against us; say whether it found nothing new."""
    ledger = SqlLedger(world.database, lambda _connection: world.hub.now())
    findings = Findings(world.product.shelf, ledger, OWNER)

    def take_order(code: str) -> bool:
        plan = next(one for one in world.plans.values() if one.order.purchase_order == code)
        if world.restored.is_passed_over(plan.order):
            return False
        kit.service.place(plan.order, "shop")
        return True

    lists = Lists(world)
    gateway = GatewaySide(
        merchant_id="acme_us",
        organization_id=world.product.desk().organization_id,
        prefixes=["PO"],
        feed=lists,
        ledger=ledger,
        service=kit.service,
        engine=kit.engine,
        take_order=take_order,
        findings=findings,
    )
    erp = ErpSide(
        merchant_id="acme_us",
        company_id="A",
        prefixes=["PO"],
        feed=lists,
        service=kit.service,
        engine=kit.engine,
        take_order=take_order,
        take_cancellation=kit.refund_push.take_cancellation,
        findings=findings,
        tolerance_minor=0,
    )
    gateway.compare(EPOCH, EPOCH + _WINDOW)
    erp.compare_listed(erp.listed_since(""))
    found = {(one.kind, one.key) for one in kit.letters.listing() if one.kind in KINDS}
    known = world.restored.found
    world.restored.found = known | found
    return found <= known


def take_back(world: "World", kit: "Kit", letter: DeadLetter) -> None:
    """Work on a letter of the comparison; one whose order may find it again stays open."""
    if undo(world, letter.kind, letter.key):
        kit.letters.resolve(letter.dead_letter_id, "controller", "taken back by hand")


def undo(world: "World", kind: str, key: str) -> bool:
    """Take back by hand what a letter of the comparison shows, with what was booked for it.

    Once its order rests, and each refund of it: until then it may be found again.
    """
    truth = world.truth
    if kind == "erp_unpaid":
        _call_off(world, key.partition("|")[2])
        return True
    _, request_id, did = key.split("|")
    entry = truth.by_their_key[request_id]
    if world.database.rows(_IS_OURS, request_id):
        return True  # its order has found it meanwhile
    if any(world.database.rows(asked, entry.order_id) for asked in (_IS_ON_ITS_WAY, _GOES_BACK)):
        return False
    world.restored.by_hand.add(entry.key)
    world.restored.seen_to.add(request_id)
    if did == Did.authorization:
        is_held = all(one.is_no or truth.is_voided(one) for one in truth.about(request_id))
        truth.freed.update([request_id] if is_held else [])
        return True
    owner, _, step = entry.key.partition("|")
    world.people.promised.pop(owner, None)
    if did in (Did.void, Did.reversal) or truth.is_voided(entry):
        return True  # nothing is taken, whoever asked for that
    truth.undo(entry)
    if truth.standing(entry.reference):
        return True  # a second copy: what was booked is for the one that stays
    _see_to(world, entry.order_id)
    booked = f"{owner}|{'receipt' if did == Did.capture else 'book'}|{step.rpartition('|')[2]}"
    world.restored.by_hand.add(booked)
    for one in truth.by_kind[K.ar_receipt]:
        if one.key == booked:
            truth.undo(one)
    return True


def _call_off(world: "World", number: str) -> None:
    order = world.truth.sales_orders[number]
    if not order.is_over:
        order.call_off()
        world.people.show_end(order)
    _see_to(world, order.order_id)


def _see_to(world: "World", order_id: str) -> None:
    """Leave what had left of an order to people, where it is not known here."""
    if not world.database.rows(_IS_KNOWN, order_id):
        world.people.given_up.add(order_id)
