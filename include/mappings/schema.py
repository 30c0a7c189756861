"""The shape of every mapping file. Unknown keys and values of another type are refused.

The models say what one value may be; ``rules.py`` says what several must be together.
"""

import re
from datetime import date, datetime, time
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_args
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from include.domain.merchant import (
    DisputeRules,
    JournalPolicy,
    PeriodPolicy,
    SourceKind,
    WriteOffPolicy,
)
from include.domain.money import MINOR_UNIT_DIGITS
from include.domain.settlement import LineClass

_AREAS = tuple(
    "Africa America Antarctica Asia Atlantic Australia Europe Indian Pacific Arctic".split()
)
_LEGACY_ZONES = {  # names that tzdata keeps for old machines, and what is meant by them
    "EST5": "America/New_York",
    "EST": "America/New_York",
    "EST5EDT": "America/New_York",
    "US/Eastern": "America/New_York",
    "CST6CDT": "America/Chicago",
    "US/Central": "America/Chicago",
    "MST7MDT": "America/Denver",
    "US/Mountain": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
    "US/Pacific": "America/Los_Angeles",
    "US/Pacific-New": "America/Los_Angeles",
    "GB": "Europe/London",
    "CET": "Europe/Paris",
    "Japan": "Asia/Tokyo",
    "Singapore": "Asia/Singapore",
    "Hongkong": "Asia/Hong_Kong",
}
RATE = re.compile(r"([0-9]{1,9})\.([0-9]{6})")
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,4}))?")


def fault(what: str, do: str) -> PydanticCustomError:
    return PydanticCustomError("mapping", "{what}", {"what": what, "do": do})


def _trimmed(text: str) -> str:
    if not text.strip():
        raise fault("the text is empty", "Write the value.")
    if text != text.strip():
        raise fault(f"{text!r} has a blank at its end or start", f'Write "{text.strip()}".')
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise fault(f"{text!r} holds a control character", "Type it on one line.")
    return text


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # walks folders: once is enough


def _zone(text: str) -> str:
    is_area = text == "UTC" or text.split("/")[0] in _AREAS
    if text in _zones() and is_area:
        return text
    meant = _LEGACY_ZONES.get(text, "America/New_York")
    raise fault(
        f"{text!r} is not a time zone of the form Area/City",
        f"Write {meant!r} or another name of the IANA list.",
    )


def _cut_off(text: str) -> str:
    try:
        datetime.strptime(text, "%H:%M")  # noqa: DTZ007 - a wall clock time; the zone is beside it
    except ValueError:
        raise fault(f"{text!r} is not a time of day", 'Write it as "00:00".') from None
    return text


def _currency(text: str) -> str:
    if text not in MINOR_UNIT_DIGITS:
        raise fault(f"{text!r} is not an ISO 4217 currency", "Write three capitals such as USD.")
    return text


def _rate(text: str) -> str:
    found = RATE.fullmatch(text)
    if found is None or int(found[1] + found[2]) == 0:
        raise fault(
            f"{text!r} is not a rate of six decimals",
            'Write units of the base for one unit, such as "1.083700".',
        )
    return text


def _percent(text: str) -> str:
    if _PERCENT.fullmatch(text) is None:
        raise fault(f"{text!r} is not a percentage", 'Write it as "1.80", without a sign.')
    return text


def _mail(text: str) -> str:
    if re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+", text) is None:
        raise fault(f"{text!r} is not a mail address", "Write it as name@example.com.")
    return text


def _gl_account(text: str) -> str:
    if re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.\-_/]{0,34}", text) is None:
        raise fault(
            f"{text!r} is not a GL account code",
            "Write the code as SYSPRO has it: at most 35 letters, digits, '.', '-', '_' or '/'.",
        )
    return text


def _language(text: str) -> str:
    if re.fullmatch(r"[a-z]{2}", text) is None:
        raise fault(f"{text!r} is not a language", "Write two letters such as en (ISO 639-1).")
    return text


Text = Annotated[str, AfterValidator(_trimmed)]
Language = Annotated[Text, AfterValidator(_language)]
Zone = Annotated[Text, AfterValidator(_zone)]
CutOff = Annotated[Text, AfterValidator(_cut_off)]
Currency = Annotated[Text, AfterValidator(_currency)]
Rate = Annotated[Text, AfterValidator(_rate)]
Percent = Annotated[Text, AfterValidator(_percent)]
Mail = Annotated[Text, AfterValidator(_mail)]
GlAccount = Annotated[Text, AfterValidator(_gl_account)]
Loose = Field(strict=False)  # an enum is written as its word


def percent_millionths(text: str) -> int:
    """Return ``"1.80"`` percent as a share in millionths, 18000; exact."""
    found = _PERCENT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a percentage")
    return int(found[1]) * 10_000 + int((found[2] or "").ljust(4, "0"))


def rate_millionths(text: str) -> int:
    """Return ``"1.083700"`` as 1083700; exact."""
    return int(text.replace(".", ""))


