"""What is measured with payments: the figures, and that nothing stays held when it ends early."""

import pytest

from include.domain.errors import Rejected
from include.services.commissioning.findings import SearchLag
from include.services.commissioning.measure_payments import measure_search_lag
from include.services.commissioning.timing import Stopwatch


class Payments:
    """A gateway whose search shows payment n after n seconds, and that declines one of them."""

    name = "a measurement"

    def __init__(self, declines: int = -1) -> None:
        self.declines, self.now = declines, 0.0
        self.made: dict[int, float] = {}
        self.held: set[int] = set()

    @property
    def watch(self) -> Stopwatch:
        return Stopwatch(lambda: self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def authorize(self, number: int) -> int:
        if number == self.declines:
            raise Rejected("the payment was not approved", "x", "Use another token.")
        self.made[number] = self.now
        self.held.add(number)
        return number

    def is_shown(self, payment: int) -> bool:
        return self.now - self.made[payment] >= payment

    def release(self, payment: int) -> None:
        self.held.remove(payment)


def measure(pay: Payments, samples: int, at_most_s: float = 500) -> SearchLag:
    found: SearchLag = measure_search_lag(
        pay,  # type: ignore[arg-type]  # as far as it is asked
        samples=samples,
        at_most_s=at_most_s,
        every_s=1.0,
        watch=pay.watch,
    )
    return found


def test_percentiles_are_the_nearest_rank_and_nothing_stays_held() -> None:
    pay = Payments()
    assert measure(pay, 100) == SearchLag(100, 49_000, 98_000, 99_000, 0)
    assert pay.held == set()


def test_what_is_never_shown_is_counted_beside_the_others() -> None:
    pay = Payments()
    found = measure(pay, 20, at_most_s=14)
    assert (found.longest_ms, found.never_shown) == (15_000, 4)
    assert pay.held == set()


def test_a_decline_in_between_releases_what_was_made_before() -> None:
    pay = Payments(declines=5)
    with pytest.raises(Rejected, match="not approved"):
        measure(pay, 10)
    assert len(pay.made) == 5
    assert pay.held == set()
