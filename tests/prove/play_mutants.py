"""What only the other side's own turns show: its shop's admin, its analysts, its receivables."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from include.adapters.store.orders import SqlOrders
from include.adapters.store.refunds import SqlRefunds
from include.domain.accounts import GlTemplate
from include.domain.dispute_cases import Dispute, DisputeEvent, DisputeEventKind, disputes_of
from include.domain.erp_orders import ErpDocument, UnreadableRow
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderFacts
from include.domain.refunds import RefundFacts, RefundRow
from include.domain.reviews import Decision, DecisionEvent
from include.domain.shops import Ask
from include.services.books.journal_lines import Amounts, settlement_amounts
from include.services.effects.engine import Engine
from include.services.orders.decide_review import Decided, decide_review
from include.services.orders.order_service import OrderService
from include.services.orders.sagas import Event, Saga
from include.services.shop.ports import ShopOrder
from include.services.sync.push_refunds import RefundPush
from include.services.sync.sync_shop import ShopSync
from tests.prove.aged import TOO_OLD
from tests.prove.partner import SimulatedPartner
from tests.prove.world import Variant


class RefundsOfTheShopAreForgotten(ShopSync):
    """What was refunded in the shop's admin moves no money."""

    def _refunds(self, order_id: str, found: ShopOrder) -> None:
        return


class OurRecordsAreRefunded(ShopSync):
    """A refund that we recorded in the shop is taken for one of its own people."""

    def _refunds(self, order_id: str, found: ShopOrder) -> None:
        every = replace(self, refund_amount=lambda _it, one: Money(one.raw["minor"], "USD"))
        ShopSync._refunds(every, order_id, found)


class CancelsOfTheShopAreNotHeard(ShopSync):
    """An order that is cancelled in the shop goes on."""

    def _work(self, found: ShopOrder, tally: object) -> bool:
        deaf = replace(self, asks={**self.asks, "cancelled": Ask.take})
        return ShopSync._work(deaf, found, tally)  # type: ignore[arg-type]


class ChangesInTheShopAreNotTold(ShopSync):
    """A total that is changed in the shop is nobody's business."""

    def _hold_against(self, saga: Saga[OrderFacts], found: ShopOrder) -> None:
        return


class OlderStatusesAreSet(SimulatedPartner):
    """An update of the shop that comes late sets its status all the same."""

    def sets_status(self, *, is_late: bool, is_called_off: bool) -> bool:
        return not is_called_off


class CancelsAreTakenBack(SimulatedPartner):
    """What the shop's people have cancelled is set to what we know, before we have heard of it."""

    def sets_status(self, *, is_late: bool, is_called_off: bool) -> bool:
        return not is_late


class OneWeighing(SqlOrders):
    """What is left of a receipt is not set against a later invoice."""

    def _read(self, connection: Connection, key: str) -> Saga[OrderFacts]:
        saga = super()._read(connection, key)
        facts = saga.facts
        if not facts.applications:
            return saga
        return replace(saga, facts=replace(facts, planned_documents=facts.documents_to_plan()))


class HalfIsApplied(SimulatedPartner):
    """An invoice that somebody has paid otherwise is taken for one that our receipt has paid."""

    def is_off(self, drawn: int, paid: int, minor: int) -> bool:
        return max(drawn, paid) >= minor


class AnyAgeIsAskedFor(SqlRefunds):
    """The gateway is asked for a refund however old the capture is."""

    def ask(self, row: RefundRow, **how: Any) -> tuple[str, bool]:
        return super().ask(row, **{**how, "since": None})


class TooOldIsForgotten(RefundPush):
    """A credit note that the gateway gives nothing back for is nobody's business."""

    def take_note(self, note: ErpDocument | UnreadableRow) -> bool:
        try:
            return super().take_note(note)
        except Rejected as told:
            if TOO_OLD in told.what:
                return True
            raise


class KnownIsTooOldAgain(OrderService):
    """A refund that was made is asked for anew when its capture is too old by now."""

    def refund(self, order_id: str, amount: Money, **how: Any) -> str:
        if how["origin"] != "cancellation":
            desk = self.desk_of(self.orders.content(order_id).shop_id)
            newest = max((o.captured_date for o in self.orders.get(order_id).facts.captures),
                         default=desk.today)  # fmt: skip
            if newest < desk.rules.gives_back_since(desk.today):
                what = f"the capture of {newest} {TOO_OLD} that"
                raise Rejected(what, "a mutant", f"Pay {amount} by hand.")
        return super().refund(order_id, amount, **how)


