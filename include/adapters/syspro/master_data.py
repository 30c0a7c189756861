"""Whether the codes that our mappings name exist in a company, asked before a posting needs them.

Only tables and columns that public sources confirm are asked; a bank is known by what CSHQRY says
of it. Source: reference, sections 4.6 and 7.
"""

from collections.abc import Sequence
from datetime import timedelta

from include.adapters.syspro.documents import cshqry
from include.adapters.syspro.documents.comfnd import Condition, Find
from include.adapters.syspro.documents.ledger_queries import build_previous, parse_first_end
from include.adapters.syspro.partners.common import Asking, stored_keys, with_key
from include.domain.erp_orders import same_key
from include.domain.errors import Rejected, Retryable

_CODES_PER_QUESTION = 20  # an address has a limit
_REFERENCE = "preflight"
_ACCOUNT_COLUMNS = ("GlCode", "AccountType")
_REVENUE = "R"


class MasterData:
    """Reads of one company. Every method raises ``Retryable`` or ``Rejected``: could not ask."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def absent_accounts(self, gl_codes: Sequence[str]) -> list[str]:
        """Return those of the GL codes that the ledger does not have, in the order given."""
        there = self._account_types(gl_codes)
        return [code for code in dict.fromkeys(gl_codes) if code not in there]

    def revenue_accounts(self, gl_codes: Sequence[str]) -> list[str]:
        """Return those of the GL codes that the ledger keeps as revenue, in the order given."""
        return [code for code, kind in self._account_types(gl_codes).items() if kind == _REVENUE]

    def _account_types(self, gl_codes: Sequence[str]) -> dict[str, str]:
        """Return the ledger's type (A, L, C, R or E) of each code that it has."""
        wanted, types = list(dict.fromkeys(gl_codes)), dict[str, str]()
        with self._asking.client.session():
            for start in range(0, len(wanted), _CODES_PER_QUESTION):
                part = wanted[start : start + _CODES_PER_QUESTION]
                find = Find("GenMaster", (), _ACCOUNT_COLUMNS, any_of=_forms("GlCode", part))
                rows = self._asking.find(find, _REFERENCE)
                for code in part:
                    for row in rows:
                        if same_key(code, row.get("glcode", "")):
                            types[code] = row.get("accounttype", "").upper()
        return types

    def has_any(self, table: str, column: str, code: str) -> bool:
        """Say whether any row of the table has the code; a numeric key is stored with zeros."""
        forms = _forms(column, stored_keys(code, self._settings.key_width))
        find = Find(table, (), (column,), any_of=forms, return_rows=2)
        return bool(self._asking.find(find, _REFERENCE))

    def demand_untaxed(self, customer: str) -> str:
        """Return why SYSPRO adds no tax to orders of this customer that hold the shop's.

        Raises:
            Rejected: it is taxed, and nothing that is sent with an order keeps SYSPRO from it.
        """
        settings, where = self._settings, f"ArCustomer {customer!r}"
        keys = _forms("Customer", stored_keys(customer, settings.key_width))
        find = Find("ArCustomer", (), ("Customer", "TaxStatus"), any_of=keys)
        rows = with_key(self._asking.find(find, _REFERENCE), "customer", customer)
        status = rows[0].get("taxstatus", "") if rows else ""
        named = f"tax status {status or 'unknown'}"
        if status in settings.tax_exempt_flags:
            return named
        if settings.order_tax_status != "none":
            return f"{named}; its orders are sent as exempt"
        if settings.line_tax_code:
            return f"{named}; its lines are sent with tax code {settings.line_tax_code}"
        raise Rejected(
            f"{named}: SYSPRO adds its tax to the shop's",
            where,
            "Make the customer exempt in SYSPRO, set order_tax_status or line_tax_code in "
            f"connection {settings.conn_id}, or write 'tax: syspro' in shops.yaml.",
        )

    def demand_fiscal_year(self) -> str:
        """Return how the ledger counts its periods, by what it shows of last year.

        Raises:
            Rejected: this connection counts them otherwise: all would be posted to other periods.
        """
        body = self._asking.client.query("GENQPP", build_previous(1), _REFERENCE)
        year, end = self._asking.read(parse_first_end, body, "GENQPP")
        if end is None:
            return "SYSPRO shows no end of any period"
        shown, conn_id = f"period 1 of {year} ended on {end}", self._settings.conn_id
        counted = self._settings.fiscal(end)
        if counted != (year, 1):
            raise Rejected(
                f"{shown}, which connection {conn_id} counts as {counted[1]:02d}/{counted[0]}",
                self._asking.client.faults.where("GENQPP"),
                f"Set fiscal_year_start_month of connection {conn_id}; nothing was posted.",
            )
        is_months = (end + timedelta(days=1)).day == 1
        return shown if is_months else f"{shown}: what is dated after it counts to its month still"

    def demand_bank(self, bank: str, currency: str) -> None:
        """Return if the cash book has the bank, in this currency.

        Raises:
            Rejected: it has none of that code, or it is kept in another currency.
        """
        do = f"Correct the bank's code in the mappings, or open it in SYSPRO for {currency}."
        client = self._asking.client
        where = client.faults.where("CSHQRY")
        try:
            body = client.query("CSHQRY", cshqry.build(bank, has_transactions=False), _REFERENCE)
            theirs = self._asking.read(lambda raw: cshqry.currency_of(raw, bank), body, "CSHQRY")
        except Retryable as fault:
            raise Rejected(f"bank {bank}: {fault.what}", where, do) from None
        if theirs and self._settings.iso_currency(theirs, where) != currency:
            raise Rejected(f"bank {bank} is kept in {theirs}, not in {currency}", where, do)


def _forms(column: str, codes: Sequence[str]) -> tuple[Condition, ...]:
    return tuple((column, "EQ", code) for code in codes)
