"""The HTTP stack is the one we lock: nothing has replaced or wrapped it.

The vendor's SDK brings urllib3-future, which replaces the importable urllib3 of the whole
environment while the package list still looks clean (reliability reference, finding F11).
"""

import ast
from importlib.metadata import distributions, version
from pathlib import Path

import urllib3

ROOT = Path(__file__).parents[2]


def test_urllib3_is_the_real_one() -> None:
    assert urllib3.__version__ == version("urllib3")
    owner = {
        found.metadata["Name"]
        for found in distributions()
        if any(str(path) == "urllib3/__init__.py" for path in found.files or ())
    }
    assert owner == {"urllib3"}


def test_neither_the_vendor_sdk_nor_the_urllib3_fork_is_installed() -> None:
    names = {found.metadata["Name"].lower().replace("_", "-") for found in distributions()}
    assert names.isdisjoint({"cybersource-rest-client-python", "urllib3-future", "niquests"})


def test_only_the_transport_opens_http_connections() -> None:
    """Every other use of a client would bring back retries, redirects and URLs in logs."""
    clients = {"requests", "urllib3", "httpx", "aiohttp", "http.client", "urllib.request"}
    allowed = {
        "include/adapters/http",
        "include/sandbox",
        "include/local",
    }  # local: drives the demo
    types_only = {"include/adapters/cybersource/signing.py", "plugins/tieout/hooks/plain.py"}
    for folder in ("include", "plugins", "dags"):
        for path in (ROOT / folder).rglob("*.py"):
            here = path.relative_to(ROOT).as_posix()
            if here in types_only or any(here.startswith(name + "/") for name in allowed):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                names = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom)
                    else []
                )
                for name in names:
                    assert not any(
                        name == client or name.startswith(client + ".") for client in clients
                    ), f"{here} imports {name}"
