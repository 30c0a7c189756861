"""What fees should cost, as agreed with the acquirer: the yardstick for fee drift."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from include.domain.money import Money
from include.domain.settlement import LineClass


@dataclass(frozen=True, slots=True)
class FeeRate:
    """The agreed price of one fee kind; costs are positive here, as a contract states them."""

    fee_kind: str
    rate_millionths: int  # of the transaction's amount: 18000 is 180 basis points, 1.80 %
    card_rates: Mapping[str, int] = field(hash=False)  # by card type, where it decides; or empty
    per_item_minor: int
    tolerance_minor: int  # a fee may differ from the agreed one by this much
    charged_on: tuple[LineClass, ...]  # a transaction of another class costs nothing

    def expected(self, amount: Money, items: int = 1, card_type: str = "") -> Money | None:
        """Return the cost of ``items`` transactions of one card type that sum to ``amount``.

        ``None``: the price depends on a card type that the schedule does not name.
        """
        rate = self.card_rates.get(card_type) if self.card_rates else self.rate_millionths
        if rate is None:
            return None
        share = Money(abs(amount.minor), amount.currency).convert(rate, amount.currency)
        return Money(share.minor + self.per_item_minor * items, amount.currency)


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """The agreed prices of one merchant and currency."""

    currency: str
    rates: Mapping[str, FeeRate] = field(hash=False)  # by fee kind
