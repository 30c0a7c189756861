"""Fixtures of the gateway's tests; what they are made of is in ``scripted.py``."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.settings import Settings
from tests.cybersource.scripted import NOW, SECRET, ScriptedGateway
from tests.departing import leaves_at_once  # noqa: F401 - a fixture
from tests.sandbox.merchant import running
from tests.sandbox.receiver import Receiver


@pytest.fixture
def gateway() -> ScriptedGateway:
    return ScriptedGateway()


@pytest.fixture
def make_client(gateway: ScriptedGateway) -> Callable[..., Client]:
    def make(**extra: Any) -> Client:
        settings = Settings.from_connection(
            "cybersource_test",
            "gateway.example",
            None,
            "shop_1",
            SECRET,
            {"key_id": "key-1"} | extra,
        )
        return Client(settings, gateway, lambda: NOW)

    return make


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Any]:
    with running() as found:
        yield found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()
