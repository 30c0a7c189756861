"""The application: ``tieout.api.app:app`` for uvicorn, ``lazy_app`` under Airflow's API server.

Built on the first request or at start-up, because every component of Airflow imports the plugin.
"""

import asyncio
import atexit
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from include.domain.errors import IntegrationError, OutcomeUnknown
from tieout.api import (
    document,
    routes_orders,
    routes_refunds,
    routes_repair,
    routes_webhooks,
)
from tieout.api.guard import Guard
from tieout.api.problems import Problem, of_family, of_status, respond
from tieout.api.reading import field_of
from tieout.api.runtime import Api
from tieout.api.wording import words_of

_log = logging.getLogger("tieout.api")
ROUTERS = tuple(
    module.router
    for module in (routes_orders, routes_refunds, routes_repair, routes_webhooks, document)
)


def build_app(api: Api) -> FastAPI:
    """Return the application over these parts; its lifespan starts and stops the threads."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = api.settings.threads
        api.start()
        try:
            yield
        finally:
            await asyncio.to_thread(api.stop)

    app = FastAPI(
        title="Tieout",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # served by a route that asks who wants it
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.api = api
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Guard, trusted=api.settings.trusted_proxies)
    _handle_faults(app)
    return app


def _handle_faults(app: FastAPI) -> None:
    handlers: dict[type[Exception], Callable[[Any], Problem]] = {
        HTTPException: lambda fault: fault if isinstance(fault, Problem) else of_status(fault),
        RequestValidationError: _not_valid,
        OutcomeUnknown: _unknown,
        IntegrationError: of_family,
        SQLAlchemyError: _store_fault,
    }

    def handler(make: Callable[[Any], Problem]) -> Callable[[Request, Exception], Any]:
        async def handle(request: Request, fault: Exception) -> Response:
            found = make(fault)
            if found.code == "method-not-allowed":
                found.headers = {"Allow": ", ".join(_methods(request))}
            return respond(found, request.url.path)

        return handle

    for kind, make in handlers.items():
        app.add_exception_handler(kind, handler(make))


def _methods(request: Request) -> list[str]:
    """Return what this address takes; the router names the methods of its first route alone."""
    routes = (one for one in request.app.routes if isinstance(one, APIRoute))
    here = (one for one in routes if one.matches(request.scope)[0] is not Match.NONE)
    found = {method for one in here for method in one.methods}
    return sorted(found | {"HEAD"} if "GET" in found else found)  # see ``guard``


def _not_valid(fault: RequestValidationError) -> Problem:
    fields = [(field_of(tuple(one["loc"])), str(one["msg"])[:200]) for one in fault.errors()]
    return Problem("invalid", f"{fields[0][0]}: {fields[0][1]}", fields=fields[:50])


def _unknown(fault: OutcomeUnknown) -> Problem:
    detail = f"{fault.what} (at {fault.where})"
    return Problem("unknown-outcome", detail, fault.do, headers={"Retry-After": "10"})


def _store_fault(fault: SQLAlchemyError) -> Problem:
    """A database that does not answer, or is full, is 503: nothing was promised."""
    _log.error("store_fault kind=%s cause=%s", type(fault).__name__, words_of(fault))
    return Problem("unavailable", "the store does not answer", headers={"Retry-After": "5"})


class LazyApp:
    """An ASGI application that is built when first needed.

    Run alone, its lifespan is the server's. Mounted in Airflow no lifespan reaches it, so the
    threads start with the first request and end with the process.
    """

    def __init__(self, *, runs_alone: bool) -> None:
        self._runs_alone = runs_alone
        self._app: FastAPI | None = None
        self._has_lifespan = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            self._app = self._build()
        self._has_lifespan |= scope["type"] == "lifespan"
        if not self._has_lifespan:
            self._app.state.api.start()  # at once where they run already
        await self._app(scope, receive, send)

    def _build(self) -> FastAPI:
        from tieout.api.joined import join
        from tieout.api.settings import ApiSettings
        from tieout.hooks.connections import read_airflow_database

        if self._runs_alone:
            read_airflow_database()
        settings = ApiSettings.of(os.environ, worker=self._runs_alone)
        api = Api(join(), settings)
        if not self._runs_alone:
            atexit.register(api.stop)
        return build_app(api)


app = LazyApp(runs_alone=True)
