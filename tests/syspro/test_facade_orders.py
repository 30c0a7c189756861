"""Orders, customers and stock by the JSON facade: scripted answers, then the sandbox's facade."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Request, Response
from include.adapters.syspro.adapter import SysproAdapter, open_adapter
from include.adapters.syspro.facade_map import SHIPPED, load_facade_map
from include.adapters.syspro.settings import settings_from
from include.domain.erp_orders import OrderMove
from include.domain.errors import IntegrationError, OutcomeUnknown, Parked, Rejected, Retryable
from include.sandbox import Sandbox, start
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState, Timings
from tests.simulator.memory import MemoryEffectStore
from tests.syspro.support_orders import CUSTOMER, ORDER, RECEIPT, effect_of, goods, move, usd

TODAY = date(2026, 11, 3)


class Canned:
    """A transport that answers from a list and keeps the requests."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers, self.requests = list(answers), list[Request]()

    def exchange(self, request: Request, sink: BytesIO | None = None) -> Response:
        request.leave()
        self.requests.append(request)
        status, body = self.answers.pop(0)
        return Response(status, {}, body, "", len(body))


@pytest.fixture
def facade(leases: MemoryEffectStore) -> Callable[..., tuple[SysproAdapter, Canned]]:
    def make(*answers: tuple[int, bytes], **extra: object) -> tuple[SysproAdapter, Canned]:
        wire = Canned(*answers)
        given = {"adapter": "api_services", "company_id": "A", "base_currency": "USD", **extra}
        settings = settings_from("syspro_f", "https://facade.example", "OP", "secret", given)
        return open_adapter(settings, wire, leases, "test"), wire  # type: ignore[arg-type]

    return make


def test_an_order_becomes_the_json_of_the_map_with_exact_numbers_as_text(facade: Any) -> None:
    adapter, wire = facade((200, b'{"Success": true, "SalesOrder": "015574", "Warnings": ["w"]}'))
    receipt = adapter.partners[EffectKind.sales_order].send(effect_of(ORDER))
    assert receipt.evidence == {"sales_order": "15574", "warnings": ["w"]}
    (request,) = wire.requests
    assert request.is_write
    body = json.loads(request.body)
    assert (body["CustomerPoNumber"], body["OrderDate"]) == ("WEB-1001", "2026-11-03")
    assert body["CustomerName"] == "Zo\u00eb Laska"
    assert "SpecialInstrs" not in body
    assert body["Lines"][0] == {
        "StockCode": "A100",
        "Warehouse": "FG",
        "Quantity": "3.000000",
        "UnitOfMeasure": "EA",
        "Price": "6.66667",
        "PriceUnitOfMeasure": "EA",
    }
    assert body["Lines"][2:] == [
        {"FreightValue": "5.00", "TaxCode": "F"},
        {
            "ChargeValue": "-1.50",
            "Description": "Voucher",
            "ProductClass": "DISC",
            "ChargeCode": "WEBDSC",
            "TaxCode": "D",
        },
    ]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b'{"Success": false, "Errors": [{"Message": "Customer is on hold"}]}', Rejected),
        (200, b'{"Success": false, "Errors": [{"Message": "PO already exists"}]}', OutcomeUnknown),
        (200, b'{"Success": false, "Errors": [{"Message": "period is closed"}]}', Parked),
        (200, b'{"Success": true}', OutcomeUnknown),
        (200, b'{"Success": true, "SalesOrder": "000000"}', OutcomeUnknown),
        (200, b'{"Errors": []}', OutcomeUnknown),
        (200, b"<html>", OutcomeUnknown),
        (502, b"", OutcomeUnknown),
        (400, b"bad", Rejected),
        (401, b"who", Rejected),
    ],
)
def test_every_other_answer_falls_into_its_family(
    facade: Any, status: int, body: bytes, error: type[IntegrationError]
) -> None:
    adapter, _ = facade((status, body))
    with pytest.raises(error) as caught:
        adapter.partners[EffectKind.sales_order].send(effect_of(ORDER))
    assert type(caught.value) is error


