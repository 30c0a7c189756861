"""The shape of ``shops.yaml`` and ``shop_fields.yaml``."""

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from include.domain.orders import SOLD, LineKind
from include.domain.shops import (
    CardPlace,
    ChargeLine,
    CodeScheme,
    GuestPolicy,
    KitMode,
    LinkCustomers,
    RateSource,
    ShopKind,
    TaxMode,
    WebhookScheme,
)
from include.mappings.schema import Currency, Entry, Language, Loose, Row, Text, fault

_CODE = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.\-]*")
_HEADER = re.compile(r"[A-Za-z0-9\-]{1,80}")
_DOTTED = re.compile(r"[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*")
_PATH = re.compile(r"[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+|\[[A-Za-z0-9_\-]+\])*")


def _sized(longest: int) -> AfterValidator:
    def check(text: str) -> str:
        if text and (len(text) > longest or _CODE.fullmatch(text) is None):
            raise fault(
                f"{text!r} is not a SYSPRO code of at most {longest} characters",
                "Write the code as SYSPRO has it: letters, digits, '_', '.' or '-'.",
            )
        return text

    return AfterValidator(check)


def _prefix(text: str) -> str:
    if re.fullmatch(r"[A-Z][A-Z0-9\-]{0,5}", text) is None:
        raise fault(
            f"{text!r} is not a prefix",
            'Write at most six capitals, digits or hyphens, a capital first, such as "W".',
        )
    return text


def _path(text: str) -> str:
    if _PATH.fullmatch(text) is None:
        raise fault(
            f"{text!r} is not a path",
            "Write names with dots between, a list's item as name[0] and the value of a "
            "{key, value} list as name[its_key].",
        )
    return text


def _header(text: str) -> str:
    if text and _HEADER.fullmatch(text) is None:
        raise fault(
            f"{text!r} is not the name of a header",
            "Write letters, digits and hyphens, such as webhook-signature.",
        )
    return text


def _dotted(text: str) -> str:
    if text and _DOTTED.fullmatch(text) is None:
        raise fault(f"{text!r} is not a dotted path", "Write names with dots between: data.no.")
    return text


Header = Annotated[str, AfterValidator(_header)]
Dotted = Annotated[str, AfterValidator(_dotted)]
Branch = Annotated[Text, _sized(10)]
Bank = Annotated[Text, _sized(15)]
Customer = Annotated[Text, _sized(15)]
Prefix = Annotated[Text, AfterValidator(_prefix)]
JsonPath = Annotated[Text, AfterValidator(_path)]


class CustomerRow(Row):
    branch: Branch
    terms_code: Annotated[Text, _sized(2)]
    area: Annotated[str, _sized(10)] = ""
    salesperson: Annotated[str, _sized(20)] = ""
    customer_class: Annotated[str, _sized(10)] = ""
    tax_status: Annotated[str, _sized(1)] = ""


class CustomerCodesRow(Row):
    scheme: Annotated[CodeScheme, Loose]
    prefix: Prefix
    max_length: Annotated[int, Field(ge=7, le=15)]


class CardsRow(Row):
    place: Annotated[CardPlace, Loose]
    form: Annotated[str, _sized(6)] = ""
    field_name: Annotated[str, _sized(20)] = ""


class FormFieldRow(Row):
    form: Annotated[Text, _sized(6)]
    field_name: Annotated[Text, _sized(20)]


class OrderFormRow(Row):
    payment: FormFieldRow | None = None
    refund: FormFieldRow | None = None


class ChargeRow(Row):
    line: Annotated[ChargeLine, Loose] = ChargeLine.misc
    product_class: Annotated[str, _sized(20)] = ""
    charge_code: Annotated[str, _sized(6)] = ""
    tax_code: Annotated[str, _sized(3)] = ""

    @model_validator(mode="after")
    def _fits_its_line(self) -> "ChargeRow":
        if self.line is ChargeLine.freight and (self.product_class or self.charge_code):
            raise fault(
                "a freight line has no product_class and no charge_code in SYSPRO",
                "Remove them, or write it as a misc line: leave out 'line: freight'.",
            )
        if self.line is ChargeLine.misc and not self.product_class:
            raise fault(
                "product_class is missing",
                "Add 'product_class: <SYSPRO product class>': it chooses the ledger account.",
            )
        return self


class SaidRow(Row):
    header: Header = ""
    at: Dotted = ""
    words: dict[str, str] = Field({})

    @model_validator(mode="after")
    def _has_one_place(self) -> "SaidRow":
        if bool(self.header) == bool(self.at):
            raise fault(
                f"{'both' if self.at else 'none'} of header and at",
                "Say where it stands: 'header: name', or 'at: path' into the body.",
            )
        return self


class WebhooksRow(Row):
    scheme: Annotated[WebhookScheme, Loose]
    signature_header: Annotated[Text, AfterValidator(_header)]
    timestamp_header: Header = ""
    tolerance_minutes: Annotated[int, Field(ge=0, le=60)] = 0
    delivery: SaidRow
    event: SaidRow
    order_at: Annotated[Text, AfterValidator(_dotted)]

    @model_validator(mode="after")
    def _fits_its_scheme(self) -> "WebhooksRow":
        if self.scheme is WebhookScheme.standard:
            if not (self.timestamp_header and self.tolerance_minutes and self.delivery.header):
                raise fault(
                    "the standard scheme signs the delivery's name and its time",
                    "Write timestamp_header, tolerance_minutes and 'delivery: {header: ...}'.",
                )
        elif self.timestamp_header or self.tolerance_minutes:
            raise fault(
                "body_hmac signs the body alone, so a time in a header proves nothing",
                "Remove timestamp_header and tolerance_minutes, or write 'scheme: standard'.",
            )
        return self


