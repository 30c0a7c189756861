"""What was measured is held against each wait that it decides, with every term named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.domain.commissioning import Fact, Probe
from include.domain.errors import Rejected
from include.services.commissioning.demand import demand_outlasted
from include.services.effects.ports import Timings

GATEWAY = Timings(
    deadline=timedelta(seconds=30),
    quiescence=timedelta(seconds=300),
    look_gap=timedelta(seconds=300),
)
SYSPRO = replace(GATEWAY, deadline=timedelta(seconds=180), quiescence=timedelta(seconds=900))


def measured(probe: Probe, seconds: int) -> Fact:
    found = {"longest_ms": seconds * 1000}
    return Fact(probe, "conn", found, datetime(2026, 11, 1, tzinfo=UTC), "ann")


def test_q_at_the_gateway_outlasts_a_call_its_lateness_and_the_searchs_lag() -> None:
    demand_outlasted(measured(Probe.search_lag, 259), GATEWAY)  # 259 + 30 + 10 = 299
    with pytest.raises(Rejected, match="quiescence_s is 300, yet it must outlast P2") as refused:
        demand_outlasted(measured(Probe.search_lag, 260), GATEWAY)
    assert "a call's own deadline of 30 s" in refused.value.what
    assert "between record and first byte of 10 s" in refused.value.what
    assert "above 300;" in refused.value.do


def test_two_absent_looks_lie_further_apart_than_the_searchs_lag() -> None:
    close = replace(GATEWAY, look_gap=timedelta(seconds=60))
    demand_outlasted(measured(Probe.search_lag, 59), close)
    with pytest.raises(Rejected, match="look_gap_s is 60, yet it must outlast P2") as refused:
        demand_outlasted(measured(Probe.search_lag, 60), close)
    assert "Set look_gap_s above 60;" in refused.value.do


def test_q_at_syspro_outlasts_the_longest_run_and_what_may_pass_before_it() -> None:
    demand_outlasted(measured(Probe.longest_run, 889), SYSPRO)
    with pytest.raises(Rejected, match=r"P6 \(SYSPRO's longest run\) of 890 s") as refused:
        demand_outlasted(measured(Probe.longest_run, 890), SYSPRO)
    assert "above 900;" in refused.value.do
