"""``python -m tests.api.receiver <store url> <port>``: a real receiver, to be killed."""

import sys

import uvicorn

from include.adapters.store.engine import open_store
from tests.api.conftest import build_api
from tests.orders.partners import FakePartner
from tieout.api.app import build_app
from tieout.api.serving import options


def main(store_url: str, port: str) -> None:
    api, _ = build_api(open_store(store_url), FakePartner())
    uvicorn.run(build_app(api), host="127.0.0.1", port=int(port), **options(api.settings))


if __name__ == "__main__":
    main(*sys.argv[1:])
