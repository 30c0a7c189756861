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


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_only_the_transport_opens_http_connections() -> None:
    """Any other use of a client would bring back retries, redirects and URLs in logs."""
    clients = {"requests", "urllib3", "httpx", "aiohttp", "http.client", "urllib.request"}
    # The sandbox is no part of the product, include/local drives the demo, the signers read a
    # prepared request, and requests.auth is only the type of a signature.
    allowed = ("include/adapters/http/", "include/sandbox/", "include/local/")
    signing = ("include/adapters/cybersource/signing.py", "include/adapters/shop/woo_auth.py")
    for folder in ("include", "plugins", "dags"):
        for path in (ROOT / folder).rglob("*.py"):
            here = path.relative_to(ROOT).as_posix()
            if here.startswith(allowed) or here in signing:
                continue
            for name in imported(path) - {"requests.auth"}:
                assert not any(f"{name}.".startswith(f"{client}.") for client in clients), here
