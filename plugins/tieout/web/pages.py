"""The routes. Amounts come as exact money from the store; templates escape everything."""

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.responses import FileResponse, HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape

from include.adapters.store import views
from include.domain.money import Money
from include.wiring import tieout

DAG_ID = "settlement_reconciliation"
PAGE = 200
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


def build_app() -> FastAPI:
    """Return the application; nothing is opened before the first request."""
    app = FastAPI(
        title="Tieout",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(requires_access_dag("GET", param_dag_id=DAG_ID))],
    )
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["grouped"] = _grouped

    def page(template: str, **values: Any) -> HTMLResponse:
        return HTMLResponse(templates.get_template(template).render(**values), headers=HEADERS)

    @app.get("/days")
    def days(
        merchant: Annotated[str, Query(max_length=64)] = "",
        last: date | None = None,
        count: Annotated[int, Query(ge=1, le=92)] = 14,
    ) -> HTMLResponse:

        context = tieout()
        end = last or context.latest_day()
        rows = views.overview(
            context.store, context.clock, end - timedelta(days=count - 1), end, merchant or None
        )
        return page(
            "days.html",
            rows=rows,
            merchants=sorted(context.mappings.merchants),
            merchant=merchant,
            last=end,
            count=count,
        )

    @app.get("/runs/{run_id}")
    def run(run_id: str) -> HTMLResponse:

        context = tieout()
        chosen = context.days_of_run(run_id)
        rows = [
            row
            for day in sorted({key.settlement_date for key in chosen})
            for row in views.overview(context.store, context.clock, day, day)
            if row.record.day in chosen
        ]
        return page("days.html", rows=rows, merchants=[], merchant="", last=None, count=0)

    @app.get("/days/{merchant_id}/{day}/{name}")
    def report(merchant_id: str, day: date, name: str) -> Response:

        fmt = name.rpartition(".")[2]
        path = views.report_path(tieout().store, merchant_id, day, fmt) if fmt in TYPES else None
        if path is None or not Path(path).is_file():
            raise HTTPException(404, "No such report. Run the report step of that day first.")
        if fmt == "html":
            return Response(Path(path).read_bytes(), media_type=TYPES[fmt], headers=HEADERS)
        return FileResponse(
            path,
            media_type=TYPES[fmt],
            headers=HEADERS,
            filename=f"settlement_{merchant_id}_{day}.{fmt}",
        )

    @app.get("/open-items")
    def open_items(
        merchant: Annotated[str, Query(max_length=64)] = "",
        state: Annotated[str, Query(pattern="^(open|resolved)$")] = "open",
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    ) -> HTMLResponse:

        context = tieout()
        rows = views.list_open_items(
            context.store, merchant_id=merchant or None, state=state, limit=PAGE, offset=offset
        )
        return page(
            "open_items.html",
            rows=rows,
            state=state,
            merchant=merchant,
            offset=offset,
            merchants=sorted(context.mappings.merchants),
            page=PAGE,
            money=_money,
            today=context.clock.now().date(),
        )

    @app.get("/dead-letters")
    def dead_letters(
        state: Annotated[str, Query(pattern="^(open|resolved)$")] = "open",
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    ) -> HTMLResponse:

        context = tieout()
        rows = views.list_dead_letters(context.store, state=state, limit=PAGE, offset=offset)
        return page(
            "dead_letters.html",
            rows=rows,
            state=state,
            offset=offset,
            page=PAGE,
            money=_money,
            now=context.clock.now(),
        )

    return app


def _grouped(money: Money) -> str:
    """Write an amount as people read it: ``-12,345.60``."""
    whole, point, fraction = money.decimal.partition(".")
    return f"{int(whole):,}{point}{fraction}" if int(whole) else money.decimal


def _money(minor: int | None, currency: str | None) -> str:
    """Write an amount for a person; an unreadable one is said to be so."""
    if minor is None or not currency:
        return "not readable"
    return f"{_grouped(Money(minor, currency))} {currency}"
