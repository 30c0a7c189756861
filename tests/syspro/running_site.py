"""The sandbox of a test file, and a SYSPRO of its own for each test."""

from collections.abc import Iterator
from datetime import date

import pytest

from include.sandbox import Sandbox, start
from tests.syspro.support_site import TODAY, Site


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, start=date(2026, 10, 20), days=25, live_date=TODAY)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def site(running: Sandbox) -> Site:
    return Site(running)
