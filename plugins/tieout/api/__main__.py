"""``python -m tieout.api``: serve the API alone; ``python -m tieout.api openapi``: its document."""

import argparse
import json
import logging
import os
import sys
from contextlib import suppress

from include.domain.errors import Rejected
from tieout.api.document import document_of
from tieout.commands.parts import conclude, say


def main(arguments: list[str] | None = None) -> int:
    """Run one command."""
    given = _parser().parse_args(arguments)
    if given.command == "openapi":
        say(json.dumps(_document(), indent=2, ensure_ascii=False))
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    import uvicorn

    from tieout.api.serving import options
    from tieout.api.settings import ApiSettings

    try:
        bounds = options(ApiSettings.of(os.environ, worker=True))
        _demand_store()
    except Rejected as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    uvicorn.run(
        "tieout.api.app:app", host=given.host, port=given.port, workers=given.workers, **bounds
    )
    return 0


def _demand_store() -> None:
    """Raise ``Rejected`` where the store can never be worked on; one that is away may come back."""
    from sqlalchemy.exc import SQLAlchemyError

    from include.adapters.store.migrate import demand_current
    from include.wiring import tieout

    store = tieout().store
    with suppress(SQLAlchemyError):
        demand_current(store)
    store.dispose()  # the worker processes connect by themselves


def _document() -> dict[str, object]:
    """Build the document of an application that has no parts: only its routes are read."""
    from fastapi import FastAPI

    from tieout.api.app import ROUTERS

    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router)
    return document_of(app)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tieout.api", description=__doc__)
    parser.add_argument(
        "command",
        nargs="?",
        choices=("serve", "openapi"),
        default="serve",
        help="serve, until stopped; or write the OpenAPI document (default: serve)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="to listen on (default: this machine)")
    parser.add_argument("--port", type=int, default=8090, help="default: 8090")
    parser.add_argument("--workers", type=int, default=1, help="processes; more need PostgreSQL")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        conclude(sys.stdout)