def test_an_order_that_must_be_held_is_not_sent_as_an_open_one(facade: Any, tmp_path: Path) -> None:
    held = effect_of(replace(ORDER, is_suspended=True))
    adapter, wire = facade()
    with pytest.raises(Rejected, match="straight into suspense"):
        adapter.partners[EffectKind.sales_order].send(held)
    assert wire.requests == []
    names = yaml.safe_load(SHIPPED.read_text("utf-8"))
    names["sales_order"]["post"]["document"]["Status"] = "order_status"
    file = tmp_path / "map.yaml"
    file.write_text(yaml.safe_dump(names, sort_keys=False), "utf-8")
    adapter, wire = facade((200, b'{"Success": true, "SalesOrder": "1"}'), facade_map=str(file))
    adapter.partners[EffectKind.sales_order].send(held)
    assert json.loads(wire.requests[0].body)["Status"] == "S"


def test_a_map_with_a_word_we_do_not_have_is_refused(tmp_path: Path) -> None:
    for path, word in (
        (("sales_order", "post", "document"), {"X": "card_number"}),
        (("sales_order", "post", "lines", "goods"), {"X": "colour"}),
        (("customer", "read_back", "compare"), {"mood": "Mood"}),
        (("stock", "query"), {"X": "customer"}),
    ):
        names = yaml.safe_load(SHIPPED.read_text("utf-8"))
        inner = names
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = word
        file = tmp_path / "map.yaml"
        file.write_text(yaml.safe_dump(names, sort_keys=False), "utf-8")
        with pytest.raises(Rejected, match=r"\.".join(path[:2])):
            load_facade_map(str(file))


def test_what_the_facade_has_no_call_for_is_refused_or_read_by_enet(facade: Any) -> None:
    adapter, _ = facade()
    with pytest.raises(Rejected, match="posts no ar_receipt"):
        adapter.partners[EffectKind.ar_receipt].send(effect_of(RECEIPT))
    asks: tuple[Callable[[], object], ...] = (
        lambda: adapter.orders.credit("C1"),
        lambda: adapter.orders.order(purchase_order="X"),
        lambda: adapter.orders.orders_since(""),
        lambda: adapter.orders.customers("x@example.com"),
    )
    for ask in asks:
        with pytest.raises(Rejected, match="reads stock alone"):
            ask()


def test_an_order_of_another_number_is_not_ours_and_never_says_absent(facade: Any) -> None:
    def shown(*numbers: str) -> tuple[int, bytes]:
        rows = [
            {
                "SalesOrder": str(n), "CustomerPoNumber": number, "OrderStatus": "1",
                "Customer": ORDER.customer, "Currency": "USD", "OrderDate": "2026-11-03",
            }
            for n, number in enumerate(numbers, 15574)
        ]  # fmt: skip
        return 200, json.dumps({"Orders": rows}).encode()

    other = "WOTHER"
    adapter, _ = facade(shown(other, ORDER.purchase_order), shown(other), shown(""), shown())
    partner = adapter.partners[EffectKind.sales_order]
    assert [found.their_key for found in partner.look(effect_of(ORDER))] == ["15575"]
    for words in ("not asked for", "shows no CustomerPoNumber"):
        with pytest.raises(Retryable, match=words):
            partner.look(effect_of(ORDER))
    assert partner.look(effect_of(ORDER)) == ()


def test_a_look_that_was_refused_is_retryable(facade: Any) -> None:
    adapter, _ = facade((401, b"who"))
    with pytest.raises(Retryable):
        adapter.partners[EffectKind.customer].look(effect_of(CUSTOMER))


# Against the sandbox's facade -------------------------------------------------------------------

