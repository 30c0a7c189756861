"""Stock, credit and customers, as order to cash asks for them before it writes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from include.adapters.syspro.cursors import Feed, changes
from include.adapters.syspro.documents import arsqry, invqry
from include.adapters.syspro.documents.comfnd import Find, Row
from include.adapters.syspro.documents.reply import read_amount, read_millionths
from include.adapters.syspro.faults import has_any
from include.adapters.syspro.partners.common import CUSTOMER, Asking, key_conditions, with_key
from include.domain.erp_orders import CustomerCredit, same_key
from include.domain.errors import Rejected, Retryable
from include.domain.money import MINOR_UNIT_DIGITS, Money
from include.domain.stock import StockLevel
from include.services.translate.currencies import BaseRate, syspro_rate

STOCK_COLUMNS = ("StockCode", "Warehouse", "QtyOnHand", "QtyAllocated")
CREDIT_COLUMNS = (
    "Customer", "CustomerOnHold", "CreditStatus", "CreditLimit", "Currency", "OutstOrdVal",
)  # fmt: skip
MATCH_COLUMNS = ("Customer", "Name", "ShortName", "Email", "Currency", "CustomerOnHold")
MANUAL_HOLD = "9"  # CreditStatus; reference, section 4.2


@dataclass(frozen=True, slots=True)
class CustomerMatch:
    """A customer that may be the same person."""

    customer: str
    name: str
    short_name: str
    email: str
    currency: str
    is_on_hold: bool


class AccountReader:
    """Reads of one company; the connection's settings choose the business objects."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    # Stock -----------------------------------------------------------------------------------

    def stock(self, stock_codes: Sequence[str], warehouse: str) -> list[StockLevel]:
        """Return what a warehouse can promise of each code, in the order asked for.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        codes = list(dict.fromkeys(stock_codes))
        if not codes:
            return []
        with self._asking.client.session():
            if self._settings.stock_by == "invqry":
                found = {code.casefold(): self._query_stock(code, warehouse) for code in codes}
            else:
                found = self._find_stock(codes, warehouse)
        return [StockLevel(code, found.get(code.casefold())) for code in codes]

    def stock_levels(
        self, warehouse: str, cursor: str = "", limit: int = 10_000
    ) -> tuple[list[StockLevel], str]:
        """Return levels changed since a cursor (``''``: all), and the cursor to go on from.

        A site that is polled by date shows no changes of stock: all levels come every time.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        feed = Feed(
            "InvWarehouse",
            STOCK_COLUMNS,
            ("StockCode", "Warehouse"),
            "",
            (("Warehouse", "EQ", warehouse),),
        )
        levels: dict[str, StockLevel] = {}
        with self._asking.client.session():
            for row in self._stock_rows(feed, cursor, limit):
                cursor = row.get("timestamp", "") or cursor
                if same_key(warehouse, row.get("warehouse", "")):
                    code = row.get("stockcode", "")
                    levels[code] = StockLevel(code, self._available(row))
        return list(levels.values()), cursor

    def _stock_rows(self, feed: Feed, cursor: str, limit: int) -> Iterator[Row]:
        """Go by row version; where the site does not show it, all rows are read each time."""
        if self._settings.poll_by == "timestamp":
            yield from (row for _, row in changes(self._asking, feed, cursor, limit))
            return
        find = Find(
            feed.table, feed.conditions, feed.columns, return_rows=self._settings.return_rows
        )
        yield from self._asking.find_pages(find, feed.key[0], feed.key, is_confirmed=True)

    def _find_stock(self, codes: Sequence[str], warehouse: str) -> dict[str, int | None]:
        size, found = self._settings.codes_per_question, dict[str, int | None]()
        for start in range(0, len(codes), size):
            asked = codes[start : start + size]
            find = Find(
                "InvWarehouse",
                (("Warehouse", "EQ", warehouse),),
                STOCK_COLUMNS,
                any_of=tuple(("StockCode", "EQ", code) for code in asked),
            )
            for row in self._asking.find(find):
                if same_key(warehouse, row.get("warehouse", "")):
                    found[row.get("stockcode", "").casefold()] = self._available(row)
        return found

    def _query_stock(self, code: str, warehouse: str) -> int | None:
        body = self._ask_known("INVQRY", invqry.build(code, warehouse), code)
        if body is None:
            return None
        found = self._asking.read(lambda raw: invqry.parse(raw, code, warehouse), body, "INVQRY")
        if isinstance(found, tuple):
            words = "; ".join(str(problem) for problem in found)
            if has_any(words.lower(), self._settings.absent_words):
                return None
            raise self._asking.client.faults.retryable(words, "INVQRY", "Read the text.")
        return found

    def _available(self, row: Row) -> int:
        """Return what is on hand and not promised; it is negative where too much was promised."""
        where = f"InvWarehouse {row.get('stockcode', '')!r}"
        on_hand = read_millionths(row.get("qtyonhand", ""), where)
        return on_hand - read_millionths(row.get("qtyallocated", ""), where)

    # Customers -------------------------------------------------------------------------------

    def credit(self, customer: str) -> CustomerCredit:
        """Return a customer's account; what SYSPRO does not say is ``None``, never zero.

        One that this very session has just read to be absent is not asked for again.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked, or says what cannot be read.
        """
        if self._asking.was_absent(CUSTOMER, customer):
            return CustomerCredit(customer, False, False, None, None)
        with self._asking.client.session():
            if self._settings.credit_by == "arsqry":
                found = self._query_credit(customer)
            else:
                found = self._find_credit(customer)
            if found is None:
                self._asking.note_absent(CUSTOMER, customer)
                return CustomerCredit(customer, False, False, None, None)
        return found

    def base_rate(self, currency: str) -> BaseRate:
        """Return the company's own rate of a foreign currency, as its table shows it now.

        Raises:
            Retryable: SYSPRO could not be asked.
            Rejected: it keeps none, or one that is no rate; the message says what to do.
        """
        settings, code = self._settings, self._settings.syspro_currency(currency)
        columns = (settings.rate_currency_column, settings.rate_column, settings.rate_way_column)
        find = Find(settings.rate_table, ((columns[0], "EQ", code),), columns)
        where = f"{settings.rate_table} of company {settings.company_id}, {code!r}"
        with self._asking.client.session():
            rows = with_key(self._asking.find(find), columns[0].lower(), code)
        if len(rows) != 1:
            raise Rejected(
                f"SYSPRO keeps {len(rows) or 'no'} rates of {currency}",
                where,
                f"Enter one rate of {code} in SYSPRO, or write 'exchange_rates: dated' in "
                "shops.yaml.",
            )
        text, way = (rows[0].get(column.lower(), "") for column in columns[1:])
        return syspro_rate(text, way, where)

    def customers(self, *, email: str = "", short_name: str = "") -> tuple[CustomerMatch, ...]:
        """Return the customers of a mail address or short name, to link instead of to create.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        column, value = ("Email", email) if email else ("ShortName", short_name)
        if not value.strip():
            raise ValueError("a mail address or a short name is needed")
        find = Find("ArCustomer", ((column, "EQ", value.strip()),), MATCH_COLUMNS)
        return tuple(
            CustomerMatch(
                customer=row.get("customer", ""),
                name=row.get("name", ""),
                short_name=row.get("shortname", ""),
                email=row.get("email", ""),
                currency=self._settings.iso_currency(row.get("currency", ""), "ArCustomer"),
                is_on_hold=row.get("customeronhold", "").upper() == "Y",
            )
            for row in self._asking.find(find)
        )

    def _query_credit(self, customer: str) -> CustomerCredit | None:
        body = self._ask_known("ARSQRY", arsqry.build(customer, with_payments=False), customer)
        if body is None:
            return None
        found = self._asking.read(lambda raw: arsqry.parse(raw, customer), body, "ARSQRY")
        if not isinstance(found, arsqry.Account):
            words = "; ".join(str(problem) for problem in found)
            if has_any(words.lower(), self._settings.absent_words):
                return None
            raise self._asking.client.faults.retryable(words, "ARSQRY", "Read the text.")
        is_on_hold = found.on_hold == "Y" or found.credit_status == MANUAL_HOLD
        texts = (found.limit_text, found.balance_text, found.orders_text)
        return self._credit(customer, found.currency, is_on_hold, texts, f"ARSQRY {customer!r}")

    def _find_credit(self, customer: str) -> CustomerCredit | None:
        keys = key_conditions("Customer", customer, self._settings.key_width)
        rows = self._asking.find(Find("ArCustomer", (), CREDIT_COLUMNS, any_of=keys))
        for row in with_key(rows, "customer", customer):
            status = row.get("creditstatus", "")
            is_on_hold = row.get("customeronhold", "").upper() == "Y" or status == MANUAL_HOLD
            texts = (row.get("creditlimit", ""), "", row.get("outstordval", ""))
            where = f"ArCustomer {customer!r}"
            return self._credit(customer, row.get("currency", ""), is_on_hold, texts, where)
        return None

    def _credit(
        self, customer: str, code: str, is_on_hold: bool, texts: tuple[str, str, str], where: str
    ) -> CustomerCredit:
        """Read limit, balance and outstanding orders, each in the currency that SYSPRO keeps."""
        settings = self._settings
        own = settings.iso_currency(code, where)

        def of(name: str, text: str) -> str:
            # Nought is nought in any currency: a site need not name its own for it.
            if not text.strip("0. -") or name not in settings.base_amounts:
                return own
            return settings.iso_currency("", where)

        limit, balance, orders = texts
        return CustomerCredit(
            customer=customer,
            exists=True,
            is_on_hold=is_on_hold,
            credit_limit=_limit(limit, of("credit_limit", limit), where),
            balance=_money(balance, of("balance", balance), where),
            outstanding_orders=_money(orders, of("outstanding_orders", orders), where),
            currency=own,
        )

    def _ask_known(self, business_object: str, question: str, name: str) -> bytes | None:
        """Ask; ``None`` where an ``ERROR`` text says that there is no such thing."""
        try:
            return self._asking.client.query(business_object, question, name)
        except Retryable as fault:
            low = fault.what.lower()
            if has_any(low, self._settings.absent_words) and name.lower() in low:
                return None
            raise


def _money(text: str, currency: str, where: str) -> Money | None:
    return read_amount(text, currency, where) if text else None


def _limit(text: str, currency: str, where: str) -> Money | None:
    """Read a limit, which SYSPRO keeps in whole units of the currency."""
    if not text:
        return None
    units = read_millionths(text, where, MINOR_UNIT_DIGITS[currency])
    return Money(units, currency)
