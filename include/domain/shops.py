"""A shop as configured in ``include/mappings/shops.yaml``, and how its orders are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from include.domain.errors import Rejected
from include.domain.orders import USUAL_UNIT, LineKind


class ShopKind(StrEnum):
    woocommerce = "woocommerce"
    generic = "generic"


class CodeScheme(StrEnum):
    """How a SYSPRO customer code is made; both are pure functions of the shopper."""

    digest = "digest"  # of the mail address (or the shop's customer id) and the currency
    number = "number"  # the shop's own customer number


class CustomerBasis(StrEnum):
    """What the SYSPRO customer code of one shopper is made of."""

    mail = "mail"  # a digest: with few letters two shoppers may meet in one code
    number = "number"
    house_account = "house_account"  # shared by all guests


class LinkCustomers(StrEnum):
    """Whether a shopper without a customer of ours is looked for among SYSPRO's."""

    never = "never"
    by_mail = "by_mail"  # one customer of this mail address and currency is the shopper's


class GuestPolicy(StrEnum):
    per_email = "per_email"  # one SYSPRO customer for each mail address
    house_account = "house_account"  # all guests of a currency share one


class CardPlace(StrEnum):
    """Where the reference to a stored card is kept."""

    store = "store"  # our own table
    custom_form = "custom_form"  # a field of SYSPRO's customer form


class TaxMode(StrEnum):
    override = "override"  # net prices and the shop's tax are sent; SYSPRO does not compute it
    syspro = "syspro"  # SYSPRO computes the tax of what is sent


class KitMode(StrEnum):
    exploded_by_syspro = "exploded_by_syspro"  # the parent is sent, with its components' money
    components = "components"  # only the components are sent, with the kit's money


class RateSource(StrEnum):
    dated = "dated"  # fx_rates.yaml
    syspro = "syspro"  # the company's own rate table


class WebhookScheme(StrEnum):
    """How a shop signs what it sends us."""

    body_hmac = "body_hmac"  # base64 of the HMAC-SHA256 of the raw body, as WooCommerce does
    standard = "standard"  # Standard Webhooks 1.0: name, time and body are signed together


@dataclass(frozen=True, slots=True)
class Said:
    """Where a delivery says something: in a header, or at a dotted path of its body."""

    header: str = ""
    at: str = ""
    words: Mapping[str, str] = field(default_factory=dict, hash=False)  # theirs -> ours


@dataclass(frozen=True, slots=True)
class WebhookRules:
    """How the webhooks of a shop are judged and read."""

    scheme: WebhookScheme
    signature_header: str
    delivery: Said  # its name; a repeat has the same
    event: Said  # what happened, e.g. "order.updated"
    order_at: str  # dotted path of the order's number in the body
    timestamp_header: str = ""  # whole seconds; signed, so of the standard scheme alone
    tolerance: timedelta = timedelta(0)  # how far that time may be off, both ways

    @property
    def headers(self) -> frozenset[str]:
        """Every header that is read, in lower case."""
        named = (
            self.signature_header, self.timestamp_header, self.delivery.header, self.event.header
        )  # fmt: skip
        return frozenset(name.lower() for name in named if name)


@dataclass(frozen=True, slots=True)
class CustomerDefaults:
    """What a new SYSPRO customer gets; the codes are SYSPRO's."""

    branch: str
    terms_code: str
    area: str = ""
    salesperson: str = ""
    customer_class: str = ""
    tax_status: str = ""


@dataclass(frozen=True, slots=True)
class CustomerCodes:
    """How customer codes are made."""

    scheme: CodeScheme
    prefix: str
    max_length: int  # 7 to 15, as the company has it


@dataclass(frozen=True, slots=True)
class CardReference:
    """The custom form of SYSPRO that keeps stored cards; without a form, our own store does."""

    form: str = ""
    field_name: str = ""


class ChargeLine(StrEnum):
    """Which kind of line a charge becomes in SYSPRO."""

    freight = "freight"  # its ledger account is the freight account of SYSPRO's set-up
    misc = "misc"  # its product class chooses the ledger account


