"""The routes. Amounts come as exact money from the store; templates escape everything."""

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query
from fastapi.responses import FileResponse, HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape

from include.adapters.store import views
from include.domain.money import Money
from include.wiring import tieout

DAG_ID = "settlement_reconciliation"
PAGE = 200  # rows
TYPES = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# The pages hold no script of ours; the reports draw with inline SVG and style.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' "
    "data:; form-action 'self'; frame-ancestors 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
State = Annotated[str, Query(pattern="^(open|resolved)$")]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
MerchantId = Annotated[str, Query(max_length=64)]

# Whoever may read the settlement DAG may read its pages; Airflow protects no plugin by itself.
router = APIRouter(dependencies=[Depends(requires_access_dag("GET", param_dag_id=DAG_ID))])


def build_app() -> FastAPI:
    """Return the application; nothing is opened before the first request."""
    app = FastAPI(title="Tieout", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router)
    return app


@router.get("/days")
def days(
    merchant: MerchantId = "",
    last: date | None = None,
    count: Annotated[int, Query(ge=1, le=92)] = 14,
) -> HTMLResponse:
    """Show the settlement days up to a date, newest first."""
    context = tieout()
    end = last or context.latest_day()
    first = end - timedelta(days=count - 1)
    rows = views.overview(context.store, context.clock, first, end, merchant or None)
    return _page("days.html", rows=rows, merchant=merchant, last=end, count=count)


@router.get("/runs/{run_id}")
def run(run_id: str) -> HTMLResponse:
    """Show the days that one Airflow run chose."""
    context = tieout()
    chosen = set(context.days_of_run(run_id))
    rows = [
        row
        for day in sorted({key.settlement_date for key in chosen})
        for row in views.overview(context.store, context.clock, day, day)
        if row.record.day in chosen
    ]
    return _page("days.html", rows=rows, merchant="", last=None, count=0)


@router.get("/days/{merchant_id}/{day}/{name}")
def report(merchant_id: str, day: date, name: str) -> Response:
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
        context.store, merchant_id=merchant or None, state=state, limit=PAGE, offset=offset
    )
    today = context.clock.now().date()
    return _page(
        "open_items.html", rows=rows, state=state, merchant=merchant, offset=offset, today=today
    )


@router.get("/dead-letters")
def dead_letters(state: State = "open", offset: Offset = 0) -> HTMLResponse:
    """Show the writes that need a person, the oldest first."""
    context = tieout()
    rows = views.list_dead_letters(context.store, state=state, limit=PAGE, offset=offset)
    return _page(
        "dead_letters.html", rows=rows, state=state, offset=offset, now=context.clock.now()
    )


def _page(template: str, **values: Any) -> HTMLResponse:
    merchants = sorted(tieout().mappings.merchants)
    found = _TEMPLATES.get_template(template).render(merchants=merchants, page=PAGE, **values)
    return HTMLResponse(found, headers=HEADERS)


def _grouped(money: Money) -> str:
    """Write an amount as people read it: ``-12,345.60``."""
    sign, digits = ("-" if money.minor < 0 else ""), money.decimal.removeprefix("-")
    whole, point, fraction = digits.partition(".")
    return f"{sign}{int(whole):,}{point}{fraction}"


def _money(minor: int | None, currency: str | None) -> str:
    """Write an amount for a person; an unreadable one is said to be so."""
    if minor is None or not currency:
        return "not readable"
    return f"{_grouped(Money(minor, currency))} {currency}"


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["grouped"] = _grouped
_TEMPLATES.globals["money"] = _money
