"""What is asked before a merchant goes live: its connections, its codes in SYSPRO, its facts."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from include.adapters.demo_secrets import unfit_for_production
from include.adapters.layouts import layout_named
from include.domain.calendar import settlement_window
from include.domain.errors import Rejected, Retryable, Unconfigured
from include.domain.merchant import Merchant, SourceKind
from include.domain.shops import RateSource, Shop, ShopKind, TaxMode
from include.services.ports import PeriodState
from include.services.preflight import Check
from include.wiring import Tieout
from tieout.desks.commissioned import demand_for_journals, demand_for_orders
from tieout.hooks.connections import connection_of
from tieout.hooks.cybersource import CybersourceHook
from tieout.hooks.plain import PlainHook
from tieout.hooks.shop import GenericShopHook, ShopCallbackHook, WooCommerceHook
from tieout.hooks.syspro import SysproHook

if TYPE_CHECKING:
    from include.adapters.syspro.master_data import MasterData

_TEST_HOST = "apitest."  # Cybersource's hosts; reference, section 1
_REAL_HOSTS = ("api.cybersource", "api.in.cybersource")


class _Testable(Protocol):
    def test_connection(self) -> tuple[bool, str]: ...


class PreflightDesk:
    """The checks of one merchant and of the shops that sell for it."""

    def __init__(self, context: Tieout, merchant_id: str) -> None:
        self._context = context
        self._merchant: Merchant = context.today.merchant(merchant_id)
        self._day = context.today.date_of(merchant_id)
        self._shops = [
            context.today.shop(shop_id)
            for shop_id in context.today.open_shops()
            if context.today.shop(shop_id).merchant_id == merchant_id
        ]
        self._gateway = CybersourceHook(self._merchant.cybersource_conn_id)
        self._erp = SysproHook(self._merchant.syspro_conn_id, leases=context.leases)

    def checks(self) -> Iterator[Check]:
        """Yield them: ours first, then each partner, then what must have been measured."""
        of_shops = (check for shop in self._shops for check in self._of_shop(shop))
        checks = (self._ours(), self._of_gateway(), self._of_erp(), self._of_plain())
        for check in chain(*checks, of_shops, self._measured()):
            yield replace(check, ask=_without_store(check.ask))

    # Ours ------------------------------------------------------------------------------------

    def _ours(self) -> Iterator[Check]:
        yield Check("store", "schema", self._schema, opens=True)
        yield Check("store", "keeps commits", self._durability)
        yield Check("store", "trust", self._trust)
        yield Check("lake", "keeps what is written", self._lake)
        yield Check("connections", "nothing of the demo", self._nothing_of_the_demo)

    def _schema(self) -> str:
        from include.adapters.store.migrate import demand_current

        return f"version {demand_current(self._context.store)}"

    def _durability(self) -> str:
        from include.adapters.store.durability import demand_durable

        return demand_durable(self._context.store)

    def _trust(self) -> str:
        if self._context.trust.is_doubted():
            do = "See the dead letter of kind 'store' and the runbook restore."
            raise Rejected("it may have forgotten writes", "the store", do)
        return "it holds its witness"

    def _lake(self) -> str:
        lake = self._context.lake
        try:
            lake.write_note("preflight", b"here")
            found = lake.read_note("preflight")
        except OSError as fault:
            found, why = b"", str(fault.strerror)
        else:
            why = "it was not there afterwards"
        if found != b"here":
            do = "Let TIEOUT_LAKE be a folder that every process can write and all share."
            raise Rejected(f"nothing can be kept: {why}", str(lake.root), do)
        return str(lake.root)

    def _nothing_of_the_demo(self) -> str:
        if self._context.settings.mode != "production":
            return f"not asked for with TIEOUT_MODE={self._context.settings.mode}"
        merchant = self._merchant
        ids = [merchant.cybersource_conn_id, merchant.syspro_conn_id, merchant.bank_conn_id]
        ids += [merchant.acquirer_conn_id, "chat_default"]
        ids += [conn for shop in self._shops for conn in (shop.conn_id, shop.callback_conn_id)]
        wrong, count = [], 0
        for conn_id in dict.fromkeys(filter(None, ids)):
            try:
                found = connection_of(conn_id)
            except Unconfigured:
                continue  # where it is needed, its own check says so
            count += 1
            login, password = found.login or "", found.password or ""
            if why := unfit_for_production(login, password, found.extra_dejson):
                wrong.append(f"{conn_id}: {why}")
        if wrong:
            do = "Enter your own secrets, and untick Allow local addresses."
            raise Rejected("; ".join(wrong), "Airflow's connections", do)
        return f"none of {count} has its secrets"

    # The gateway -----------------------------------------------------------------------------

    def _of_gateway(self) -> Iterator[Check]:
        place = self._merchant.cybersource_conn_id
        yield Check(place, "host and mode", self._host)
        yield Check(place, "signs in", lambda: _tested(self._gateway), opens=True)
        yield Check(place, "reports", self._reports)
        yield Check(place, "signs of reports", self._signs)

    def _host(self) -> str:
        host = urlsplit(self._gateway.get_conn().settings.base_url).hostname or ""
        is_production, is_test = self._context.settings.mode == "production", _TEST_HOST in host
        if is_production and is_test:
            do = "Point the connection at the production host, with a key of that host."
            raise Rejected(f"production settles at the test host {host}", "TIEOUT_MODE", do)
        if not is_production and host.startswith(_REAL_HOSTS):
            do = "Set TIEOUT_MODE=production, or point the connection at the test host."
            raise Rejected(f"a trial moves real money at {host}", "TIEOUT_MODE", do)
        return f"{host}, {self._context.settings.mode}"

    def _reports(self) -> str:
        merchant, day = self._merchant, self._day - timedelta(days=1)
        wanted = {s.remote_name for s in merchant.sources if s.kind is SourceKind.report}
        window = settlement_window(day, merchant.zone, merchant.cut_off)
        entries = self._gateway.list_reports(merchant.organization_id, window)
        if missing := sorted(wanted - {entry.name for entry in entries}):
            raise Rejected(
                f"no report of {day} is named {', '.join(missing)}",
                f"merchants.yaml, {merchant.merchant_id}, sources",
                "Subscribe to it in the Business Center, or correct remote_name; a new "
                "subscription has its first report the day after.",
            )
        return f"{len(wanted)} of {day} are listed"

    def _signs(self) -> str:
        """A report without signs, read as one with them, may make a sale of a refund."""
        merchant, said = self._merchant, None
        wrong, unsaid, asked = [], [], 0
        for source in merchant.sources:
            layout = layout_named(source.layout)
            if source.kind is not SourceKind.report or layout.signed_amounts is None:
                continue
            if said is None:
                said = self._gateway.signed_amounts(merchant.organization_id)
            asked += 1
            is_signed = said.get(source.remote_name)
            if is_signed is None:
                unsaid.append(source.remote_name)
            elif is_signed is not layout.signed_amounts:
                made = "with" if is_signed else "without"
                instead = layout.other_signs and f"; the layout {layout.other_signs} reads them so"
                wrong.append(f"{source.remote_name} is made {made} signedAmounts{instead}")
        if wrong:
            raise Rejected(
                "; ".join(wrong),
                f"merchants.yaml, {merchant.merchant_id}, sources",
                "Name the layout that reads them so, or change signedAmounts of the subscription.",
            )
        words = f"; look at a file of {', '.join(unsaid)}: nobody says" if unsaid else ""
        return f"{asked - len(unsaid)} of {asked} are made as their layouts read them{words}"

    # SYSPRO ----------------------------------------------------------------------------------

    def _of_erp(self) -> Iterator[Check]:
        yield Check("pool syspro", "slots", self._slots)
        place, merchant = self._merchant.syspro_conn_id, self._merchant
        yield Check(place, "logs on", lambda: _tested(self._erp), opens=True)
        yield Check(place, "posting period", self._period)
        master = self._master_data
        yield Check(place, "GL accounts", lambda: self._accounts(master()))
        for currency, account in merchant.bank_accounts.items():
            yield Check(place, f"bank of {currency}", _bank(master, account.bank_code, currency))
        if self._shops:
            yield Check(place, "parts of kits", self._kits)
        for shop in self._shops:
            yield from self._codes_of(place, shop)

    def _codes_of(self, place: str, shop: Shop) -> Iterator[Check]:
        name, master, customer = shop.shop_id, self._master_data, shop.customer
        yield Check(
            place,
            f"{name}: warehouse",
            _present(master, "InvWarehouse", "Warehouse", shop.warehouse, shop.where),
        )
        for currency, bank in shop.clearing_banks.items():
            yield Check(place, f"{name}: clearing of {currency}", _bank(master, bank, currency))
            if currency != self._merchant.base_currency:
                yield Check(place, f"{name}: rate of {currency}", self._rate(shop, currency))
        yield Check(
            place,
            f"{name}: salesperson",
            _present(master, "SalSalesperson", "Salesperson", customer.salesperson, shop.where),
        )
        for currency, account in shop.house_accounts.items():
            yield Check(
                place,
                f"{name}: house account of {currency}",
                _present(master, "ArCustomer", "Customer", account, shop.where),
            )
            if shop.tax is TaxMode.override:
                yield Check(
                    place, f"{name}: tax of house account of {currency}", _untaxed(master, account)
                )

    def _rate(self, shop: Shop, currency: str) -> Callable[[], str]:
        """Ask for the rate that a receipt of today would be booked at."""

        def ask() -> str:
            merchant, mappings = self._merchant, self._context.mappings
            # Its settlement needs it, whatever the receipt is booked at.
            millionths = mappings.fx_rate(currency, merchant.base_currency, self._day)
            rate = "{}.{:06d}".format(*divmod(millionths, 1_000_000))
            if shop.exchange_rates is RateSource.dated:
                return f"{rate} of fx_rates.yaml, for receipts and settlement"
            return f"{rate} for settlement; card clearing keeps what SYSPRO's own differs by"

        return ask

    def _master_data(self) -> "MasterData":
        found = self._erp.master_data
        if found is None:
            where = f"connection {self._merchant.syspro_conn_id}"
            raise Rejected("nothing can be read here", where, "Name an e.net read_conn_id.")
        return found

    def _slots(self) -> str:
        from tieout.desks.syspro_pool import demand_slots

        merchants = self._context.today.merchants().values()
        return demand_slots(len({one.syspro_conn_id for one in merchants}))

    def _period(self) -> str:
        found = self._erp.posting_period(self._merchant.company_id, self._day)
        named = f"{found.period:02d}/{found.year}"
        if found.state is not PeriodState.open:
            do = "Open it in SYSPRO."
            raise Rejected(f"period {named} of {self._day} is {found.state}", "SYSPRO", do)
        return f"{named} is open; {self._master_data().demand_fiscal_year()}"

    def _kits(self) -> str:
        orders = self._erp.orders
        with self._erp.session():
            kits = orders.kits()
            known = orders.products(kits)
        bare = [one.stock_code for one in known.values() if not one.parts]
        if bare:
            raise Rejected(
                f"SYSPRO tells no parts of {', '.join(bare[:5])}: what is left is not known",
                f"connection {self._merchant.syspro_conn_id}",
                "Correct bom_table, bom_columns and bom_filter, or write kits_by none.",
            )
        return f"told of all kits ({len(kits)})" if kits else "there is no kit"

    def _accounts(self, master: "MasterData") -> str:
        template = self._context.mappings.gl_template(self._merchant.gl_template, self._day)
        roles: dict[str, list[str]] = {}
        for role, code in template.accounts.items():
            roles.setdefault(code, []).append(role)
        if missing := master.absent_accounts(list(roles)):
            named = "; ".join(f"{code} ({', '.join(roles[code])})" for code in missing)
            do = "Open them in SYSPRO, or correct the template."
            raise Rejected(f"the ledger has no {named}", template.where, do)
        cleared = [template.account(role) for role in ("gross_sale", "refund")]
        if self._shops and (revenue := master.revenue_accounts(cleared)):
            raise Rejected(
                f"sales of a shop are revenue when SYSPRO invoices them, and {', '.join(revenue)} "
                "is a revenue account: each would be booked twice",
                template.where,
                "Write the ledger account of clearing_banks as gross_sale and refund.",
            )
        return f"{len(roles)} of template {template.name} are in the ledger"

    # The others ------------------------------------------------------------------------------

    def _of_plain(self) -> Iterator[Check]:
        merchant, kinds = self._merchant, {source.kind for source in self._merchant.sources}
        wanted = {
            SourceKind.bank: merchant.bank_conn_id,
            SourceKind.acquirer: merchant.acquirer_conn_id or "acquirer_default",
        }
        for kind, conn_id in wanted.items():
            if kind in kinds:
                yield Check(conn_id, "address and key", PlainHook(conn_id).demand_usable)

    def _of_shop(self, shop: Shop) -> Iterator[Check]:
        is_woo = shop.kind is ShopKind.woocommerce
        hook = WooCommerceHook(shop.conn_id) if is_woo else GenericShopHook(shop.conn_id)
        yield Check(shop.conn_id, "lists orders", lambda: _tested(hook), opens=True)
        if shop.callback_conn_id:
            callback = ShopCallbackHook(shop.callback_conn_id)
            yield Check(shop.callback_conn_id, "address and secret", lambda: _tested(callback))

    def _measured(self) -> Iterator[Check]:
        context, needs_orders = self._context, bool(self._shops)

        def ask() -> str:
            if context.settings.mode != "production":
                return f"not asked for with TIEOUT_MODE={context.settings.mode}"
            if needs_orders:
                demand_for_orders(context, self._merchant, self._gateway, self._erp)
            else:
                demand_for_journals(context, self._merchant.syspro_conn_id, self._erp)
            return "measured, and outlasted by quiescence_s"

        yield Check("commissioning", "P2, P5 and P6" if needs_orders else "P6", ask)


def _without_store(ask: Callable[[], str]) -> Callable[[], str]:
    """Make a store that is away an answer; others need it too, e.g. for a turn at SYSPRO."""

    def asked() -> str:
        try:
            return ask()
        except SQLAlchemyError as fault:
            what, do = f"it does not answer: {type(fault).__name__}", "Look at its database."
        raise Retryable(f"the store is needed, and {what}", "TIEOUT_STORE_URL", do)

    return asked


def _tested(hook: _Testable) -> str:
    is_good, words = hook.test_connection()
    if not is_good:
        raise Rejected(words, "the connection", "")  # its words say what to do
    return words


def _bank(master: "Callable[[], MasterData]", bank: str, currency: str) -> Callable[[], str]:
    def ask() -> str:
        master().demand_bank(bank, currency)
        return bank

    return ask


def _untaxed(master: "Callable[[], MasterData]", customer: str) -> Callable[[], str]:
    return lambda: f"{customer}, {master().demand_untaxed(customer)}"


def _present(
    master: "Callable[[], MasterData]", table: str, column: str, code: str, where: str
) -> Callable[[], str]:
    def ask() -> str:
        if not master().has_any(table, column, code):
            raise Rejected(f"{table} has no {column} {code!r}", where, "Open it, or correct it.")
        return code

    return ask
