"""The shape of the tables that say what happens to an order, and whom it is told."""

import re
from datetime import time
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from include.domain.alerts import WITHOUT_WINDOW, AlertKind, Channel
from include.domain.order_rules import (
    CaptureWhen,
    OnClosedShort,
    OnCredit,
    OnExpiry,
    OnShortStock,
)
from include.domain.order_state import Ending
from include.domain.payment_meanings import Meaning, MoneyEffect, Retry
from include.domain.shops import Ask, ShopKind
from include.mappings.schema import (
    Currency,
    CutOff,
    Entry,
    Language,
    Loose,
    Mail,
    Row,
    Text,
    Zone,
    fault,
)

NOTE_FACTS = frozenset(
    "number sales_order amount captured reason payment invoice carrier tracking".split()
)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _country(text: str) -> str:
    if re.fullmatch(r"[A-Z]{2}", text) is None:
        raise fault(f"{text!r} is not a country", "Write two capitals such as US (ISO 3166-1).")
    return text


def _note(text: str) -> str:
    for name in _PLACEHOLDER.findall(text):
        if name not in NOTE_FACTS:
            raise fault(
                f"the note names {{{name}}}, which nobody fills",
                f"Use only {', '.join(f'{{{n}}}' for n in sorted(NOTE_FACTS))}.",
            )
    if set("{}") & set(_PLACEHOLDER.sub("", text)):
        raise fault(f"{text!r} has a brace without its other", "Close or remove it.")
    return text


def _clause(text: str) -> str:
    rest = text.replace("{products}", "")
    if set("{}") & set(rest) or text.endswith("."):
        do = "Name only {products}, and leave the full stop to the note that it stands in."
        raise fault(f"{text!r} is no clause", do)
    return text


Country = Annotated[Text, AfterValidator(_country)]
Note = Annotated[str, AfterValidator(_note)]
Positive = Annotated[int, Field(ge=1, le=1_000_000_000_000)]
Hours = Annotated[int, Field(ge=1, le=720)]


class MeaningRow(Row):
    meaning: Annotated[Meaning, Loose]
    money: Annotated[MoneyEffect, Loose]
    tell: Text  # a code of shopper_messages.yaml
    retry: Annotated[Retry, Loose]


class StatusRow(MeaningRow):
    by_reason: bool = False  # a reason's own row says more


class PaymentStatusesEntry(Entry):
    names: ClassVar = ("operation",)

    operation: Text
    statuses: dict[Text, StatusRow] = Field({})
    reasons: dict[Text, MeaningRow] = Field({})


class ShopperMessagesEntry(Entry):
    names: ClassVar = ("language",)

    language: Language
    messages: Annotated[dict[Text, Text], Field(min_length=1)]
    endings: dict[Annotated[Ending, Loose], Annotated[Text, AfterValidator(_clause)]]

    @model_validator(mode="after")
    def _has_all_endings(self) -> "ShopperMessagesEntry":
        for ending in Ending:
            if ending not in self.endings:
                raise fault(
                    f"{self.language!r} has no clause for {ending.value!r}",
                    f"Add the line '{ending.value}: <clause>' under endings.",
                )
        return self


class ShopStatusRow(Row):
    status: Text
    note: Note = ""
    to_shopper: bool = False

    @model_validator(mode="after")
    def _says_nothing_private(self) -> "ShopStatusRow":
        if self.to_shopper and (not self.note or "{sales_order}" in self.note):
            raise fault(
                f"the note {self.note!r} is not one for the shopper",
                "Write one without {sales_order}, or remove 'to_shopper: true'.",
            )
        return self


class OrderStatusesEntry(Entry):
    names: ClassVar = ("shop_kind",)

    shop_kind: Annotated[ShopKind, Loose]
    statuses: dict[Text, ShopStatusRow]
    asks: dict[Text, Annotated[Ask, Loose]]


class AmountRow(Row):
    least_minor: Annotated[int, Field(ge=0, le=1_000_000_000_000)]
    most_minor: Positive

    @model_validator(mode="after")
    def _is_a_range(self) -> "AmountRow":
        if self.least_minor > self.most_minor:
            raise fault(
                f"least_minor {self.least_minor} exceeds most_minor {self.most_minor}",
                "Swap the two.",
            )
        return self


class OrderRulesEntry(Entry):
    names: ClassVar = ("merchant_id",)

    merchant_id: Text
    amounts: Annotated[dict[Currency, AmountRow], Field(min_length=1)]
    ship_to: list[Country] = Field([])
    on_short_stock: Annotated[OnShortStock, Loose]
    on_credit_exceeded: Annotated[OnCredit, Loose]
    on_customer_on_hold: Annotated[OnCredit, Loose]
    on_credit_unknown: Annotated[OnCredit, Loose]
    on_closed_short: Annotated[OnClosedShort, Loose]
    capture_when: Annotated[CaptureWhen, Loose]
    authorization_days: Annotated[int, Field(ge=1, le=30)]
    authorization_days_by_brand: dict[Text, Annotated[int, Field(ge=1, le=30)]] = Field({})
    on_expiry: Annotated[OnExpiry, Loose]
    expiry_lead_hours: Hours
    review_alarm_hours: Hours
    max_lines: Annotated[int, Field(ge=1, le=9_999)]
    max_quantity: Annotated[int, Field(ge=1, le=100_000_000)]
    refund_limit_minor: dict[Currency, Annotated[int, Field(ge=0, le=1_000_000_000_000)]]
    refund_days: Annotated[int, Field(ge=1, le=730)]
    reverse_partial: bool


class RecipientRow(Row):
    mail: Mail | None = None
    chat: str = ""

    @model_validator(mode="after")
    def _is_one(self) -> "RecipientRow":
        if bool(self.mail) == bool(self.chat):
            raise fault("a recipient has a mail or a chat", "Write 'mail: ...' or 'chat: ...'.")
        return self

    @property
    def channel(self) -> Channel:
        return Channel.mail if self.mail else Channel.chat


class QuietRow(Row):
    begin: CutOff
    end: CutOff
    zone: Zone

    def hours(self) -> tuple[time, time]:
        return time.fromisoformat(self.begin), time.fromisoformat(self.end)


class AlertEntry(Entry):
    names: ClassVar = ("what",)

    what: Annotated[AlertKind, Loose]
    threshold: Annotated[int, Field(ge=1, le=1_000_000)]
    window_minutes: Annotated[int, Field(ge=1, le=43_200)] | None = None
    to: Annotated[list[RecipientRow], Field(min_length=1)]
    quiet_hours: QuietRow | None = None
    is_urgent: bool
    repeat_after_minutes: Annotated[int, Field(ge=1, le=43_200)]

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.what in WITHOUT_WINDOW and self.window_minutes is not None:
            raise fault(
                f"{self.what} counts what is there now, and knows no window_minutes",
                "Remove it; threshold, repeat_after_minutes and order_rules.yaml say when.",
            )
        if self.what not in WITHOUT_WINDOW and self.window_minutes is None:
            raise fault(f"{self.what} needs window_minutes", "Write it, e.g. window_minutes: 10.")
        return self
