"""The janitor of order to cash: what one desk or one company cannot do stops no other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from include.domain.errors import Retryable
from tieout.order_desk import Desks

BUSY = Retryable("another process keeps the operator longer than 60 s", "Logon", "Tried again.")


@dataclass
class Swept:
    """What each desk was asked to sweep, in order."""

    targets: dict[str, Sequence[str]] = field(default_factory=dict)

    def desk(
        self,
        shop: str,
        company: str,
        *faults: Exception,
        busy: bool = False,
        logoff: Exception | None = None,
    ) -> Any:
        @contextmanager
        def session() -> Iterator[None]:
            if busy:
                raise BUSY
            yield
            if logoff:
                raise logoff

        def sweep(targets: Sequence[str]) -> None:
            self.targets[shop] = targets
            if faults:
                raise ExceptionGroup("effects could not be worked on", faults)

        return SimpleNamespace(
            engine=SimpleNamespace(sweep=sweep),
            targets=("gateway", company, shop),
            merchant=SimpleNamespace(
                company_id=company, syspro_conn_id=company, merchant_id=f"merchant_{company}"
            ),
            erp=SimpleNamespace(session=session),
            erp_breaker=SimpleNamespace(lets_through=lambda: True),
        )


class FewDesks(Desks):
    def __init__(self, *desks: Any) -> None:
        due = SimpleNamespace(due=lambda _limit, targets: [targets])
        nothing = SimpleNamespace(waiting=lambda _merchants, _limit: [])
        every = {"merchant_A": (), "merchant_C": (), "merchant_without_shop": ()}
        mappings = SimpleNamespace(merchants=every)
        self.context: Any = SimpleNamespace(effects=due, orders=nothing, mappings=mappings)
        self._few = desks
        self.driven = list[str]()
        self.service: Any = SimpleNamespace(sweep=self._drive)  # instead of the cached one

    def _drive(self, merchants: Sequence[str], *_: Any, **__: Any) -> int:
        self.driven += merchants
        if merchants == ["merchant_A"]:
            raise ExceptionGroup("orders could not be driven", [ValueError("a bug with one order")])
        return 3

    def _by_company(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for desk in self._few:
            found.setdefault(desk.merchant.syspro_conn_id, []).append(desk)
        return found


def test_one_poisoned_effect_stops_no_other_shop_or_company() -> None:
    swept = Swept()
    desks = FewDesks(
        swept.desk("shop_a", "A", ValueError("a bug with one effect")),
        swept.desk("shop_b", "A"),
        swept.desk("shop_c", "C"),
    )
    with pytest.raises(ExceptionGroup, match="1 desks"):
        desks.sweep_effects()
    assert list(swept.targets) == ["shop_a", "shop_b", "shop_c"]


def test_a_busy_operator_of_syspro_stops_neither_gateway_nor_other_companies() -> None:
    swept = Swept()
    desks = FewDesks(swept.desk("shop_a", "A", busy=True), swept.desk("shop_c", "C"))
    with pytest.raises(ExceptionGroup) as found:
        desks.sweep_effects()
    assert found.value.exceptions == (BUSY,)
    assert swept.targets == {
        "shop_a": ["gateway", "shop_a"],
        "shop_c": ["gateway", "C", "shop_c"],
    }


def test_a_failed_logoff_keeps_no_later_company_from_its_turn() -> None:
    swept, gone = Swept(), Retryable("the session could not be ended", "Logoff", "It times out.")
    desks = FewDesks(swept.desk("shop_a", "A", logoff=gone), swept.desk("shop_c", "C"))
    with pytest.raises(ExceptionGroup) as found:
        desks.sweep(100)
    assert desks.driven == ["merchant_A", "merchant_C", "merchant_without_shop"]
    of_an_order, of_the_logoff = found.value.exceptions
    assert "orders could not be driven" in str(of_an_order)
    assert of_the_logoff is gone


def test_a_failed_logoff_hides_no_fault_of_the_janitor() -> None:
    swept, gone = Swept(), Retryable("the session could not be ended", "Logoff", "It times out.")
    bug = ValueError("a bug with one effect")
    desks = FewDesks(swept.desk("shop_a", "A", bug, logoff=gone), swept.desk("shop_c", "C"))
    with pytest.raises(ExceptionGroup, match="2 desks") as found:
        desks.sweep_effects()
    assert list(swept.targets) == ["shop_a", "shop_c"]
    assert found.value.exceptions[1] is gone
