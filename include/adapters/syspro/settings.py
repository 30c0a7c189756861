"""What a SYSPRO connection says, with the product's defaults.

Everything that no public source confirms is a setting here: texts that mean "session lost" or
"period closed", element names of the current period, the longest URL. Source: reference, sections
2, 9 and 11; reliability reference, section 3.9.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from urllib.parse import urlsplit

from include.adapters.http.proxy import Proxy, read_proxy
from include.domain.errors import Rejected
from include.domain.money import MINOR_UNIT_DIGITS
from include.services.effects.ports import EffectKind, Timings

ADAPTERS = ("enet", "api_services")
# Fields with a closed list of values, the default first.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "journal_warnings": ("N", "Y", "W"),
    "cash_book_warnings": ("N", "Y", "W"),
    "invoice_warnings": ("N", "Y", "W"),
    "receipt_warnings": ("Y", "N", "W"),
    "order_warnings": ("W", "N", "Y"),
    "stock_by": ("comfnd", "invqry"),
    "kits_by": ("bom", "none"),
    "credit_by": ("arsqry", "comfnd"),
    "order_by": ("comfnd", "sorqry"),
    "poll_by": ("timestamp", "date"),
    "order_tax_status": ("E", "none"),
    "receipts": ("arstpy", "report"),
    "refund_receipts": ("negative", "arstin", "report"),
    "applications": ("arstpy", "report", "none"),
    "payment_history": ("arsqry", "none"),
    "module_periods": ("calendar", "fiscal", "none"),
    "custom_forms": ("comsfm", "comtfm", "none"),
    "shipments_by": ("mdnmaster", "sorqdn"),
    "tracking_from": ("shipping_instrs", "custom_form", "none"),
}
# Waited for less long than a journal: a shopper may be waiting (reliability reference, 2.1).
ORDER_KINDS = (
    EffectKind.customer,
    EffectKind.sales_order,
    EffectKind.sales_order_move,
    EffectKind.ar_receipt,
    EffectKind.ar_application,
    EffectKind.custom_field,
)
MONTHS = 12  # SYSPRO's periods are months; a 13th one is not supported


@dataclass(frozen=True, slots=True, kw_only=True)
class SysproSettings:
    """One connection. Secrets do not show in ``repr``."""

    conn_id: str
    base_url: str  # https://host:port/SYSPROWCFService, or the facade's host
    operator: str
    password: str = field(repr=False)
    company_id: str
    company_password: str = field(default="", repr=False)
    adapter: str = "enet"
    base_currency: str = ""  # of the company; needed where a document's currency is blank
    currency_codes: tuple[str, ...] = ("$=",)  # SYSPRO's code = ISO code; blank is the base
    language: str = ""  # LanguageCode of the logon, e.g. ENGLISH_US
    url_limit: int = 8000  # characters; longer documents go by PostLD
    post_large_documents: bool = True  # False: a document above the limit is refused
    trim_session: bool = False  # the id comes with two blanks, which are sent back as received
    refuse_eviction: bool = False  # logon fails, instead of throwing out who uses the operator
    return_rows: int = 1000  # of a COMFND page
    key_width: int = 15  # to which SYSPRO stores numeric customers and orders, filled with zeros
    deadline_s: float = 180.0  # of one exchange
    connect_s: float = 3.0
    quiescence_s: float = 900.0  # Q: absent counts only so long after a send
    look_gap_s: float = 60.0
    max_sends: int = 3
    verify_after_s: float = -1.0  # from send to read-back; negative: Q, when a copy would show
    operator_wait_s: float = 120.0  # for our own other processes to leave the operator
    session_words: tuple[str, ...] = (
        "not logged in",
        "invalid user id",
        "invalid userid",
        "session",
        "logged off",
        "basedir8",
    )
    period_words: tuple[str, ...] = ("period",)
    closed_words: tuple[str, ...] = ("closed", "not open", "not available", "future")
    license_words: tuple[str, ...] = ("exception 100000", "not licensed", "not registered")
    # Of those, what proves that nothing was written. Number 100000 is also that of e.net's general
    # exception, which may come after the posting.
    unwritten_words: tuple[str, ...] = ("not licensed", "not registered")
    # Refused logons that need a person; any other is tried again.
    bad_operator_words: tuple[str, ...] = ("invalid operator password", "invalid operator code")
    bad_company_words: tuple[str, ...] = ("invalid company id", "invalid company password")
    duplicate_numbers: tuple[str, ...] = ("120001",)
    duplicate_words: tuple[str, ...] = ("already exists", "already on file", "duplicate")
    # IgnoreWarnings: N a warning refuses, Y ignores it, W reports it; e.g. of a control account.
    journal_warnings: str = "N"  # of GENTJL
    cash_book_warnings: str = "N"  # of CSHTWD
    invoice_warnings: str = "N"  # of APSTIN
    receipt_warnings: str = "Y"  # of ARSTPY, and of ARSTIN where a refund is a debit note
    journal_source: str = ""  # SourceCode of GENTJL
    journal_currency: str = "base"  # base, or original: the batch's own currency
    authorize_journal: str = "A"  # AuthorizeJournal of GENTJL: D, A or U
    invoice_currency: str = "base"  # of APSTIN: base, or original
    # AsOfPeriod of CSHQRY (C, P or B) and of ARSQRY's payments (C, P or 2), each asked until the
    # reference is found. Which transactions each lists is not published.
    cash_book_as_of: tuple[str, ...] = ("C",)
    payments_as_of: tuple[str, ...] = ("C",)
    fiscal_year_start_month: int = 1
    open_periods: int = 3  # current, previous, before previous
    year_elements: tuple[str, ...] = ("CurrentYear", "GlCurrentYear", "GlYear")
    period_elements: tuple[str, ...] = ("CurrentPeriod", "GlCurrentPeriod", "GlPeriod")
    # How AR, AP and the cash book count the period that their setup queries show; none: do not ask,
    # they are where the ledger is. Inferred from TrnMonth 12 beside GlPeriod 02 in one reply.
    module_periods: str = "calendar"
    order_deadline_s: float = 60.0  # of a write of order to cash; at most deadline_s
    stock_by: str = "comfnd"  # or invqry: SYSPRO's own figure, one call a code
    # Of InvWarehouse, off QtyOnHand; a manufacturer adds QtyAllocatedWip and QtyAllocatedToPick.
    promised_columns: tuple[str, ...] = ("QtyAllocated",)
    codes_per_question: int = 20  # stock codes in one COMFND; an address has a limit
    product_memory_s: float = 300.0  # how long units and parts of a stock code are believed
    kit_types: tuple[str, ...] = ("K", "S")  # InvMaster.KitType of what is sold by its parts
    kits_by: str = "bom"  # or none: nobody tells the parts, and what is left of a kit is not known
    kit_part_flag: str = "C"  # SorDetail.MBomFlag of a line that SYSPRO adds for a part; inferred
    # Of the bill of materials: parent, part and quantity in the part's stocking unit. Names as
    # published queries have them; route 0 is the primary one. A shop sells no optional parts.
    bom_table: str = "BomStructure"
    bom_columns: tuple[str, ...] = ("ParentPart", "Component", "QtyPer")
    bom_filter: tuple[str, ...] = ("Route=0", "SoOptionFlag!=Y")  # column=value or column!=value
    credit_by: str = "arsqry"  # or comfnd: without the balance
    # Which of credit_limit, balance and outstanding_orders SYSPRO shows in the company's currency;
    # the others are in the customer's. Inferred: no public source says so.
    base_amounts: tuple[str, ...] = ("credit_limit",)
    rate_table: str = "TblCurrency"  # the company's rates, for shops with exchange_rates: syspro
    rate_currency_column: str = "Currency"
    rate_column: str = "BuyExchangeRate"  # or SellExchangeRate
    rate_way_column: str = "BuyMulDiv"  # M: base is foreign times the rate; D: divided by it
    order_by: str = "comfnd"  # or sorqry
    poll_by: str = "timestamp"  # or date, where COMFND does not give the column TimeStamp
    poll_overlap_rows: int = 1000  # row versions asked again: a slow transaction shows late
    poll_overlap_days: int = 30  # of poll_by date: how long an order or credit note may change
    read_order_lines: bool = True  # read an order back with SorDetail, not by its head alone
    order_status: str = "1"  # of a new order that is not held
    accept_without_credit: bool = False  # AcceptOrdersIfNoCredit: our own rules have decided
    order_warnings: str = "W"  # IgnoreWarnings of SORTOI: N a warning refuses, Y, or W reports
    # TaxExemptionStatus of an order whose tax the shop has computed, so that SYSPRO adds none; none
    # is not to send it: line_tax_code alone then keeps SYSPRO from adding any.
    order_tax_status: str = "E"
    tax_exempt_flags: tuple[str, ...] = ("E",)  # of SorMaster.TaxExemptFlag: it adds no tax
    # StockTaxCode, and of charges for which the shop's table names none; '' is SYSPRO's own. Stock
    # lines need the sales order set-up "allow changes to tax code for stocked items".
    line_tax_code: str = ""
    receipts: str = "arstpy"  # or report: a person books them, e.g. without a licence for it
    refund_receipts: str = "negative"  # payment; arstin: a debit note; report: a person books it
    refund_product_class: str = ""  # of the debit note: its GL code is card clearing
    payment_type: str = "O"  # of ARSTPY: C check, S cash, O other
    payment_history: str = "arsqry"  # how an applied receipt is found; none: it is not
    # arstpy: a payment of 0.00 sets the receipt's pseudo-invoice against the invoice (inferred);
    # report: a person applies each; none: nobody is asked, SYSPRO's own ways match them.
    applications: str = "arstpy"
    custom_forms: str = "comsfm"  # or comtfm (SYSPRO 7 and later), or none
    shipments_by: str = "mdnmaster"  # or sorqdn: each note is asked for as well
    shipped_statuses: tuple[str, ...] = ()  # DispatchNoteStatus that counts; () is any
    shipment_date_column: str = "PlannedDeliverDate"  # of MdnMaster; none where it has none
    tracking_from: str = "shipping_instrs"  # or custom_form, or none
    tracking_field: str = "TRACKING"  # of the order's custom form
    tracking_pattern: str = r"(?P<carrier>.*?)[\s:#]*(?P<tracking>[A-Z0-9]*\d[A-Z0-9]{7,})"
    hold_words: tuple[str, ...] = ("on hold",)
    credit_words: tuple[str, ...] = ("credit",)
    stock_words: tuple[str, ...] = ("stock code", "not stocked", "warehouse")
    absent_words: tuple[str, ...] = ("not found", "does not exist")
    read_conn_id: str = ""  # api_services: the enet connection that reads documents and periods
    facade_map: str = ""  # file that replaces the shipped field map of the JSON facade
    allow_plain_http: bool = False
    ca_bundle: str = ""
    proxy: str = ""  # http://host:port of a web proxy; '' is direct
    proxy_login: str = ""
    proxy_password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        checks = {
            f"adapter is one of {ADAPTERS}": self.adapter in ADAPTERS,
            "company_id is set": bool(self.company_id),
            "base_currency is empty or an ISO code": not self.base_currency
            or self.base_currency in MINOR_UNIT_DIGITS,
            "quiescence_s exceeds deadline_s by 10 s": self.quiescence_s > self.deadline_s + 10,
            "connect_s is positive and at most deadline_s": 0 < self.connect_s <= self.deadline_s,
            "journal_currency is base or original": self.journal_currency in _CURRENCIES,
            "invoice_currency is base or original": self.invoice_currency in _CURRENCIES,
            "fiscal_year_start_month is a month": 1 <= self.fiscal_year_start_month <= MONTHS,
            "open_periods is 1 to 3": 1 <= self.open_periods <= 3,
            "return_rows is 2 to 99999": 2 <= self.return_rows <= 99_999,
            "codes_per_question is 1 to 100": 1 <= self.codes_per_question <= 100,
            "poll_overlap_rows and poll_overlap_days are not negative": min(
                self.poll_overlap_rows, self.poll_overlap_days
            )
            >= 0,
            "refund_product_class is set where refunds are arstin": bool(
                self.refund_product_class or self.refund_receipts != "arstin"
            ),
            "bom_columns are three": len(self.bom_columns) == len(("parent", "part", "quantity")),
            "bom_filter is column=value or column!=value": all(
                map(_FILTER.fullmatch, self.bom_filter)
            ),
            "cash_book_as_of is of C, P and B": _is_of(self.cash_book_as_of, "CPB"),
            "payments_as_of is of C, P and 2": _is_of(self.payments_as_of, "CP2"),
            f"base_amounts are of {_CREDIT_AMOUNTS}": set(self.base_amounts)
            <= set(_CREDIT_AMOUNTS),
            "tracking_pattern has the groups carrier and tracking": _has_groups(
                self.tracking_pattern, ("carrier", "tracking")
            ),
            **{
                f"{name} is one of {allowed}": getattr(self, name) in allowed
                for name, allowed in CHOICES.items()
            },
        }
        for rule, holds in checks.items():
            if not holds:
                raise Rejected(
                    f"the connection breaks the rule: {rule}",
                    f"connection {self.conn_id}",
                    "Correct the connection's fields.",
                )

    @property
    def tunnel(self) -> Proxy | None:
        """Where https goes through. Raises ``Rejected``: ``proxy`` cannot be read."""
        return read_proxy(
            self.proxy, self.proxy_login, self.proxy_password, f"connection {self.conn_id}"
        )

    @property
    def turn(self) -> str:
        """Name what our processes take turns at: one operator of one server.

        Not the connection: another one may name the same operator, and the *Test* button calls
        what it tests by a name made up for it.
        """
        server = urlsplit(self.base_url).hostname or self.base_url
        return f"{server.lower()}|{self.operator.upper()}"

    @property
    def timings(self) -> Timings:
        """What the effects engine waits for at this site."""
        return Timings(
            deadline=timedelta(seconds=self.deadline_s),
            quiescence=timedelta(seconds=self.quiescence_s),
            look_gap=timedelta(seconds=self.look_gap_s),
            max_sends=self.max_sends,
            verify_after=(
                timedelta(seconds=self.verify_after_s) if self.verify_after_s >= 0 else None
            ),
            # Our other processes may keep the operator so long, before anything leaves.
            lease_margin=timedelta(seconds=60 + self.operator_wait_s),
        )

    @property
    def bom_conditions(self) -> tuple[tuple[str, str, str], ...]:
        """``bom_filter`` as COMFND asks it."""
        found = (_FILTER.fullmatch(text) for text in self.bom_filter)
        return tuple((one[1], "EQ" if one[2] == "=" else "NE", one[3]) for one in found if one)

    @property
    def order_timings(self) -> Mapping[EffectKind, Timings]:
        """What the effects engine waits for with each kind of order to cash.

        Nobody but us plants a receipt's reference, so it is not looked for before it was sent. A
        move is read back at once: a later move would hide it.
        """
        deadline = timedelta(seconds=self.write_deadline_s)
        plain = replace(
            self.timings,
            deadline=deadline,
            # Around the write: a logon, the posting period, and the order number read back.
            lease_margin=self.timings.lease_margin + 3 * deadline,
        )
        special = {
            EffectKind.ar_receipt: replace(plain, looks_first=False),
            EffectKind.sales_order_move: replace(plain, verify_after=timedelta(0)),
        }
        return {kind: special.get(kind, plain) for kind in ORDER_KINDS}

    @property
    def write_deadline_s(self) -> float:
        """Of one write of order to cash."""
        return min(self.order_deadline_s, self.deadline_s)

    def syspro_currency(self, code: str) -> str:
        """Return SYSPRO's code of an ISO currency; ``''`` is the company's own."""
        theirs = {iso: name for name, iso in (pair.split("=", 1) for pair in self.currency_codes)}
        return theirs.get(code, "" if code == self.base_currency else code)

    def fiscal(self, day: date) -> tuple[int, int]:
        """Return fiscal year and period of a date; a fiscal year is named after its last day."""
        start = self.fiscal_year_start_month
        return day.year + (1 if day.month >= start > 1 else 0), (day.month - start) % MONTHS + 1

    def iso_currency(self, code: str, where: str) -> str:
        """Return the ISO currency of a SYSPRO code; blank is the company's own.

        Raises:
            Rejected: blank, and the connection does not say the base currency; or SYSPRO's own word
                for a currency, which the connection does not translate.
        """
        known = dict(pair.split("=", 1) for pair in self.currency_codes)
        found = known.get(code, code) or self.base_currency
        if not found:
            raise Rejected(
                "a document in the company's own currency, whose name is not known",
                where,
                f"Set base_currency in connection {self.conn_id}.",
            )
        if found not in MINOR_UNIT_DIGITS:
            raise Rejected(
                f"SYSPRO's currency {code!r} is no ISO code",
                where,
                f"Add it to currency_codes in connection {self.conn_id}, e.g. {code}=ZAR.",
            )
        return found


_FILTER = re.compile(r"(\w+)(!?=)(.*)")
_CURRENCIES = ("base", "original")
_CREDIT_AMOUNTS = ("credit_limit", "balance", "outstanding_orders")


def _is_of(given: tuple[str, ...], letters: str) -> bool:
    return bool(given) and set(given) <= set(letters)


def _has_groups(pattern: str, names: tuple[str, ...]) -> bool:
    try:
        return set(names) <= set(re.compile(pattern).groupindex)
    except re.error:
        return False


def settings_from(
    conn_id: str,
    base_url: str,
    operator: str,
    password: str,
    extra: Mapping[str, object],
) -> SysproSettings:
    """Build settings from a connection's extra fields.

    Lists may come as text separated by ``|``; a blank keeps the default.

    Raises:
        Rejected: a value does not fit, or a field is not known (a typing error would otherwise
            silently keep a default).
    """
    known = {f.name: f for f in fields(SysproSettings)}
    given: dict[str, object] = {}
    for name, value in extra.items():
        if name not in known or name in {"conn_id", "base_url", "operator", "password"}:
            raise Rejected(
                f"field {name!r} of the connection is not known",
                f"connection {conn_id}",
                f"Remove it, or use one of {', '.join(sorted(known))}.",
            )
        if value is None or value == "":
            continue
        given[name] = _convert(name, known[name].type, value, conn_id)
    given.setdefault("company_id", "")
    return SysproSettings(
        conn_id=conn_id,
        base_url=base_url.rstrip("/"),
        operator=operator,
        password=password,
        **given,  # type: ignore[arg-type]  # converted to the declared type just above
    )


def _convert(name: str, kind: object, value: object, conn_id: str) -> object:
    text = str(value).strip()
    try:
        if kind is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[
                text.lower()
            ]
        if kind is int:
            return int(text.removesuffix(".0"))  # the form hands numbers on as 8000.0
        if kind is float:
            return float(text)
    except (KeyError, ValueError):
        raise Rejected(
            f"{text!r} does not fit field {name!r}",
            f"connection {conn_id}",
            "Correct the connection's field.",
        ) from None
    if kind is str:
        return text
    parts = value if isinstance(value, list | tuple) else text.split("|")
    return tuple(str(part).strip() for part in parts if str(part).strip())
