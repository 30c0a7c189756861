"""Credit and customers, as order to cash asks for them before it writes."""

from collections.abc import Sequence

from include.adapters.syspro.documents import arsqry
from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.documents.reply import read_amount, read_millionths
from include.adapters.syspro.documents.text import to_cp1252
from include.adapters.syspro.faults import has_any
from include.adapters.syspro.partners.common import CUSTOMER, key_conditions, with_key
from include.adapters.syspro.stock_reader import StockReader
from include.domain.erp_orders import CustomerCredit, CustomerMatch
from include.domain.errors import Rejected
from include.domain.money import MINOR_UNIT_DIGITS, Money
from include.services.translate.currencies import BaseRate, syspro_rate

CREDIT_COLUMNS = (
    "Customer", "CustomerOnHold", "CreditStatus", "CreditLimit", "Currency", "OutstOrdVal", "Email",
)  # fmt: skip
MATCH_COLUMNS = ("Customer", "Email", "Currency")
MANUAL_HOLD = "9"  # CreditStatus; reference, section 4.2


class AccountReader(StockReader):
    """Reads of one company; the connection's settings choose the business objects."""

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

    def existing(self, customers: Sequence[str]) -> set[str]:
        """Return which customers are there, in few questions; each that seems absent is one more.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        width = self._settings.key_width
        with self._asking.client.session():
            there = self._asking.present("ArCustomer", "Customer", customers, width)
        return there | {one for one in customers if one not in there and self.credit(one).exists}

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

    def customers(self, email: str) -> tuple[CustomerMatch, ...]:
        """Return the customers of a mail address, to link instead of to create.

        One in letters that SYSPRO does not keep is nobody's there.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        forms = dict.fromkeys((email.strip(), email.strip().lower()))  # a database may tell case
        wanted = tuple(("Email", "EQ", one) for one in forms if to_cp1252(one) == one)
        if not wanted:
            return ()
        find = Find("ArCustomer", (), MATCH_COLUMNS, any_of=wanted)
        with self._asking.client.session():
            return tuple(
                CustomerMatch(
                    customer=row.get("customer", ""),
                    email=row.get("email", ""),
                    currency=self._settings.iso_currency(row.get("currency", ""), "ArCustomer"),
                )
                for row in self._asking.find_whole(find, "Customer")
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
        where = f"ARSQRY {customer!r}"
        return self._credit(customer, found.currency, is_on_hold, texts, found.email, where)

    def _find_credit(self, customer: str) -> CustomerCredit | None:
        keys = key_conditions("Customer", customer, self._settings.key_width)
        rows = self._asking.find(Find("ArCustomer", (), CREDIT_COLUMNS, any_of=keys))
        for row in with_key(rows, "customer", customer):
            status = row.get("creditstatus", "")
            is_on_hold = row.get("customeronhold", "").upper() == "Y" or status == MANUAL_HOLD
            texts = (row.get("creditlimit", ""), "", row.get("outstordval", ""))
            where = f"ArCustomer {customer!r}"
            currency, email = row.get("currency", ""), row.get("email", "")
            return self._credit(customer, currency, is_on_hold, texts, email, where)
        return None

    def _credit(
        self,
        customer: str,
        code: str,
        is_on_hold: bool,
        texts: tuple[str, str, str],
        email: str,
        where: str,
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
            email=email,
        )


def _money(text: str, currency: str, where: str) -> Money | None:
    return read_amount(text, currency, where) if text else None


def _limit(text: str, currency: str, where: str) -> Money | None:
    """Read a limit, which SYSPRO keeps in whole units of the currency."""
    if not text:
        return None
    units = read_millionths(text, where, MINOR_UNIT_DIGITS[currency])
    return Money(units, currency)
