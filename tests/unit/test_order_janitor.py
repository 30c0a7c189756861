"""The janitor of order to cash: what one desk or one company cannot do stops no other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from include.domain.errors import Retryable
from include.services.effects.janitor import Had
from include.services.effects.ports import EffectKind
from tieout.desks.order_desk import Desks

BUSY = Retryable("another process keeps the operator longer than 60 s", "Logon", "Tried again.")


@dataclass
class Swept:
    """What each desk was asked to sweep, in order, and whether in SYSPRO's session."""

    turns: list[tuple[str, Sequence[str]]] = field(default_factory=list)
    sessions: int = 0  # open now
    in_session: list[Sequence[str]] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)  # batches of each target

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
            self.sessions += 1
            yield
            self.sessions -= 1
            if logoff:
                raise logoff

        def sweep(targets: Sequence[str], had: Had) -> None:
            self.turns.append((shop, targets))
            if self.sessions:
                self.in_session.append(targets)
            for target in (one for one in targets if self.waiting.get(one)):
                self.waiting[target] -= 1
                had.add((EffectKind.sales_order, f"{target}|{self.waiting[target]}"))
            if faults:
                raise ExceptionGroup("effects could not be worked on", faults)

        return SimpleNamespace(
            engine=SimpleNamespace(sweep=sweep),
            shop=SimpleNamespace(shop_id=shop),
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
    with pytest.raises(ExceptionGroup, match="2 desks"):  # at its partners, and at SYSPRO
        desks.sweep_effects()
    assert [shop for shop, _ in swept.turns] == [*["shop_a", "shop_b"] * 2, *["shop_c"] * 2]


def test_syspros_operator_is_held_for_syspros_effects_alone() -> None:
    swept = Swept()
    FewDesks(swept.desk("shop_a", "A"), swept.desk("shop_b", "A")).sweep_effects()
    assert swept.in_session == [["A"], ["A"]]
    assert len(swept.turns) == 4


def test_it_goes_round_until_nothing_is_due_and_lets_others_have_syspros_operator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    swept, pauses = Swept(waiting={"A": 3, "C": 1}), list[tuple[float, int]]()
    monkeypatch.setattr("time.sleep", lambda s: pauses.append((s, swept.sessions)))
    FewDesks(swept.desk("shop_a", "A"), swept.desk("shop_c", "C")).sweep_effects()
    assert pauses == [(0, 0)] * 2 + [(1, 0)] * 6  # outside of sessions
    assert swept.waiting == {"A": 0, "C": 0}
    assert swept.in_session == [["A"], ["C"]] * 4  # the last time nothing was left
    assert [shop for shop, _ in swept.turns[:4]] == ["shop_a", "shop_a", "shop_c", "shop_c"]


def test_what_its_time_does_not_suffice_for_is_left_to_the_next_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda _s: None)
    swept = Swept(waiting={"A": 3})
    desks = FewDesks(swept.desk("shop_a", "A", ValueError("a bug with one effect")))
    with pytest.raises(ExceptionGroup, match="2 desks"):
        desks.sweep_effects(within_s=0)
    assert swept.waiting == {"A": 2}
    with pytest.raises(ExceptionGroup, match="2 desks"):  # each told of once
        desks.sweep_effects()
    assert swept.waiting == {"A": 0}


def test_a_busy_operator_of_syspro_stops_neither_gateway_nor_other_companies() -> None:
    swept = Swept()
    desks = FewDesks(swept.desk("shop_a", "A", busy=True), swept.desk("shop_c", "C"))
    with pytest.raises(ExceptionGroup) as found:
        desks.sweep_effects()
    assert found.value.exceptions == (BUSY,)
    assert swept.turns == [
        ("shop_a", ["gateway", "shop_a"]),
        ("shop_c", ["gateway", "shop_c"]),
        ("shop_c", ["C"]),
    ]


def test_a_backlog_at_the_gateway_is_worked_off_without_syspro() -> None:
    swept = Swept(waiting={"gateway": 3})
    with pytest.raises(ExceptionGroup) as found:
        FewDesks(swept.desk("shop_a", "A", busy=True)).sweep_effects()
    assert found.value.exceptions == (BUSY,)  # asked for its operator once
    assert swept.waiting == {"gateway": 0}


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
    with pytest.raises(ExceptionGroup, match="3 desks") as found:
        desks.sweep_effects()
    assert [shop for shop, _ in swept.turns] == ["shop_a", "shop_a", "shop_c", "shop_c"]
    assert found.value.exceptions[2] is gone
