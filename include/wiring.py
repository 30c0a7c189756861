"""The only place that joins ports to adapters. Importing it opens nothing."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.domain.calendar import day_in
from include.domain.commissioning import Need, Probe
from include.domain.errors import Rejected
from include.domain.merchant import Merchant
from include.domain.settlement import SettlementDay
from include.services.commissioning.demand import demand_known, demand_outlasted
from include.services.effects.ports import EffectKind, Partner, Timings

if TYPE_CHECKING:  # the libraries behind these are slow to import
    from sqlalchemy import Engine as SqlEngine

    from include.adapters.lake import Lake
    from include.adapters.layouts.parse import LayoutReader
    from include.adapters.quality.runner import GxGate
    from include.adapters.store.approvals import SqlApprovals
    from include.adapters.store.commissioning import SqlCommissioning
    from include.adapters.store.days import SqlDays, SqlTieOuts
    from include.adapters.store.dead_letters import SqlDeadLetters
    from include.adapters.store.disputes import SqlDisputes
    from include.adapters.store.effects import SqlEffectStore
    from include.adapters.store.expectations import SqlExpectations
    from include.adapters.store.files import SqlFiles
    from include.adapters.store.fraud_decisions import SqlFraudDecisions
    from include.adapters.store.journals import SqlJournals
    from include.adapters.store.open_items import SqlOpenItems
    from include.adapters.store.orders import SqlOrders
    from include.adapters.store.quality import SqlQuality
    from include.adapters.store.refunds import SqlRefunds
    from include.adapters.store.reports import SqlReportFacts, SqlReports, SqlSentMessages
    from include.adapters.store.trust import StoreTrust
    from include.adapters.store.turns import SqlTurns
    from include.adapters.store.watermarks import SqlShelf, SqlWatermarks
    from include.mappings.tables import Mappings
    from include.mappings.today import Today
    from include.services.effect_postings import EffectPostings
    from include.services.effects.engine import Engine
    from include.services.effects.store import Leases
    from include.services.translate.translator import ShopTranslator
    from include.services.write_report import ReportWriter


class UtcClock:
    """The wall clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says."""

    store_url: str
    lake: Path
    mode: str = "production"
    business_date: date | None = None  # of a sandbox whose trade has a day of its own
    inbox_days: int = 30  # the bytes of a webhook are kept so long after it is over

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read ``TIEOUT_*``.

        Raises:
            Rejected: a variable is missing or unusable; the message names it.
        """
        missing = [n for n in ("TIEOUT_STORE_URL", "TIEOUT_LAKE") if not environment.get(n)]
        if missing:
            raise Rejected(
                f"{' and '.join(missing)} not set",
                "the environment of this process",
                "Set them alike in every component and worker; README, Configuration.",
            )
        mode = environment.get("TIEOUT_MODE", "production")
        if mode not in ("production", "sandbox"):
            raise Rejected(f"TIEOUT_MODE is {mode!r}", "the environment", "production or sandbox.")
        day = environment.get("TIEOUT_BUSINESS_DATE", "")
        if day and mode != "sandbox":
            raise Rejected(
                "TIEOUT_BUSINESS_DATE is set outside the sandbox",
                "the environment",
                "Remove it: postings are dated by the merchant's own calendar.",
            )
        days = environment.get("TIEOUT_INBOX_DAYS") or "30"
        if re.fullmatch("[1-9][0-9]{0,3}", days) is None:
            raise Rejected(f"TIEOUT_INBOX_DAYS is {days!r}", "the environment", "1 to 9999 days.")
        return cls(
            environment["TIEOUT_STORE_URL"],
            Path(environment["TIEOUT_LAKE"]),
            mode,
            date.fromisoformat(day) if day else None,
            int(days),
        )


