"""Every night: the gateway against us, and us against SYSPRO, in both directions.

A day's gateway requests and sales orders are read from their own lists; besides, whatever we sent
since the last comparison is looked for, so that neither side can lose an item in silence. What
SYSPRO's clerks gave back in the last days is read once more. A try that is cut off has noted which
orders it held against SYSPRO: the next passes over those that did not change.
Repairs go by the normal path only; the rest are dead letters with owner, amount and next action.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from include.domain.calendar import Window
from include.services.comparing.erp_side import ErpSide
from include.services.comparing.gateway_side import GatewaySide
from include.services.comparing.ports import Ledger, Progress
from include.services.effects.ports import EffectKind
from include.services.sync.ports import Tally, Watermarks

log = logging.getLogger(__name__)
_FIRST = timedelta(days=2)  # how far a first comparison looks back at our own
# How far back credit notes and cancellations are read again. SYSPRO counts row versions for a whole
# database: one that was committed late lies behind a watermark, beyond any overlap of versions.
_AGAIN = timedelta(days=7)
_AT_ONCE = 20  # orders that SYSPRO is asked about together


@dataclass(frozen=True, slots=True)
class CompareSystems:
    """Compares one merchant; both sides share their findings."""

    merchant_id: str
    gateway: GatewaySide
    erp: ErpSide
    ledger: Ledger
    watermarks: Watermarks
    progress: Progress
    read_again: Callable[[str], object]  # credit notes and cancellations since a date

    def run(
        self, day: date, window: Window, erp_session: Callable[[], AbstractContextManager[None]]
    ) -> Tally:
        """Compare a business day, or several at once.

        Args:
            day: the first one, in the merchant's calendar.
            window: from its beginning to the end of the last one, in instants.
            erp_session: opens a session of SYSPRO, for many questions to it. Its one operator is
                held for those alone, and lent between them: the gateway's day has pages, and a
                shop may hang.

        Raises:
            Retryable: a side could not be asked; run it again, nothing is done twice.
            RuntimeError: an item was neither matched nor set aside, a bug of ours.
        """
        since = self.compared_until() or self.ledger.now() - _FIRST
        with erp_session():
            self.read_again((day - _AGAIN).isoformat())
            listed, credited = self.erp.listed_since(day.isoformat()), self.erp.credited()
        self.gateway.compare(window.start_at, window.end_at)
        until = self.gateway.compare_ours(since)
        self.erp.compare_listed(listed)
        touched = self.gateway.touched | credited
        touched |= self._booked(since, until, touched)
        self.erp.catch_up(touched)
        with erp_session():
            self._compare_orders(sorted(touched), window.end_at.isoformat())
        tally = self.gateway.findings.tally.check()
        if until > since:
            self.watermarks.move(self._mark, until.isoformat())
        self.progress.forget(self.merchant_id)
        return tally

    def _booked(self, since: datetime, until: datetime, known: set[str]) -> set[str]:
        """Return the other orders that were booked since: the gateway knows nothing of a free one.

        What another merchant has booked in the same company is compared in its own night.
        """
        kinds, company = (EffectKind.sales_order,), self.erp.company_id
        sent = self.ledger.sent_between(company, kinds, since, until)
        orders = self.erp.service.orders
        others = {self.ledger.order_of(one) for one in sent} - known
        return {one for one in others if orders.content(one).merchant_id == self.merchant_id}

    def _compare_orders(self, order_ids: Sequence[str], night: str) -> None:
        held = self.progress.versions(self.merchant_id, night)
        if held:
            log.info("%s: %d orders were compared by an earlier try", self.merchant_id, len(held))
        for start in range(0, len(order_ids), _AT_ONCE):
            now = self.erp.compare_orders(order_ids[start : start + _AT_ONCE], held)
            self.progress.note(self.merchant_id, night, now)

    def compared_until(self) -> datetime | None:
        """Return until when the last comparison looked at what we sent; ``None``: there is none."""
        mark = self.watermarks.get(self._mark)
        return datetime.fromisoformat(mark) if mark else None

    @property
    def _mark(self) -> str:
        return f"compared|{self.merchant_id}"
