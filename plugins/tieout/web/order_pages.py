"""Pages of order to cash: orders, one order, refunds that wait, reviews. Read only."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from include.adapters.store import order_screen, views
from include.adapters.store.order_screen import ShownOrder
from include.domain.money import Money, total
from include.domain.order_state import OrderState
from include.domain.paying import source_of
from include.domain.refunds import RefundState
from include.domain.standing import is_wholly_captured
from include.services.orders.stores import TimelineEntry
from include.wiring import Tieout, tieout
from tieout.cursor import at_and_name, cursor_of
from tieout.web.rendering import HEADERS, STORABLE, Name, Offset, page, refuse_cards

DAG_ID = "orders"
PAGE = 100  # orders
_TONES = {
    "completed": "good",
    "captured": "good",
    "done": "good",
    "verified": "good",
    "in_review": "warn",
    "pending": "warn",
    "in_doubt": "warn",
    "waiting": "warn",
    "cancelling": "warn",
    "stuck": "bad",
    "dead_letter": "bad",
    "rejected": "bad",
    "mismatched": "bad",
}

Number = Annotated[str, Query(max_length=64), STORABLE]
Cursor = Annotated[str, Query(max_length=200)]
Text = Annotated[str, Query(max_length=64), STORABLE]

# Whoever may read the order DAG may read its pages; Airflow protects no plugin by itself.
router = APIRouter(
    dependencies=[
        Depends(requires_access_dag("GET", param_dag_id=DAG_ID)),
        Depends(refuse_cards),
    ]
)


@router.get("/orders")
def orders(
    state: Annotated[str, Query(pattern=f"^({'|'.join(OrderState)})?$")] = "",
    shop: Text = "",
    number: Number = "",
    cursor: Cursor = "",
) -> HTMLResponse:
    """List orders, newest first; a page costs the same wherever in history it begins."""
    context = tieout()
    known = context.mappings.orders.shops
    rows = order_screen.listing(
        context.store,
        shops=[shop] if shop else sorted(known),
        merchants=sorted(context.mappings.merchants),
        state=state,
        number=number.strip(),
        after=_read_cursor(cursor),
        limit=PAGE,
    )
    last = rows[-1] if len(rows) == PAGE else None
    following = cursor_of(last.accepted_at, last.order_id) if last else ""
    return page(
        "orders.html", rows=rows, states=list(OrderState), shops=sorted(known), state=state,
        shop=shop, number=number, cursor=cursor, following=following, tones=_TONES,
        owner_of=context.owner_of, now=context.clock.now(),
    )  # fmt: skip


@router.get("/orders/of/{merchant_id}/{reference:path}")
def order_of(merchant_id: Name, reference: Name) -> Response:
    """Open the order behind a settlement line: by its merchant reference or request id."""
    order_id = order_screen.behind(tieout().store, merchant_id[:64], reference[:64])
    if order_id is None:
        return page(
            "not_ours.html", status=404, merchant_id=merchant_id[:64], reference=reference[:64]
        )
    return RedirectResponse(f"/tieout/orders/{order_id}", 303, headers=HEADERS)


@router.get("/orders/{order_id}")
def order(order_id: Name) -> HTMLResponse:
    """Show one order: its money, its story, and every write it made."""
    context = tieout()
    found = order_screen.shown(context.store, order_id[:64])
    if found is None:
        raise HTTPException(404, "There is no such order.")
    pairs = context.refunds.of_order(found.row.order_id)
    keys = [found.row.order_id, *(row.refund_id for row, _ in pairs)]
    return page(
        "order.html",
        row=found.row, facts=found.facts, content=found.content, refunds=pairs, tones=_TONES,
        money=_money_of(found, [part.amount for _, saga in pairs for part in saga.facts.parts
                                if part.request_id]),
        timeline=_formatted(context.orders.timeline(found.row.order_id)),
        effects=order_screen.effects_of(context.store, keys),
        reports=_reports(context, found),
        owner=context.owner_of(found.row.merchant_id),
        now=context.clock.now(),
    )  # fmt: skip


@router.get("/refunds")
def refunds(
    state: Annotated[str, Query(pattern=f"^({'|'.join(RefundState)})$")] = "waiting",
    offset: Offset = 0,
) -> HTMLResponse:
    """Show refunds, those that wait for a second person unless asked otherwise."""
    context = tieout()
    rows = order_screen.refunds_in(context.store, state, PAGE, offset)
    return page(
        "refunds.html", rows=rows, state=state, states=list(RefundState), offset=offset,
        size=PAGE, now=context.clock.now(),
    )  # fmt: skip


@router.get("/reviews")
def reviews() -> HTMLResponse:
    """Show the orders that Decision Manager holds, those about to expire first."""
    context = tieout()
    now, rules = context.clock.now(), context.today.order_rules
    rows = [
        (one, one.is_urgent(rules(one.merchant_id), now))
        for one in order_screen.waiting(context.store)
    ]
    return page("reviews.html", rows=rows, count=order_screen.count_waiting(context.store), now=now)


def _money_of(found: ShownOrder, returned: Sequence[Money]) -> list[tuple[str, Money, str]]:
    """Say what was asked, held, taken and given back; each with what proves it."""
    facts, row = found.facts, found.row
    held = facts.approved
    request = facts.payment.request_id if facts.payment else ""
    captured, nothing = row.captured, Money(0, row.amount.currency)
    back = total(returned, row.amount.currency)
    expiry = f"until {facts.expires_at:%Y-%m-%d %H:%M} UTC" if facts.expires_at else ""
    is_open = not is_wholly_captured(facts)
    state = "reversed" if facts.is_reversed else expiry if is_open else "captured"
    state = "nothing to pay" if facts.is_free else state
    return [
        ("ordered", row.amount, ""),
        ("authorised", held or nothing, " ".join(filter(None, (request, state, _proof(found))))),
        ("captured", captured, " ".join(one.request_id for one in facts.captures)),
        ("refunds asked for", row.refunding, ""),
        ("given back", back, ""),
        ("kept", captured - back, "captured less given back"),
    ]


def _proof(found: ShownOrder) -> str:
    """Say how well the shopper proved who pays; whoever contests a fraud's chargeback needs it.

    What was claimed is of the shopper's own payment: a renewal of it is the merchant's.
    """
    facts = found.facts
    payment, source = facts.payment, source_of(found.content, facts)
    proof = source.authentication if facts.attempt == facts.first_attempt else None
    claimed = proof.commerce_indicator if proof else ""
    indicator = (payment.commerce_indicator if payment else "") or claimed
    if indicator == "internet" or indicator.endswith("_failure"):
        return f"3-D Secure proved nothing ({indicator})"
    return f"3-D Secure {indicator}" if indicator else ""


def _formatted(
    entries: Sequence[TimelineEntry],
) -> list[tuple[TimelineEntry, list[tuple[str, str]]]]:
    found = []
    for entry in entries:
        detail = json.loads(entry.detail or "{}")
        words = [
            (name.replace("_", " "), value if isinstance(value, str) else json.dumps(value))
            for name, value in detail.items()
            if value not in ("", [], None)
        ]
        found.append((entry, words))
    return found


def _reports(context: Tieout, found: ShownOrder) -> list[tuple[str, str]]:
    """Return the settlement days that hold the captures, each with its page, once written."""
    merchant = found.row.merchant_id
    days = sorted({one.captured_date for one in found.facts.captures})
    return [
        (str(day), f"/tieout/days/{merchant}/{day}/report.html")
        for day in days
        if views.report_path(context.store, merchant, day, "html")
    ]


def _read_cursor(text: str) -> tuple[datetime, str] | None:
    try:
        return at_and_name(text) if text else None
    except ValueError:
        raise HTTPException(422, "The cursor is not one of this page's.") from None
