"""The one shape of every layout: columns by heading, record types, and the lines they yield.

A layout is data. The engine in ``reading`` runs it over whole columns; a layout never holds a
function. To read one layout is to be able to read them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from include.domain.settlement import LineClass


class Kind(StrEnum):
    """What a column's text must look like before anything is made of it."""

    text = "text"  # free text: scanned for card numbers and control characters
    request_id = "request_id"  # 22 digits, kept as text
    money = "money"  # a plain decimal in the currency of ``currency_from``
    fee = "fee"  # as money, and finer than its currency: rounded over the record; see reading.fees
    minor = "minor"  # a whole number of minor units (BAI2)
    currency = "currency"  # ISO 4217 code
    instant = "instant"  # ISO 8601 with zone
    day = "day"  # ISO 8601 calendar date
    moment = "moment"  # either, or a time in the zone of ``zone_from``; see reading.moments
    number = "number"  # a whole number


@dataclass(frozen=True, slots=True)
class Column:
    """One column, known by any of its headings.

    Headings compare without case, blanks, dots, hyphens and underscores, so one entry covers
    ``fee_interchangeAmount`` (SOAPI), ``fee_interchange_amount`` (SCMP) and
    ``Fee.InterchangeAmount`` (API).
    """

    name: str
    headings: tuple[str, ...]
    kind: Kind = Kind.text
    is_required: bool = False  # the heading must be there
    is_filled: bool = False  # no record may leave it blank
    currency_from: str = ""  # of money and minor: the column that names its currency
    zone_from: str = ""  # of moment: the column that names its zone; without one UTC


class Sign(StrEnum):
    """How an amount's sign is told. One per line: a sign is never applied twice."""

    signed = "signed"  # the file signs it, seen from the merchant; it must suit the class
    given = "given"  # unsigned, owed to us: +
    taken = "taken"  # unsigned, taken from us: -
    cost = "cost"  # what we pay is positive, a rebate negative: turned round


# Classes that can only have the one sign, seen from the merchant.
POSITIVE = frozenset({LineClass.gross_sale, LineClass.chargeback_reversal})
NEGATIVE = frozenset({LineClass.refund, LineClass.chargeback})


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a record yields."""

    line_class: LineClass
    amount: str  # name of the amount column
    sign: Sign
    detail_code: str = ""
    detail_from: str = ""  # or the column that holds the source's code
    is_optional: bool = False  # a blank or zero amount yields no line


class Says(StrEnum):
    """What a word tells of its record's money."""

    money = "money"  # it moves
    taken = "taken"  # it is taken from us
    given = "given"  # it is given to us
    none = "none"  # nothing moves, whatever the type; a fee beside it is due where it is stated
    nothing = "nothing"  # the word does not tell


@dataclass(frozen=True, slots=True)
class Witness:
    """A further column that tells whether a record moves money, or which way.

    ``words`` are compared in lower case; ``''`` is a blank. A record whose witnesses contradict
    one another or its type is quarantined.
    """

    column: str
    words: Mapping[str, Says]
    several: bool = False  # the column lists words, as ``RecordTypes.several`` has it
    others: Says | None = None  # what any other word tells; by default its record is quarantined


@dataclass(frozen=True, slots=True)
class RecordTypes:
    """Which records there are. A type not listed here is quarantined, never guessed.

    ``types`` maps the type column's word (compared in lower case) to the lines it yields; an
    empty tuple is a known record without money. With ``several`` the column lists words, of
    which exactly one may be known: ``ics_bill,ics_auth`` is an ``ics_bill``. With ``by_sign`` the
    sign of an amount is the type, ``+`` or ``-``.
    """

    types: Mapping[str, tuple[Line, ...]]
    column: str = ""  # '' : the file has one type, keyed ''
    several: bool = False
    by_sign: bool = False
    witnesses: tuple[Witness, ...] = ()


@dataclass(frozen=True, slots=True)
class Csv:
    """Separated text, one record a line, headings on a line of their own.

    ``preamble``: ``v3`` is line 1 ``org,report,definition,version,<start> to <end>``; ``legacy``
    is ``title,version,<date> to <date>``; ``none`` starts with the headings.
    """

    preamble: Literal["v3", "legacy", "none"]
    definition: str = ""  # what line 1 must name, without the suffix Class