class Tieout:
    """The product, joined. One per process; every part is made when first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = UtcClock()

    # Days ------------------------------------------------------------------------------------

    def merchant(self, day: SettlementDay) -> Merchant:
        """Return the merchant as configured on the day, or as it ended before."""
        merchant = self.mappings.merchant_to_its_end(day.merchant_id, day.settlement_date)
        return merchant.on(day.settlement_date)

    def latest_day(self) -> date:
        """Return the newest settlement date known, or yesterday."""
        return self.days.latest() or self.clock.now().date() - timedelta(days=1)

    def days_of_run(self, run_id: str) -> list[SettlementDay]:
        """Return the days that an Airflow run chose."""
        return self.days.of_run(run_id)

    def business_date(self, zone: str) -> date:
        """Return today in a merchant's calendar; what is posted now is dated so."""
        return self.settings.business_date or day_in(zone, self.clock.now())

    # Orders ----------------------------------------------------------------------------------

    def translator(self, shop_id: str) -> "ShopTranslator":
        """Return what turns one shop's words into ours and SYSPRO's, as of today.

        Raises:
            Rejected: the shop, its fields or its merchant's rules are not configured.
        """
        from functools import partial

        from include.adapters.addresses import PostalAddresses
        from include.services.translate.translator import ShopTranslator

        today = self.today
        shop = today.shop(shop_id)
        return ShopTranslator(
            shop,
            today.merchant(shop.merchant_id),
            today.order_rules(shop.merchant_id),
            today.field_map(shop),
            partial(today.shop_status, shop),
            partial(today.payment, shop),
            partial(today.ending, shop),
            PostalAddresses(),
            self.mappings.fx_rate,
            today.shop_asks(shop),
        )

    def owner_of(self, merchant_id: str) -> str:
        """Return who is asked about a merchant's orders today: ``NO_DESK`` for one not set up."""
        from include.services.orders.setting_back import NO_DESK

        try:
            return self.today.merchant(merchant_id).owner
        except Rejected:
            return NO_DESK

    def require_commissioned(
        self, connection: str, *probes: Probe, timings: Callable[[], Timings]
    ) -> None:
        """Refuse to write in production while what makes a resend safe is unmeasured.

        Args:
            connection: that will be written through.
            probes: what must be recorded of it.
            timings: what it waits for; asked in production only.

        Raises:
            Rejected: one is not recorded, or the connection waits for less long than was measured:
                nobody would know whether an absent write may still appear.
        """
        if self.settings.mode != "production":
            return
        for probe in probes:
            need = Need(probe, connection)
            demand_outlasted(demand_known(need, self.commissioning.latest(need)), timings())

    # Parts -----------------------------------------------------------------------------------

    @cached_property
    def store(self) -> "SqlEngine":
        from include.adapters.store.engine import open_store

        return open_store(self.settings.store_url)

    @cached_property
    def trust(self) -> "StoreTrust":
        from include.adapters.store.trust import StoreTrust

        return StoreTrust(self.store, self.lake, self.clock)

    @cached_property
    def lake(self) -> "Lake":
        from include.adapters.lake import Lake

        return Lake(self.settings.lake)

    @cached_property
    def mappings(self) -> "Mappings":
        from include.mappings.load import load_mappings

        return load_mappings()

    @cached_property
    def today(self) -> "Today":
        from include.mappings.today import Today

        return Today(self.mappings, self.business_date)

    @cached_property
    def layouts(self) -> "LayoutReader":
        from include.adapters.layouts.parse import LayoutReader

        return LayoutReader()

    @cached_property
    def gate(self) -> "GxGate":
        from include.adapters.quality.runner import GxGate

        return GxGate()

    @cached_property
    def days(self) -> "SqlDays":
        from include.adapters.store.days import SqlDays

        return SqlDays(self.store, self.clock)

    @cached_property
    def approvals(self) -> "SqlApprovals":
        from include.adapters.store.approvals import SqlApprovals

        return SqlApprovals(self.store, self.clock)

    @cached_property
    def tie_outs(self) -> "SqlTieOuts":
        from include.adapters.store.days import SqlTieOuts

        return SqlTieOuts(self.store, self.clock)

    @cached_property
    def files(self) -> "SqlFiles":
        from include.adapters.store.files import SqlFiles

        return SqlFiles(self.store)

    @cached_property
    def expectations(self) -> "SqlExpectations":
        from include.adapters.store.expectations import SqlExpectations

        return SqlExpectations(self.store)

    @cached_property
    def open_items(self) -> "SqlOpenItems":
        from include.adapters.store.open_items import SqlOpenItems

        return SqlOpenItems(self.store, self.clock)

    @cached_property
    def journals(self) -> "SqlJournals":
        from include.adapters.store.journals import SqlJournals

        return SqlJournals(self.store, self.clock)

    @cached_property
    def disputes(self) -> "SqlDisputes":
        from include.adapters.store.disputes import SqlDisputes

        return SqlDisputes(self.store, self.clock)

    @cached_property
    def quality(self) -> "SqlQuality":
        from include.adapters.store.quality import SqlQuality

        return SqlQuality(self.store, self.clock)

    @cached_property
    def reports(self) -> "SqlReports":
        from include.adapters.store.reports import SqlReports

        return SqlReports(self.store, self.clock)

    @cached_property
    def report_facts(self) -> "SqlReportFacts":
        from include.adapters.store.reports import SqlReportFacts

        return SqlReportFacts(self.store, self.clock)

    @cached_property
    def report_writers(self) -> "Mapping[str, ReportWriter]":
        from include.adapters.reports.csv_report import CsvReport
        from include.adapters.reports.html_report import HtmlReport
        from include.adapters.reports.xlsx_report import XlsxReport

        return {"xlsx": XlsxReport(), "html": HtmlReport(), "csv": CsvReport()}

    @cached_property
    def sent_messages(self) -> "SqlSentMessages":
        from include.adapters.store.reports import SqlSentMessages

        return SqlSentMessages(self.store, self.clock)

    @cached_property
    def effects(self) -> "SqlEffectStore":
        from include.adapters.store.effects import SqlEffectStore

        return SqlEffectStore(self.store)

    @cached_property
    def leases(self) -> "Leases":
        """Whose turn it is, e.g. at SYSPRO's operator: the store's word for all processes."""
        return self.effects

    @cached_property
    def turns(self) -> "SqlTurns":
        """Whose turn it is at a merchant's days."""
        from include.adapters.store.turns import SqlTurns

        return SqlTurns(self.store)

    @cached_property
    def commissioning(self) -> "SqlCommissioning":
        from include.adapters.store.commissioning import SqlCommissioning

        return SqlCommissioning(self.store)

    @cached_property
    def orders(self) -> "SqlOrders":
        from include.adapters.store.orders import SqlOrders

        return SqlOrders(self.store, self.owner_of)

    @cached_property
    def refunds(self) -> "SqlRefunds":
        from include.adapters.store.refunds import SqlRefunds

        return SqlRefunds(self.store)

    @cached_property
    def fraud_decisions(self) -> "SqlFraudDecisions":
        from include.adapters.store.fraud_decisions import SqlFraudDecisions

        return SqlFraudDecisions(self.store)

    @cached_property
    def watermarks(self) -> "SqlWatermarks":
        from include.adapters.store.watermarks import SqlWatermarks

        return SqlWatermarks(self.store)

    @cached_property
    def shelf(self) -> "SqlShelf":
        from include.adapters.store.watermarks import SqlShelf

        return SqlShelf(self.store)

    @cached_property
    def dead_letters(self) -> "SqlDeadLetters":
        from include.adapters.store.dead_letters import SqlDeadLetters

        return SqlDeadLetters(self.store)

    def postings(self, owner: str) -> "EffectPostings":
        """Return what became of journals; ``owner`` is asked about those that do not finish."""
        from include.services.effect_postings import EffectPostings

        return EffectPostings(self.effects, self.dead_letters, owner, self.trust.is_doubted)

    def engine(
        self,
        partners: Mapping[EffectKind, Partner],
        timings: Timings | Mapping[EffectKind, Timings],
        *,
        worker: str,
        **more: Any,
    ) -> "Engine":
        """Return an effects engine over the store; one timing serves all kinds, or each its own."""
        from include.services.effects.engine import Engine

        kinds = dict.fromkeys(partners, timings) if isinstance(timings, Timings) else timings
        more.setdefault("looks_first", self.trust.is_doubted)
        return Engine(self.effects, partners, self.clock, kinds, worker=worker, **more)


@cache
def tieout() -> Tieout:
    """Return this process's product, as the environment says."""
    return Tieout(Settings.of(os.environ))
