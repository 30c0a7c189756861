"""One SYSPRO connection as the product uses it, whichever adapter the connection chose."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date

from include.adapters.http.wire import Transport
from include.adapters.syspro.api_orders import FacadeCommandPartner
from include.adapters.syspro.api_reads import FacadeReader
from include.adapters.syspro.api_services import FacadeClient, FacadePartner, NotOffered
from include.adapters.syspro.enet import EnetClient
from include.adapters.syspro.facade_map import CommandMap, FacadeMap, KindMap, load_facade_map
from include.adapters.syspro.master_data import MasterData
from include.adapters.syspro.order_reader import OrderReader
from include.adapters.syspro.partners.applications import ApplicationPartner
from include.adapters.syspro.partners.cash_book import CashBookPartner
from include.adapters.syspro.partners.common import Asking
from include.adapters.syspro.partners.custom_fields import CustomFieldPartner
from include.adapters.syspro.partners.customers import CustomerPartner
from include.adapters.syspro.partners.invoices import InvoicePartner
from include.adapters.syspro.partners.journals import JournalPartner
from include.adapters.syspro.partners.order_moves import OrderMovePartner
from include.adapters.syspro.partners.receipts import ReceiptPartner
from include.adapters.syspro.partners.sales_orders import SalesOrderPartner
from include.adapters.syspro.periods import Periods
from include.adapters.syspro.reader import EnetReader
from include.adapters.syspro.rehearsals import NoTurns, Rehearsals
from include.adapters.syspro.settings import ORDER_KINDS, SysproSettings
from include.domain.errors import Rejected
from include.domain.merchant import ErpCondition
from include.services.effects.ports import EffectKind, Partner, Timings
from include.services.effects.store import Leases
from include.services.ports import ErpReader, PostingPeriod

LEDGER_KINDS = (EffectKind.gl_journal, EffectKind.ap_invoice, EffectKind.cash_book_entry)
KINDS = (*LEDGER_KINDS, *ORDER_KINDS)  # that are SYSPRO's; other partners have the rest


@dataclass(frozen=True, slots=True)
class SysproAdapter:
    """What a connection offers. It belongs to one thread, as its session does."""

    settings: SysproSettings
    partners: Mapping[EffectKind, Partner]
    reader: ErpReader
    orders: OrderReader | FacadeReader  # what order to cash reads
    session: Callable[[], AbstractContextManager[None]]  # few logons for all calls inside
    check: Callable[[], str]  # one cheap round trip, in words; raises what is wrong
    calls: Callable[[], int]  # made so far, logon and logoff counted
    rehearsals: Rehearsals | None = None  # for commissioning; the facade offers none
    master_data: MasterData | None = None  # likewise

    @property
    def timings(self) -> Mapping[EffectKind, Timings]:
        """What the effects engine waits for, by kind."""
        settings = self.settings
        return {**dict.fromkeys(LEDGER_KINDS, settings.timings), **settings.order_timings}


def open_adapter(
    settings: SysproSettings,
    transport: Transport,
    leases: Leases,
    holder: str,
    *,
    mask: Callable[[str], None] = lambda secret: None,
    reads_from: "SysproAdapter | None" = None,
) -> SysproAdapter:
    """Join the parts of the adapter that the connection names; nothing is opened or called.

    Args:
        settings: the connection.
        transport: the product's HTTP client.
        leases: the store's; they keep one session per operator.
        holder: names this process, e.g. host and process id.
        mask: told every session id.
        reads_from: for ``api_services``, the e.net adapter that reads documents and periods.

    Raises:
        Rejected: the facade's field map cannot be read.
    """
    if settings.adapter == "api_services":
        return _facade(settings, transport, reads_from)
    client = EnetClient(settings, transport, leases, holder, mask)
    asking = Asking(client, Periods(client))
    partners: dict[EffectKind, Partner] = {
        EffectKind.gl_journal: JournalPartner(asking),
        EffectKind.ap_invoice: InvoicePartner(asking),
        EffectKind.cash_book_entry: CashBookPartner(asking),
        EffectKind.customer: CustomerPartner(asking),
        EffectKind.sales_order: SalesOrderPartner(asking),
        EffectKind.sales_order_move: OrderMovePartner(asking),
        EffectKind.ar_receipt: ReceiptPartner(asking),
        EffectKind.ar_application: ApplicationPartner(asking),
        EffectKind.custom_field: CustomFieldPartner(asking),
    }
    return SysproAdapter(
        settings,
        partners,
        EnetReader(asking),
        OrderReader(asking),
        client.turns,
        client.check,
        lambda: client.calls,
        Rehearsals(
            settings,
            lambda wanted: EnetClient(wanted, transport, leases, holder, mask),
            lambda wanted: EnetClient(wanted, transport, NoTurns(), holder, mask),
        ),
        MasterData(asking),
    )


def _facade(
    settings: SysproSettings, transport: Transport, reads_from: SysproAdapter | None
) -> SysproAdapter:
    names = load_facade_map(settings.facade_map)
    client = FacadeClient(settings, transport, names)
    orders_client = FacadeClient(settings, transport, names)
    orders_client.deadline_s = settings.write_deadline_s
    partners: dict[EffectKind, Partner] = {}
    for kind in KINDS:
        found: KindMap | CommandMap | None = getattr(names, kind.value, None)
        if isinstance(found, KindMap):
            partners[kind] = FacadePartner(client, found)
        elif isinstance(found, CommandMap):
            partners[kind] = FacadeCommandPartner(orders_client, found, kind)
        else:
            partners[kind] = NotOffered(kind, settings)
    orders = reads_from.orders if reads_from else None
    enet_orders = orders if isinstance(orders, OrderReader) else None
    return SysproAdapter(
        settings,
        partners,
        reads_from.reader if reads_from else _NoReader(settings),
        FacadeReader(orders_client, names.stock, enet_orders),
        reads_from.session if reads_from else nullcontext,
        lambda: _check_facade(client, names),
        lambda: client.calls + orders_client.calls + (reads_from.calls() if reads_from else 0),
        master_data=reads_from.master_data if reads_from else None,
    )


def _check_facade(client: FacadeClient, names: FacadeMap) -> str:
    offered = [kind.value for kind in KINDS if getattr(names, kind.value, None)]
    if names.gl_journal is not None:
        read_back = names.gl_journal.read_back
        query = {
            theirs: client.settings.company_id if word == "company_id" else "TIEOUT-CHECK"
            for theirs, word in read_back.query.items()
        }
        client.get(read_back.path, query, "TIEOUT-CHECK")
    return f"The facade answers for company {client.settings.company_id}: {', '.join(offered)}."


@dataclass(frozen=True, slots=True)
class _NoReader:
    """The facade posts; what is to be read comes from an e.net connection."""

    settings: SysproSettings

    def documents(
        self, company_id: str, first: date, last: date, only: Sequence[ErpCondition] = ()
    ) -> Iterator[Mapping[str, object]]:
        raise self._refusal()

    def posting_period(self, company_id: str, posting_date: date) -> PostingPeriod:
        raise self._refusal()

    def _refusal(self) -> Rejected:
        return Rejected(
            "the JSON facade reads neither documents nor periods",
            f"connection {self.settings.conn_id}",
            "Name an enet connection in its field read_conn_id.",
        )