@dataclass(frozen=True, slots=True)
class Xml:
    """XML, one record per element of that local name; namespaces are ignored.

    Paths name local elements below the record, ``@`` an attribute, ``..@`` one of the enclosing
    statement. Where a record holds several replies and payments, ``pairs`` names both lists;
    they belong together by position and the pair whose reply is one of ``chosen`` counts.
    """

    root: str
    record: str
    paths: Mapping[str, tuple[str, ...]]  # column -> alternatives, the first that is there
    pairs: tuple[str, str] = ("", "")
    chosen: tuple[str, ...] = ()
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON document with lists of records; lists after the first are joined by ``join``.

    ``lists``: each list by its names, the vendor's first. Members become columns by heading.
    Two different records under one ``join`` are a fault of the file, but in ``histories``, named
    by their first names: there what differs becomes a list, which no witness knows.
    """

    lists: tuple[tuple[str, ...], ...]
    join: str = ""
    histories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """A text format with record codes and trailers, read by the named reader."""

    reader: Literal["acquirer_daily_v2", "bai2", "camt_053"]


@dataclass(frozen=True, slots=True)
class Total:
    """A column that must equal the sum of the lines its record yields, before their sign."""

    column: str
    currency: str


@dataclass(frozen=True, slots=True)
class Layout:
    """One file format of one sender."""

    name: str
    source: Csv | Xml | Json | Records
    columns: tuple[Column, ...]
    records: RecordTypes
    currency: str = "currency"  # the column with the lines' currency
    # line column -> our column, or several, of which the first that is filled counts
    fields: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    merchant: str = ""  # the column that must name the merchant asked for
    signed_amounts: bool | None = None  # how the report must be made; None: it does not matter
    other_signs: str = ""  # the sibling that reads a report made the other way
    total: Total | None = None
    may_be_empty: bool = False  # a file without records is a statement, not a fault
    is_proven: bool = False  # its trailer counts and sums each record: of equals none is a repeat
    unknown_columns: Literal["accept", "reject"] = "accept"
    yields: Literal["lines", "bank_entries"] = "lines"

    def column(self, name: str) -> Column:
        """Return the column of that name; a missing one is our own bug."""
        return next(column for column in self.columns if column.name == name)


# Columns that many reports share; Request.* and friends of the vendor's field groups.
REQUEST_ID = Column(
    "request_id", ("request_id", "requestID", "Request.RequestID"), Kind.request_id, True, True
)
MERCHANT_ID = Column(
    "merchant_id", ("merchant_id", "merchantID", "Request.MerchantID"), Kind.text, True, True
)
MERCHANT_REFERENCE = Column(
    "merchant_reference",
    ("merchant_ref_number", "merchantReferenceNumber", "Request.MerchantReferenceNumber"),
)
TRANSACTION_DATE = Column(
    "transaction_date",
    ("transaction_date", "transactionDate", "Request.TransactionDate", "RequestDate"),
    Kind.instant,
    True,
    True,
)
BATCH_ID = Column("batch_id", ("batch_id", "batch_batchID", "Batch.BatchID"))
CARD_TYPE = Column(
    "card_type", ("card_type", "paymentMethod_cardType", "card_cardType", "PaymentMethod.CardType")
)


def money(name: str, currency_from: str, *headings: str, is_required: bool = False) -> Column:
    """Declare an amount and the column that names its currency."""
    return Column(name, headings, Kind.money, is_required, is_required, currency_from=currency_from)


def currency(name: str, *headings: str, is_required: bool = False) -> Column:
    """Declare a currency column."""
    return Column(name, headings, Kind.currency, is_required, is_required)


def fee(name: str, currency_from: str, *headings: str, is_required: bool = False) -> Column:
    """Declare a fee, or the total of a record's fees, and the column that names its currency."""
    return Column(name, headings, Kind.fee, is_required, is_required, currency_from=currency_from)