class OneVoidIsAll(SqlOrders):
    """Once a capture is voided, nothing of its order is taken for captured."""

    def _read(self, connection: Connection, key: str) -> Saga[OrderFacts]:
        saga = super()._read(connection, key)
        taken = saga.facts.captures
        if not any(one.is_voided for one in taken):
            return saga
        voided = tuple(replace(one, is_voided=True) for one in taken)
        return replace(saga, facts=replace(saga.facts, captures=voided))


class PartsGoTogether(SqlRefunds):
    """What one capture of a refund gave back stands for what the others give."""

    def save(self, saga: Saga[RefundFacts], events: list[Event], **more: Any) -> Saga[RefundFacts]:
        gave = next((one.request_id for one in saga.facts.parts if one.request_id), "")
        parts = tuple(replace(one, request_id=one.request_id or gave) for one in saga.facts.parts)
        facts = replace(saga.facts, parts=parts)
        return super().save(replace(saga, facts=facts) if gave else saga, events, **more)


class NothingIsVoided(SqlRefunds):
    """What no batch has taken goes back by a refund, too."""

    def ask(self, row: RefundRow, **how: Any) -> tuple[str, bool]:
        return super().ask(row, **{**how, "may_void": False})


def takes_chargebacks_for_refunds(
    sums: Mapping[str, int], template: GlTemplate, *, fees_as_invoice: bool
) -> Amounts:
    """What an issuer takes back is booked as what was given back."""
    merged = {**sums, "refund": sums.get("refund", 0) + sums.get("chargeback", 0)}
    merged.pop("chargeback", None)
    return settlement_amounts(merged, template, fees_as_invoice=fees_as_invoice)


def forgets_reversals(events: Iterable[DisputeEvent]) -> list[Dispute]:
    """What an issuer gives back changes nothing about its case."""
    return disputes_of(one for one in events if one.kind is not DisputeEventKind.reversal)


def asks_for_no_answer(
    service: OrderService, engine: Engine, order_id: str, decision: Decision, *, analyst: str
) -> Decided:
    """What an analyst says is so, whatever the gateway makes of it."""
    found = decide_review(service, engine, order_id, decision, analyst=analyst)
    request_id = found.effect.key.rpartition("|")[2]
    wish = DecisionEvent(request_id, decision, service.orders.now(), "analyst", "wish", analyst)
    return Decided(found.effect, service.decide(wish))


class RefundedIsShipped(OrderService):
    """What its shop's people give back whole calls no order off."""

    def _call_off(self, row: RefundRow) -> None:
        return


class EarlyIsForgotten(SqlOrders):
    """Whether money went back before or after the invoice is the same to an order."""

    def _read(self, connection: Connection, key: str) -> Saga[OrderFacts]:
        saga = super()._read(connection, key)
        return replace(saga, facts=replace(saga.facts, early_minor=0))


PLAY_MUTANTS = (
    Variant("p1 refunds of the shop are forgotten", sync=RefundsOfTheShopAreForgotten),
    Variant("p2 our records of refunds are refunded", sync=OurRecordsAreRefunded, hunted_from=23),
    Variant("p3 cancels of the shop are not heard", sync=CancelsOfTheShopAreNotHeard),
    Variant("p4 changes in the shop are not told", sync=ChangesInTheShopAreNotTold, hunted_from=23),
    Variant("p5 an older status is set over a newer", partner=OlderStatusesAreSet, hunted_from=89),
    Variant("p6 cancels of the shop are taken back", partner=CancelsAreTakenBack, hunted_from=1013),
    Variant("p7 an analyst's word needs no answer", decide=asks_for_no_answer, hunted_from=102),
    Variant("p8 a later invoice is not paid", orders=OneWeighing, hunted_from=82),
    Variant("p9 what went off one side is applied", partner=HalfIsApplied, hunted_from=38),
    Variant(
        "p10 a refund of any age is asked of the gateway", refunds=AnyAgeIsAskedFor, hunted_from=4
    ),
    Variant("p11 a note that is too old is forgotten", push=TooOldIsForgotten, hunted_from=4),
    Variant(
        "p12 a refund that is known is too old again",
        service=KnownIsTooOldAgain,
        hunted_from=200,
    ),
    Variant("p13 one void releases the whole order", orders=OneVoidIsAll, hunted_from=17),
    Variant("p14 what one capture gave back is all", refunds=PartsGoTogether, hunted_from=19),
    Variant("p15 nothing is voided", refunds=NothingIsVoided),
    Variant(
        "p16 a chargeback is booked as a refund",
        books=takes_chargebacks_for_refunds,
        hunted_from=32,
    ),
    Variant("p17 a dispute won is lost all the same", cases=forgets_reversals, hunted_from=87),
    Variant(
        "p18 what is refunded whole is shipped",
        service=RefundedIsShipped,
        orders=EarlyIsForgotten,
        hunted_from=166,
    ),
)