class ShopEntry(Entry):
    names: ClassVar = ("shop_id",)

    shop_id: Text
    kind: Annotated[ShopKind, Loose]
    merchant_id: Text
    conn_id: Text
    callback_conn_id: str = ""
    purchase_order_prefix: Prefix
    currencies: Annotated[list[Currency], Field(min_length=1)]
    language: Language
    warehouse: Annotated[Text, _sized(10)]
    order_type: Annotated[str, _sized(2)] = ""
    customer: CustomerRow
    clearing_banks: dict[Currency, Bank]
    customer_codes: CustomerCodesRow
    guests: Annotated[GuestPolicy, Loose]
    house_accounts: dict[Currency, Customer] = Field({})
    link_customers: Annotated[LinkCustomers, Loose]
    stored_cards: CardsRow
    order_fields: OrderFormRow = OrderFormRow()
    prices_include_tax: bool
    tax: Annotated[TaxMode, Loose]
    kits: Annotated[KitMode, Loose]
    merge_identical_lines: bool
    exchange_rates: Annotated[RateSource, Loose]
    charges: dict[Annotated[LineKind, Loose], ChargeRow]
    statuses_pushed: list[Text]
    webhooks: WebhooksRow | None = None
    payment_methods: list[Text] = Field([])


class ConditionRow(Row):
    at: JsonPath
    equals: Text


class FieldRow(Row):
    at: JsonPath | None = None
    join: list[JsonPath] = Field([])
    else_at: JsonPath | None = None
    else_join: list[JsonPath] = Field([])
    literal: str = ""
    default: str | None = None
    blank: list[str] = Field([])
    words: dict[str, str] = Field({})
    only_if: ConditionRow | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> "FieldRow":
        given = [name for name in ("at", "join", "literal") if getattr(self, name)]
        if len(given) != 1:
            raise fault(
                f"a field has {' and '.join(given) or 'none'} of at, join and literal",
                "Say where it is read: one of 'at: path', 'join: [path, path]', 'literal: text'.",
            )
        if self.else_at and self.else_join:
            raise fault("else_at and else_join are both given", "Keep one of them.")
        if self.only_if is not None and self.default is None:
            raise fault("only_if without a default", "Add 'default: \"\"', what it is otherwise.")
        return self


class OrderFieldsRow(Row):
    number: FieldRow
    currency: FieldRow
    amount: FieldRow
    tax: FieldRow | None = None
    prices_hold_tax: FieldRow | None = None
    placed_at: FieldRow | None = None
    note: FieldRow


class ShopperFieldsRow(Row):
    name: FieldRow
    email: FieldRow
    reference: FieldRow
    phone: FieldRow


class AddressFieldsRow(Row):
    name: FieldRow
    company: FieldRow
    line_1: FieldRow
    line_2: FieldRow
    line_3: FieldRow | None = None
    line_4: FieldRow | None = None
    city: FieldRow
    region: FieldRow
    postal_code: FieldRow
    country: FieldRow


class LineFieldsRow(Row):
    id: FieldRow | None = None
    parent_id: FieldRow | None = None
    stock_code: FieldRow | None = None
    description: FieldRow
    quantity: FieldRow | None = None
    unit: FieldRow | None = None
    unit_price: FieldRow | None = None
    net: FieldRow | None = None
    gross: FieldRow | None = None
    tax: FieldRow
    net_after_discount: FieldRow | None = None
    tax_after_discount: FieldRow | None = None


class LinesRow(Row):
    kind: Annotated[LineKind, Loose]
    each: JsonPath
    fields: LineFieldsRow

    @model_validator(mode="after")
    def _has_one_amount(self) -> "LinesRow":
        if self.kind not in SOLD:
            raise fault(
                f"no shop sells lines of {self.kind.value}",
                f"Map the tax of each line as its 'tax'. Kinds are {', '.join(SOLD)}.",
            )
        has_net, has_gross = self.fields.net is not None, self.fields.gross is not None
        if has_net == has_gross:
            raise fault(
                f"{self.kind.value} lines have {'both net and gross' if has_net else 'no amount'}",
                "Map one of 'net' (without tax) and 'gross' (with it).",
            )
        after = (self.fields.net_after_discount, self.fields.tax_after_discount)
        if (after[0] is None) != (after[1] is None) or (after[0] is not None and has_gross):
            raise fault(
                "net_after_discount and tax_after_discount go together, and with net",
                "Map both, or neither.",
            )
        return self


class PaymentFieldsRow(Row):
    method: FieldRow | None = None
    transient_id: FieldRow
    customer_id: FieldRow
    instrument_id: FieldRow
    request_id: FieldRow
    keep: FieldRow
    authentication_id: FieldRow | None = None
    ip_address: FieldRow | None = None
    device_session: FieldRow | None = None


class ShopFieldsEntry(Entry):
    names: ClassVar = ("shop_kind",)

    shop_kind: Annotated[ShopKind, Loose]
    amounts: Annotated[str, Field(pattern="^(decimal|minor)$")]
    unknown_fields: Annotated[str, Field(pattern="^(refuse|ignore)$")]
    ignored: list[JsonPath] = Field([])
    order: OrderFieldsRow
    shopper: ShopperFieldsRow
    bill_to: AddressFieldsRow
    ship_to: AddressFieldsRow
    lines: Annotated[list[LinesRow], Field(min_length=1)]
    payment: PaymentFieldsRow

    @model_validator(mode="after")
    def _has_goods(self) -> "ShopFieldsEntry":
        if all(row.kind is not LineKind.goods for row in self.lines):
            raise fault("no list is read as goods", "Add one with 'kind: goods' under lines.")
        return self
