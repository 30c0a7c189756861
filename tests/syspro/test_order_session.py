"""A whole order in one session: how many calls it takes, and how long each may."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from include.adapters.http.wire import Request, Response
from include.adapters.syspro.adapter import open_adapter
from include.domain.errors import OutcomeUnknown
from include.services.effects.ports import EffectKind
from tests.syspro.support_orders import (
    CLEAN,
    CUSTOMER,
    ORDER,
    RECEIPT,
    added,
    effect_of,
    head,
    options,
    paid,
    table,
)

SENT_AT = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
SENT: dict[str, Any] = {"sent_at": SENT_AT, "sends": 1}
Make = Callable[..., Any]


def test_the_timings_of_order_to_cash_are_those_of_a_waiting_shopper(make_adapter: Make) -> None:
    timings = make_adapter(deadline_s=180).timings
    assert timings[EffectKind.gl_journal].deadline.total_seconds() == 180
    for kind in (EffectKind.customer, EffectKind.sales_order, EffectKind.ar_receipt):
        assert timings[kind].deadline.total_seconds() == 60
        assert timings[kind].quiescence.total_seconds() == 900
    assert timings[EffectKind.sales_order].looks_first
    assert timings[EffectKind.customer].looks_first
    assert not timings[EffectKind.ar_receipt].looks_first
    assert timings[EffectKind.sales_order_move].until_verify.total_seconds() == 0


def test_a_write_of_order_to_cash_gives_up_earlier_than_a_journal(
    make_settings: Make, leases: Any
) -> None:
    limits: list[float] = []

    class Hung:
        def exchange(self, request: Request, sink: Any = None) -> Response:
            request.leave()
            limits.append(request.limits.deadline_s)
            if "Logon" in request.url:
                return Response(200, {}, b"0123456789ABCDEF0123456789ABCDEF07  ", "", 36)
            raise OutcomeUnknown("no answer", "here", "Look.")

    settings = make_settings(deadline_s=30, connect_s=5, order_deadline_s=7)
    adapter = open_adapter(settings, Hung(), leases, "test")
    with pytest.raises(OutcomeUnknown):
        adapter.partners[EffectKind.sales_order].send(effect_of(ORDER))
    assert limits == [7, 7, 30]  # logon, SORTOI; the logoff is nobody's wait
    assert adapter.timings[EffectKind.sales_order].lease.total_seconds() == 7 + 60 + 0.5 + 3 * 7


def test_a_whole_order_of_a_new_customer_costs_nine_calls_inside_its_session(
    fake: Any, make_adapter: Make
) -> None:
    stock = {"Warehouse": "FG", "QtyOnHand": "9", "QtyAllocated": "0"}
    fake.on(
        "query COMFND",
        table("InvWarehouse", {"StockCode": "A100", **stock}, {"StockCode": "B200", **stock}),
        table("InvMaster", {"StockCode": "A100"}, {"StockCode": "B200"}),
        table("SorMaster"),
        head(),
    )
    fake.on("query ARSQRY", b"ERROR: Customer 'W000001' not found")
    fake.on("query GENQSO", options())
    fake.on("add ARSSCS", added())
    fake.on("post SORTOI", CLEAN)
    fake.on("post ARSTPY", paid())
    adapter = make_adapter()
    partners = adapter.partners
    with adapter.session():
        levels = adapter.orders.stock(["A100", "B200"], "FG")
        assert not adapter.orders.credit("W000001").exists
        for command in (CUSTOMER, ORDER):
            effect = effect_of(command)
            assert partners[effect.kind].look(effect) == ()
            partners[effect.kind].send(effect)
        partners[EffectKind.ar_receipt].send(effect_of(RECEIPT))  # is not looked for first
    assert [one.available_millionths for one in levels] == [9_000_000, 9_000_000]
    assert fake.verbs()[0] == "logon"
    assert fake.verbs()[-1] == "logoff"
    assert fake.verbs()[1:-1] == [
        "query COMFND", "query COMFND", "query ARSQRY", "add ARSSCS", "query COMFND", "post SORTOI",
        "query COMFND", "query ARSQSO", "post ARSTPY",
    ]  # fmt: skip
    assert adapter.calls() == 11
