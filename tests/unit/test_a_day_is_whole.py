"""A settlement day is not fetched before it has ended where its merchant is."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from include.adapters.store.schema import metadata
from include.domain.errors import Rejected, Retryable, Unconfigured
from include.domain.settlement import SettlementDay
from include.wiring import Settings, Tieout
from tieout.tasks import day_step, days, settlement

ON = date(2026, 10, 31)


class Clock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tieout:
    made = Tieout(Settings(f"sqlite:///{tmp_path / 'tieout.db'}", tmp_path / "lake", "sandbox"))
    metadata.create_all(made.store)
    for module in (days, day_step):
        monkeypatch.setattr(module, "tieout", lambda: made)
    return made


def test_yesterday_by_utc_waits_for_its_end_in_new_york(context: Tieout) -> None:
    context.clock = Clock(datetime(2026, 11, 1, 3, 59, tzinfo=UTC))  # 23:59 of the day itself
    (key,) = days.choose_days(ON, ["acme_us"], "by hand")
    with pytest.raises(Retryable, match="not whole before 2026-11-01 04:00 UTC; it ends at 04:00"):
        settlement.download(key)
    record = context.days.get(SettlementDay("acme_us", ON))
    assert record is not None
    assert record.state == "chosen"
    context.clock = Clock(datetime(2026, 11, 1, 4, 0, tzinfo=UTC))
    with pytest.raises(Unconfigured):  # now its senders are asked for
        settlement.download(key)


def test_a_service_has_its_time_before_its_answer_is_taken_for_the_whole(context: Tieout) -> None:
    context.clock = Clock(datetime(2026, 11, 1, 5, 59, tzinfo=UTC))
    (key,) = days.choose_days(ON, ["acme_uk"], "by hand")
    with pytest.raises(Retryable, match="not whole before 2026-11-01 06:00 UTC; it ends at 00:00"):
        settlement.download(key)
    context.clock = Clock(datetime(2026, 11, 1, 6, 0, tzinfo=UTC))
    with pytest.raises(Unconfigured):
        settlement.download(key)


def test_choosing_again_in_the_same_run_leaves_a_reported_day_reported(context: Tieout) -> None:
    context.clock = Clock(datetime(2026, 11, 2, tzinfo=UTC))
    day = SettlementDay("acme_us", ON)

    def stands() -> tuple[str, str, str]:
        found = context.days.get(day)
        assert found is not None
        return found.state, found.run_id, found.mapping_version

    days.choose_days(ON, ["acme_us"], "first")
    version = context.mappings.version
    assert stands() == ("chosen", "first", version)
    context.days.record(day, "reported", mapping_version="of then")
    assert days.choose_days(ON, ["acme_us"], "first") == [str(day)]  # cleared, nothing else
    assert stands() == ("reported", "first", "of then")
    days.choose_days(ON, ["acme_us"], "second")  # beside the first, which has not left the day
    assert stands() == ("reported", "first", "of then")
    context.turns.leave(day, "first")
    days.choose_days(ON, ["acme_us"], "second")  # a run of its own goes through every step
    assert stands() == ("chosen", "second", version)


def test_a_merchant_named_twice_has_one_day_and_nobody_named_is_refused(context: Tieout) -> None:
    asked = ["acme_us", "acme_uk", "acme_us"]  # as the API, or a clear of an old run, may say it
    assert days.choose_days(ON, asked, "by hand") == [f"acme_us|{ON}", f"acme_uk|{ON}"]
    with pytest.raises(Rejected, match=r"none of \[\] is in force"):
        days.choose_days(ON, [], "by hand")