class Row(BaseModel):
    """One table of a mapping file."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Entry(Row):
    """A rule with somebody who answers for it and the days it is in force."""

    names: ClassVar[tuple[str, ...]] = ()  # the fields that say which rule this is

    owner: Text
    effective_from: date
    effective_to: date | None = None  # the last day; none: until a later entry

    @property
    def key(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.names)


class BankAccountRow(Row):
    account_id: Text
    bank_code: Text


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)  # as ``date.weekday`` counts


class SourceRow(Row):
    name: Text
    kind: Annotated[SourceKind, Loose]
    remote_name: Text
    layout: Text
    supplies: list[Annotated[LineClass, Loose]]
    mime_type: Text = "text/csv"
    is_required: bool = True
    awaited_days: Annotated[int, Field(ge=0, le=60)] = 7
    comes_on: Annotated[list[Weekday], Field(min_length=1)] = list(WEEKDAYS)
    parameters: dict[Text, Text] = {}


# Columns of SYSPRO's ArInvoice that say whose document it is, and how long their values are.
ErpColumn = Literal["Branch", "TermsCode", "Customer", "Salesperson", "Area"]
_ERP_LENGTHS = {"Branch": 10, "TermsCode": 2, "Customer": 15, "Salesperson": 20, "Area": 10}


class ErpDocumentRow(Row):
    column: ErpColumn
    condition: Literal["EQ", "NE"]
    value: Text

    @field_validator("value")
    @classmethod
    def _fits(cls, value: str, info: ValidationInfo) -> str:
        longest = _ERP_LENGTHS.get(info.data.get("column", ""), len(value))
        if len(value) > longest:
            raise fault(
                f"{value!r} has {len(value)} characters, SYSPRO's column {longest}",
                "Write the code as SYSPRO has it.",
            )
        return value


_DISPUTES = DisputeRules()


class DisputesRow(Row):
    warn_days: Annotated[int, Field(ge=0, le=60)] = _DISPUTES.warn_days
    write_off: Annotated[WriteOffPolicy, Loose] = _DISPUTES.write_off


class MerchantEntry(Entry):
    names: ClassVar = ("merchant_id",)

    merchant_id: Text
    organization_id: Text
    zone: Zone
    cut_off: CutOff
    currencies: Annotated[list[Currency], Field(min_length=1)]
    company_id: Text
    base_currency: Currency
    bank_accounts: dict[Currency, BankAccountRow]
    cybersource_conn_id: Text
    syspro_conn_id: Text
    bank_conn_id: Text
    acquirer_conn_id: str = ""
    erp_documents: list[ErpDocumentRow] = []
    sources: Annotated[list[SourceRow], Field(min_length=1)]
    gl_template: Text
    fees_as_ap_invoice: bool
    ap_supplier: str = ""
    split_at_month_end: bool
    period_policy: Annotated[PeriodPolicy, Loose]
    amount_tolerance_minor: Annotated[int, Field(ge=0, le=1_000)]
    date_tolerance_days: Annotated[int, Field(ge=1, le=14)]
    approval_tolerance_minor: Annotated[int, Field(ge=0, le=100_000_000)]
    settlement_sla_days: Annotated[int, Field(ge=1, le=60)]
    erp_sla_days: Annotated[int, Field(ge=1, le=60)]
    funding_sla_days: Annotated[int, Field(ge=1, le=60)]
    notify: list[Mail] = []
    disputes: DisputesRow = DisputesRow()
    journals: Annotated[JournalPolicy, Loose] = JournalPolicy.post

    @property
    def cut_off_time(self) -> time:
        return time.fromisoformat(self.cut_off)


class GlTemplateEntry(Entry):
    names: ClassVar = ("name",)

    name: Text
    accounts: Annotated[dict[Text, GlAccount], Field(min_length=1)]


class FeeCodesEntry(Entry):
    names: ClassVar = ("layout",)

    layout: Text
    codes: Annotated[dict[Text, Text], Field(min_length=1)]


class FeeRateRow(Row):
    percent: Percent = "0"
    percent_by_card: dict[Text, Percent] = {}
    per_item_minor: Annotated[int, Field(ge=0, le=100_000)] = 0
    tolerance_minor: Annotated[int, Field(ge=0, le=1_000)]
    charged_on: Annotated[list[Annotated[LineClass, Loose]], Field(min_length=1)]


class FeeScheduleEntry(Entry):
    names: ClassVar = ("merchant_id", "currency")

    merchant_id: Text
    currency: Currency
    rates: Annotated[dict[Text, FeeRateRow], Field(min_length=1)]


class ReasonRow(Row):
    meaning: Text
    respond_within_days: Annotated[int, Field(ge=1, le=120)]


class ChargebackReasonsEntry(Entry):
    names: ClassVar = ("network",)

    network: Text
    codes: Annotated[dict[Text, ReasonRow], Field(min_length=1)]


class FxRatesEntry(Entry):
    names: ClassVar = ("from_currency", "to_currency")

    from_currency: Currency
    to_currency: Currency
    max_age_days: Annotated[int, Field(ge=1, le=400)]
    rates: Annotated[dict[Annotated[date, Loose], Rate], Field(min_length=1)]
