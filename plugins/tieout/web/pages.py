"""The routes. Amounts come as exact money from the store; templates escape everything."""

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query
from fastapi.responses import FileResponse, HTMLResponse, Response

from include.adapters.store import order_screen, views
from include.services.books.balances import Balances
from include.wiring import tieout
from tieout.web import order_pages
from tieout.web.rendering import HEADERS, Day, MerchantId, Name, Offset, page, refuse_cards

DAG_ID = "settlement_reconciliation"
PAGE = 200  # rows
TYPES = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
State = Annotated[str, Query(pattern="^(open|resolved)$")]

# Whoever may read the settlement DAG may read its pages; Airflow protects no plugin by itself.
router = APIRouter(
    dependencies=[
        Depends(requires_access_dag("GET", param_dag_id=DAG_ID)),
        Depends(refuse_cards),
    ]
)


def build_app() -> FastAPI:
    """Return the application; nothing is opened before the first request."""
    app = FastAPI(title="Tieout", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router)
    app.include_router(order_pages.router)
    return app


@router.get("/days")
def days(
    merchant: MerchantId = "",
    last: Day | None = None,
    count: Annotated[int, Query(ge=1, le=92)] = 14,
) -> HTMLResponse:
    """Show the settlement days up to a date, newest first."""
    context = tieout()
    end = last or context.latest_day()
    first = end - timedelta(days=count - 1)
    rows = views.overview(context.store, context.clock, first, end, merchant or None)
    return page("days.html", rows=rows, merchant=merchant, last=end, count=count)


@router.get("/runs/{run_id}")
def run(run_id: Name) -> HTMLResponse:
    """Show the days that one Airflow run chose."""
    context = tieout()
    chosen = set(context.days_of_run(run_id))
    rows = [
        row
        for day in sorted({key.settlement_date for key in chosen})
        for row in views.overview(context.store, context.clock, day, day)
        if row.record.day in chosen
    ]
    return page("days.html", rows=rows, merchant="", last=None, count=0)


@router.get("/days/{merchant_id}/{day}/{name}")
def report(merchant_id: Name, day: date, name: Name) -> Response:
    """Hand out a written report; the address names a row of the store, never a path."""
    fmt = name.rpartition(".")[2]
    path = views.report_path(tieout().store, merchant_id, day, fmt) if fmt in TYPES else None
    if path is None or not Path(path).is_file():
        raise HTTPException(404, "No such report. Run the report step of that day first.")
    if fmt == "html":
        return Response(Path(path).read_bytes(), media_type=TYPES[fmt], headers=HEADERS)
    return FileResponse(path, media_type=TYPES[fmt], headers=HEADERS, filename=Path(path).name)


@router.get("/open-items")
def open_items(
    merchant: MerchantId = "", state: State = "open", offset: Offset = 0
) -> HTMLResponse:
    """Show what does not tie, the oldest first."""
    context = tieout()
    rows = views.list_open_items(
        context.store, merchant_id=merchant, state=state, limit=PAGE, offset=offset
    )
    today = context.clock.now().date()
    orders = order_screen.orders_of_items(context.store, [row["item_key"] for row in rows])
    return page(
        "open_items.html", rows=rows, state=state, merchant=merchant, offset=offset, today=today,
        size=PAGE, orders=orders,
    )  # fmt: skip


@router.get("/balances")
def balances(merchant: MerchantId = "", on: Day | None = None) -> HTMLResponse:
    """Show what the accounts hold that must come to zero, and of what."""
    context = tieout()
    day, known = on or context.latest_day(), sorted(context.mappings.merchants)
    chosen = [merchant] if merchant in known else known
    prove = Balances(context.journals, context.expectations, context.disputes)
    rows = [(name, one) for name in chosen for one in prove.of(name, day)]
    return page("balances.html", rows=rows, merchant=merchant, on=day)


@router.get("/dead-letters")
def dead_letters(state: State = "open", offset: Offset = 0) -> HTMLResponse:
    """Show the writes that need a person, the oldest first."""
    context = tieout()
    rows = views.list_dead_letters(context.store, state=state, limit=PAGE, offset=offset)
    return page("dead_letters.html", rows=rows, state=state, offset=offset, now=context.clock.now())
