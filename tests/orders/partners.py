"""A gateway, an ERP and a shop in memory that satisfy the ports, and keep what really happened.

What the truth holds, no saga can see. ``say`` scripts the next answer of one kind of write.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from include.domain.canonical import from_json, to_plain
from include.domain.erp_orders import (
    AddCustomer,
    AddSalesOrder,
    BookReceipt,
    CustomerCredit,
    CustomerMatch,
    ErpAddress,
    ErpDocument,
    ErpOrder,
    Shipment,
)
from include.domain.errors import OutcomeUnknown, Rejected
from include.domain.money import Money
from include.domain.order_rules import (
    AmountRange,
    CaptureWhen,
    OnClosedShort,
    OnCredit,
    OnExpiry,
    OnShortStock,
    OrderRules,
)
from include.domain.order_state import Ending, OrderFacts, OrderState
from include.domain.orders import LineKind, Order, OrderLine
from include.domain.payments import (
    Authorize,
    Authorized,
    DecideReview,
    Moved,
    PaymentStatus,
    Reviewed,
    StoredToken,
)
from include.domain.refunds import RefundRow, RefundState
from include.domain.shops import CustomerBasis
from include.domain.stock import Product, StockLevel
from include.services.effects.departure import depart
from include.services.effects.ports import Difference, Effect, EffectKind, Found, Receipt
from include.services.orders.ports import ShopContext

Answer = Callable[[Effect], Receipt]
_GATEWAY = (
    EffectKind.payment_capture,
    EffectKind.payment_refund,
    EffectKind.payment_void,
    EffectKind.payment_reversal,
)


@dataclass
class Truth:
    """What the other sides executed, in order."""

    done: list[Effect] = field(default_factory=list)
    answers: dict[tuple[EffectKind, str], Receipt] = field(default_factory=dict)

    def count(self, kind: EffectKind) -> int:
        return sum(one.kind is kind for one in self.done)

    def kinds(self) -> list[str]:
        return [one.kind.value for one in self.done]


@dataclass
class FakePartner:
    """One partner for every kind; an answer not scripted is the good one."""

    truth: Truth = field(default_factory=Truth)
    script: dict[EffectKind, list[Answer]] = field(default_factory=lambda: defaultdict(list))

    def say(self, kind: EffectKind, answer: Answer) -> None:
        self.script[kind].append(answer)

    def lose(self, kind: EffectKind) -> None:
        """Execute the next write of a kind, and have its answer lost."""

        def lost(effect: Effect) -> Receipt:
            self.do(effect)
            raise OutcomeUnknown("no answer", "the partner", "It is looked for.")

        self.say(kind, lost)

    def look(self, effect: Effect) -> tuple[Found, ...]:
        found = self.truth.answers.get((effect.kind, effect.reference))
        if found is None:
            return ()
        return (Found(found.their_key, found.evidence, found.is_no),)

    def send(self, effect: Effect) -> Receipt:
        depart()
        waiting = self.script[effect.kind]
        return waiting.pop(0)(effect) if waiting else self.do(effect)

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        return ()

    def do(self, effect: Effect, receipt: Receipt | None = None) -> Receipt:
        """Execute, as a partner in good health does."""
        self.truth.done.append(effect)
        number = len(self.truth.done)
        answer = receipt or good_answer(effect, number)
        self.truth.answers[effect.kind, effect.reference] = answer
        return answer


def good_answer(effect: Effect, number: int) -> Receipt:
    """What a partner says to a write that went well."""
    if effect.kind is EffectKind.payment_authorization:
        return authorization(effect, number)
    if effect.kind in _GATEWAY:
        amount = Money(effect.amount_minor, effect.currency)
        return Receipt(f"{number:022}", as_evidence(Moved(f"{number:022}", "PENDING", amount)))
    if effect.kind is EffectKind.review_decision:
        asked = from_json(DecideReview, effect.payload)
        said = Reviewed(asked.request_id, asked.decision, asked.analyst)
        return Receipt(f"{number:022}", as_evidence(said))
    if effect.kind is EffectKind.sales_order:
        return Receipt(f"{number:06}", {"sales_order": f"{number:06}", "warnings": []})
    if effect.kind is EffectKind.ar_receipt:
        return Receipt(f"2026/11/{number}", {"journal": f"2026/11/{number}", "document": "_CRD01"})
    if effect.kind is EffectKind.ar_application:
        return Receipt(f"2026/11/{number}", {"journal": f"2026/11/{number}"})
    return Receipt(f"{number}", {})


def authorization(
    effect: Effect,
    number: int,
    status: PaymentStatus = PaymentStatus.authorized,
    approved: int | None = -1,
    reason: str = "",
) -> Receipt:
    """Answer an authorisation; ``approved`` -1 is all that was asked for, ``None`` nothing."""
    asked = from_json(Authorize, effect.payload)
    minor = asked.amount.minor if approved == -1 else approved
    found = Authorized(
        request_id=f"{number:022}",
        status=status,
        theirs=status.value.upper(),
        reason=reason,
        authorized=None if minor is None else Money(minor, asked.amount.currency),
        stored=StoredToken("C" * 32, "I" * 32, brand="visa") if asked.source.keep else None,
    )
    is_no = status in (PaymentStatus.declined, PaymentStatus.invalid)
    return Receipt(found.request_id, as_evidence(found), is_no)


def as_evidence(value: object) -> dict[str, object]:
    found: dict[str, object] = json.loads(json.dumps(to_plain(value)))
    return found


@dataclass
class FakeErp:
    """Reads of SYSPRO; what is not set is in stock, unknown or absent."""

    available: dict[str, int | None] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    credits: dict[str, CustomerCredit] = field(default_factory=dict)
    matches: list[CustomerMatch] = field(default_factory=list)
    orders: dict[str, ErpOrder] = field(default_factory=dict)
    documents: dict[str, list[ErpDocument]] = field(default_factory=dict)
    receipts: dict[str, ErpDocument] = field(default_factory=dict)  # by reference
    is_applying: bool = False
    fault: Exception | None = None

    def stock(self, stock_codes: Sequence[str], warehouse: str) -> Sequence[StockLevel]:
        self._maybe_fail()
        parts = [
            part.stock_code
            for code in stock_codes
            if (product := self.products.get(code))
            for part in product.parts
        ]
        return [
            StockLevel(code, self.available.get(code, 10**9), self.products.get(code))
            for code in dict.fromkeys((*stock_codes, *parts))
        ]

    def credit(self, customer: str) -> CustomerCredit:
        self._maybe_fail()
        unknown = CustomerCredit(customer, False, False, None, None)
        return self.credits.get(customer, unknown)

    def existing(self, customers: Sequence[str]) -> set[str]:
        return {one for one in customers if self.credit(one).exists}

    def customers(self, email: str) -> Sequence[CustomerMatch]:
        self._maybe_fail()
        return [one for one in self.matches if email.casefold() in one.email.casefold()]

    def order(
        self, *, purchase_order: str = "", sales_order: str = "", customer: str = ""
    ) -> ErpOrder | None:
        self._maybe_fail()
        return self.orders.get(purchase_order)

    def documents_of(self, purchase_order: str, customer: str) -> Sequence[ErpDocument]:
        self._maybe_fail()
        return self.documents.get(purchase_order, [])

    def applies_receipts(self) -> bool:
        return self.is_applying

    def receipts_of(self, references: Sequence[str]) -> Sequence[ErpDocument]:
        self._maybe_fail()
        return [self.receipts[one] for one in references if one in self.receipts]

    def _maybe_fail(self) -> None:
        if self.fault is not None:
            raise self.fault


@dataclass
class FakeRates:
    """Rates in millionths by pair of currencies; what is not set is not known."""

    known: dict[tuple[str, str], int] = field(default_factory=dict)

    def convert(self, amount: Money, currency: str, on: date) -> Money:
        if amount.currency == currency:
            return amount
        rate = self.known.get((amount.currency, currency))
        if rate is None:
            do = f"Add the line '{on}: \"<rate>\"'."
            raise Rejected(f"there is no rate {amount.currency} to {currency}", "fx_rates.yaml", do)
        return amount.convert(rate, currency)


@dataclass
class FakeGateway:
    """Reads of the gateway."""

    known: dict[str, Authorized] = field(default_factory=dict)

    def authorization(self, request_id: str) -> Authorized | None:
        return self.known.get(request_id)


class PlainTranslator:
    """The least that the saga needs; the real one is tested with the mappings."""

    def normalized(self, order: Order) -> Order:
        return order

    def customer_code(self, order: Order) -> str:
        return "W" + order.number.zfill(6)

    def goods(self, order: Order) -> Sequence[OrderLine]:
        return [line for line in order.lines if line.kind is LineKind.goods]

    def ending(self, ending: Ending, products: Sequence[str]) -> str:
        return f"{ending.value}: {', '.join(products)}"

    def customer_basis(self, order: Order) -> CustomerBasis:
        return CustomerBasis.mail

    def add_customer(self, order: Order, customer: str) -> AddCustomer:
        home = ErpAddress(("1 Main St", "", "", "", ""), "10001")
        return AddCustomer(
            "A",
            customer,
            order.shopper.name,
            "WEB",
            order.shopper.email,
            "",
            order.currency,
            home,
            home,
            "10",
            "CC",
        )

    def add_sales_order(
        self,
        order: Order,
        customer: str,
        order_date: date,
        *,
        is_suspended: bool,
        is_short: bool = False,
    ) -> AddSalesOrder:
        home = ErpAddress(("1 Main St", "", "", "", ""), "10001")
        return AddSalesOrder(
            "A",
            customer,
            order.purchase_order,
            order_date,
            order.currency,
            order.amount,
            order.lines,
            order.shopper.name,
            home,
            order.shopper.email,
            "W1",
            is_suspended=is_suspended,
        )

    def left_out(self, order: Order) -> Sequence[str]:
        return ["note"] if len(order.note) > 30 else []

    def receipt(
        self, order: Order, customer: str, amount: Money, posting_date: date, reference: str
    ) -> BookReceipt:
        return BookReceipt(
            "A", customer, reference, order.purchase_order, amount, "CLRUS", posting_date
        )

    def clearing_bank(self, currency: str) -> str:
        return "CLRUS"

    def shop_update(self, order: Order, facts: OrderFacts, state: OrderState) -> object:
        return {"order": order.number, "state": state.value, "payment": facts.first_attempt}

    def callback(self, order: Order, facts: OrderFacts, state: OrderState, at: datetime) -> object:
        return {"order": order.number, "event": f"order.{state}", "at": at.isoformat()}

    def shipped_callback(self, order: Order, shipment: Shipment, at: datetime) -> object:
        return {"order": order.number, "event": "order.shipped", "note": shipment.note}

    def refund_callback(
        self, order: Order, refund: RefundRow, state: RefundState, at: datetime
    ) -> object:
        return {"refund": refund.refund_id, "event": f"refund.{state}", "reason": refund.reason}

    def shop_refund(self, order: Order, refund: RefundRow) -> object:
        return {"order": order.number, "refund": refund.refund_id}


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 11, 3, 9, tzinfo=UTC)


def make_rules(**changes: object) -> OrderRules:
    rules = OrderRules(
        merchant_id="acme_us",
        amounts={"USD": AmountRange(50, 1_000_000)},
        ship_to=(),
        on_short_stock=OnShortStock.back_order,
        on_credit_exceeded=OnCredit.hold,
        on_customer_on_hold=OnCredit.hold,
        on_credit_unknown=OnCredit.hold,
        on_closed_short=OnClosedShort.refund,
        capture_when=CaptureWhen.at_once,
        authorization_days=7,
        authorization_days_by_brand={},
        on_expiry=OnExpiry.release,
        expiry_lead_hours=24,
        review_alarm_hours=48,
        max_lines=500,
        max_quantity=1000,
        refund_limit_minor={"USD": 50_000},
        refund_days=180,
        reverse_partial=True,
        where="order_rules.yaml:1",
    )
    return replace(rules, **changes)  # type: ignore[arg-type]


def desk(erp: FakeErp, gateway: FakeGateway, rules: OrderRules | None = None) -> ShopContext:
    return ShopContext(
        organization_id="acme_us_org",
        company_id="A",
        shop_target="web",
        owner="orders@acme.example",
        warehouse="W1",
        rules=rules or make_rules(),
        translator=PlainTranslator(),
        gateway=gateway,
        erp=erp,
        rates=FakeRates(),
        clock=FixedClock(),
        told_states=frozenset(("in_review", "captured", "completed", "declined", "cancelled")),
        today=date(2026, 11, 3),
        open_receipts=erp,
    )
