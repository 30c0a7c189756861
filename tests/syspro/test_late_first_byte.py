"""A receipt whose operator, logon and period take minutes is posted once: Q counts from its post.

The wire is scripted, because its time has to pass at once; engine, client, periods and partner are
the product's.
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from include.adapters.http.wire import Request, Response
from include.adapters.syspro.enet import EnetClient
from include.adapters.syspro.partners.common import Asking
from include.adapters.syspro.partners.receipts import ReceiptPartner
from include.adapters.syspro.periods import Periods
from include.adapters.syspro.settings import settings_from
from include.domain.errors import OutcomeUnknown
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind
from tests.effects import ManualClock
from tests.simulator.memory import MemoryEffectStore
from tests.syspro.support_orders import RECEIPT, effect_of, options, pseudo_invoice, table

KIND = EffectKind.ar_receipt
SESSION = b"0123456789ABCDEF0123456789ABCDEF07  "
CONNECTION = {"company_id": "A", "base_currency": "USD", "payment_history": "none"}


class SlowSyspro:
    """Each call before the post takes ``call_s``; the post is executed after ``run_s``."""

    def __init__(self, clock: ManualClock, call_s: float, run_s: float) -> None:
        self._clock, self._call_s, self._run_s = clock, call_s, run_s
        self.executed_at: list[datetime] = []

    def exchange(self, request: Request, sink: Any = None) -> Response:
        request.leave()
        parts = urlsplit(request.url)
        asked = parse_qs(parts.query).get("BusinessObject", [parts.path.rpartition("/")[2]])[0]
        if asked == "ARSTPY":
            self.executed_at.append(self._clock.now() + timedelta(seconds=self._run_s))
            self._clock.move(seconds=min(self._run_s, request.limits.deadline_s))
            raise OutcomeUnknown("no answer within the deadline", "SYSPRO", "Look.")
        if not self.executed_at:
            self._clock.move(seconds=self._call_s)
        body = {
            "Logon": SESSION,
            "Logoff": b"0",
            "ARSQSO": b"<Nonsense/>",  # this module does not say its period: the ledger is asked
            "GENQSO": options(),
            "COMFND": self._found(),
        }[asked]
        return Response(200, {}, body, "", len(body))

    def _found(self) -> bytes:
        shown = sum(at <= self._clock.now() for at in self.executed_at)
        names = [f"_CRD{number:02}" for number in range(1, shown + 1)]
        reference = {"CustomerPoNumber": RECEIPT.reference}
        return pseudo_invoice(*names, **reference) if names else table("ArInvoice")


@pytest.mark.parametrize(
    ("operator_held_s", "call_s", "run_s", "quiescence_s"),
    [(119, 55, 690, 900), (0, 55, 150, 200), (119, 2, 150, 200)],
)
def test_a_receipt_that_leaves_minutes_late_is_posted_once(
    operator_held_s: float, call_s: float, run_s: float, quiescence_s: float
) -> None:
    clock = ManualClock()
    store, syspro = MemoryEffectStore(clock), SlowSyspro(clock, call_s, run_s)
    extra = {**CONNECTION, "quiescence_s": quiescence_s}
    settings = settings_from("syspro_a", "https://x/SYSPROWCFService", "TIEOUT", "secret", extra)
    if operator_held_s:
        span = timedelta(seconds=operator_held_s)
        assert store.acquire(f"syspro-operator|{settings.turn}", "a posting", span)
    client = EnetClient(
        settings, syspro, store, "me", sleep=lambda seconds: clock.move(seconds=seconds)
    )
    partner = ReceiptPartner(Asking(client, Periods(client)))
    engine = Engine(store, {KIND: partner}, clock, {KIND: settings.order_timings[KIND]})
    effect = engine.perform(effect_of(RECEIPT))
    for _ in range(400):
        clock.move(seconds=5)
        engine.sweep()
    assert len(syspro.executed_at) == 1
    found = engine.find(KIND, effect.key)
    assert found is not None
    assert found.state.value in ("done", "verified")