@dataclass(frozen=True, slots=True)
class Charge:
    """How a line that is not goods is written into a sales order; the codes are SYSPRO's."""

    line: ChargeLine
    product_class: str = ""  # of a misc line; a freight line has none
    charge_code: str = ""  # of a misc line; '' names none
    tax_code: str = ""  # '' is the connection's, or SYSPRO's own


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop, as configured on a day."""

    shop_id: str
    kind: ShopKind
    merchant_id: str
    conn_id: str
    callback_conn_id: str  # '' where the shop is only told through its own API
    purchase_order_prefix: str
    currencies: tuple[str, ...]
    warehouse: str
    order_type: str
    customer: CustomerDefaults
    clearing_banks: Mapping[str, str] = field(hash=False)  # SYSPRO bank by currency
    customer_codes: CustomerCodes
    guests: GuestPolicy
    house_accounts: Mapping[str, str] = field(hash=False)  # customer by currency
    link_customers: LinkCustomers
    stored_cards: CardReference
    payment_form: tuple[str, str]  # form and field of the sales order for the payment's request id
    refund_form: tuple[str, str]  # and for a refund's; '' notes nothing
    prices_include_tax: bool
    tax: TaxMode
    kits: KitMode
    merge_identical_lines: bool
    exchange_rates: RateSource
    charges: Mapping[LineKind, Charge] = field(hash=False)  # of every kind but goods
    statuses_pushed: frozenset[str]  # our states that the shop is told
    language: str  # ISO 639-1: of the sentences that its shoppers may read
    where: str  # "shops.yaml:6"
    webhooks: WebhookRules | None = None  # ``None``: WooCommerce's own, or the shop sends none
    payment_methods: frozenset[str] = frozenset()  # the shop's words; empty: every order is ours

    def purchase_order(self, number: str) -> str:
        """Return what SYSPRO and the gateway call an order of this shop."""
        return self.purchase_order_prefix + number

    @property
    def has_tax_line(self) -> bool:
        """Say whether the tax of an order becomes a charge of its own in the sales order."""
        return self.tax is TaxMode.override and not self.prices_include_tax

    def charge(self, kind: LineKind) -> Charge:
        """Return how a kind of line is written.

        Raises:
            Rejected: it is not configured; the message holds the line to add.
        """
        found = self.charges.get(kind)
        if found is None:
            raise Rejected(
                f"shop {self.shop_id!r} does not say how {kind.value} is written into SYSPRO",
                self.where,
                f"Add the line '{kind.value}: {{product_class: <SYSPRO class>}}' under charges.",
            )
        return found

    @property
    def token_form(self) -> tuple[str, str]:
        """Form and field of the customer for the stored card; '' where our own store has it."""
        return self.stored_cards.form, self.stored_cards.field_name

    def clearing_bank(self, currency: str) -> str:
        """Return the cash-book bank whose ledger is card clearing.

        Raises:
            Rejected: none is configured; the message holds the line to add.
        """
        found = self.clearing_banks.get(currency)
        if found is None:
            raise Rejected(
                f"shop {self.shop_id!r} has no clearing bank for {currency!r}",
                self.where,
                f"Add the line '{currency}: <SYSPRO bank>' under clearing_banks.",
            )
        return found


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field of an order request is read out of a shop's JSON."""

    paths: tuple[str, ...] = ()  # joined with a blank; () is a literal
    else_paths: tuple[str, ...] = ()  # read where the first are missing or empty
    default: str | None = None  # None: the field must be there and say something
    literal: str = ""
    blank: tuple[str, ...] = ()  # values that mean nothing
    words: Mapping[str, str] = field(default_factory=dict, hash=False)  # theirs -> ours
    only_if: tuple[str, str] | None = None  # read only where this path has this value
    where: str = ""  # "shop_fields.yaml:12"


Rules = Mapping[str, FieldRule]


@dataclass(frozen=True, slots=True)
class LineRules:
    """How one list of the shop's JSON becomes lines of one kind."""

    kind: LineKind
    each: str  # the path of the list
    fields: Rules = field(hash=False)


@dataclass(frozen=True, slots=True)
class FieldMap:
    """How an order of one kind of shop is read."""

    is_minor: bool  # amounts are whole minor units, not decimals
    order: Rules = field(hash=False)
    shopper: Rules = field(hash=False)
    bill_to: Rules = field(hash=False)
    ship_to: Rules = field(hash=False)
    lines: tuple[LineRules, ...]
    payment: Rules = field(hash=False)
    ignored: tuple[str, ...] | None  # paths nobody needs; None: whatever is not read passes
    where: str

    @property
    def sold_in(self) -> str:
        """Name the one unit of all goods; '' where lines name their own."""
        goods = (rules.fields.get("unit") for rules in self.lines if rules.kind is LineKind.goods)
        units = {unit.literal if unit else USUAL_UNIT for unit in goods}
        return units.pop() if len(units) == 1 else ""


class Ask(StrEnum):
    """What a status that a shop gives an order asks of us."""

    take = "take"  # an order that we do not know yet is placed
    sold = "sold"  # one that we do not know was sold without us: a person is told
    wait = "wait"  # it is placed once it names its payment: until then nobody has paid
    cancel = "cancel"  # it is unwound; a completed one needs a person
    discard = "discard"  # it is unwound; a completed one was only tidied away
    keep = "keep"  # nothing by itself; only that it is cancelled or declined takes its place


_FACT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class ShopStatus:
    """What a shop is told of an order's state."""

    status: str  # the shop's word
    note: str = ""  # facts stand in braces
    is_note_for_shopper: bool = False  # else the shop's own people alone read it

    def note_of(self, facts: Mapping[str, str]) -> str:
        """Return the note with its facts; one that is not known shows as ``-``."""
        found = self.note
        for name in _FACT.findall(self.note):
            found = found.replace(f"{{{name}}}", facts.get(name) or "-")
        return found

    def is_for_shopper(self, facts: Mapping[str, str]) -> bool:
        """Say whether its shopper reads the note: only the shop's people read one with a gap."""
        return self.is_note_for_shopper and all(map(facts.get, _FACT.findall(self.note)))


@dataclass(frozen=True, slots=True)
class ShopStatuses:
    """Both directions of one kind of shop."""

    told: Mapping[str, ShopStatus]  # by state of ours, or by what happened
    asks: Mapping[str, Ask]  # by status of the shop; any other asks nothing