TIMINGS = Timings(
    deadline=timedelta(seconds=60),
    quiescence=timedelta(seconds=300),
    look_gap=timedelta(seconds=60),
    verify_after=timedelta(0),
)
RESTING = (EffectState.verified, EffectState.rejected, EffectState.mismatched)


@dataclass
class Clock:
    """Moved by hand."""

    at: datetime = datetime(2026, 11, 3, 6, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, start=date(2026, 10, 20), days=25, live_date=TODAY)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def site(sandbox: Sandbox) -> tuple[SysproAdapter, Callable[[Any], Effect]]:
    clock = Clock()
    store = MemoryEffectStore(clock)
    given: dict[str, object] = {"company_id": "A", "base_currency": "USD", "deadline_s": 20}
    given |= {"connect_s": 10, "adapter": "api_services"}
    settings = settings_from("f", sandbox.syspro_url, "TIEOUT_A", "sandbox-A", given)
    adapter = open_adapter(settings, HttpTransport(), store, "test")
    engine = Engine(store, adapter.partners, clock, dict.fromkeys(EffectKind, TIMINGS))

    def drive(command: Any) -> Effect:
        effect = engine.intend(effect_of(command, key=f"{type(command).__name__} {command}"))
        for _ in range(6):
            effect = engine.advance(effect.kind, effect.key)
            if effect.state in RESTING:
                break
            clock.at += timedelta(seconds=301)
        return effect

    return adapter, drive


def control(sandbox: Sandbox, path: str, **facts: Any) -> None:
    url = f"{sandbox.control_url}/control/{path}"
    request = urllib.request.Request(url, json.dumps(facts).encode(), method="POST")  # noqa: S310
    urllib.request.urlopen(request).read()  # noqa: S310


SALE = replace(
    ORDER,
    customer="C00001",
    order_date=TODAY,
    warehouse="MAIN",
    lines=(goods(1, "TEA-1001", 3_000_000, 20_00, 4_00), *ORDER.lines[2:]),
    amount=usd(28_20),
)


@pytest.mark.parametrize("what", ["", "drop_after_commit", "drop_before_commit", "500"])
def test_an_order_is_added_once_held_and_cancelled_behind_the_same_ports(
    sandbox: Sandbox, site: tuple[SysproAdapter, Callable[[Any], Effect]], what: str
) -> None:
    _, drive = site
    if what:
        control(sandbox, "faults", system="syspro", match="AddSalesOrder", fault=what)
    found = drive(SALE)
    assert found.state is EffectState.verified, found.reason
    assert json.loads(found.evidence)["sales_order"] == found.their_key
    for kind in (OrderMove.hold, OrderMove.release, OrderMove.cancel):
        moved = drive(move(kind, sales_order=found.their_key, authority="REV"))
        assert moved.state is EffectState.verified, moved.reason


@pytest.mark.parametrize("what", ["", "drop_after_commit", "drop_before_commit"])
def test_a_customer_is_added_once(
    sandbox: Sandbox, site: tuple[SysproAdapter, Callable[[Any], Effect]], what: str
) -> None:
    _, drive = site
    if what:
        control(sandbox, "faults", system="syspro", match="AddCustomer", fault=what)
    found = drive(CUSTOMER)
    assert found.state is EffectState.verified, found.reason
    assert json.loads(found.evidence)["customer"] == CUSTOMER.customer


def test_a_refusal_comes_with_its_words(
    site: tuple[SysproAdapter, Callable[[Any], Effect]],
) -> None:
    _, drive = site
    found = drive(replace(SALE, customer="C90001"))
    assert found.state is EffectState.rejected
    assert "off hold" in found.reason


def test_stock_is_asked_for_by_the_facade(
    site: tuple[SysproAdapter, Callable[[Any], Effect]],
) -> None:
    adapter, _ = site
    levels = adapter.orders.stock(["TEA-1001", "TEA-1014", "NO-SUCH"], "MAIN")
    assert [one.available_millionths for one in levels] == [5_000_000_000, 0, None]
