"""Settlement: batches are cut from the truth, reported, journalled, sometimes restated."""

from typing import TYPE_CHECKING

from include.domain.journal import Journal, JournalKind, JournalLine
from include.domain.money import Money
from include.services.books.restate import difference
from include.services.effects.ports import EffectKind as K
from include.services.post_journals import effect_of
from tests.prove.truth import CLEARING, Entry
from tests.simulator.hub import EPOCH

if TYPE_CHECKING:
    from tests.prove.product import Kit
    from tests.prove.world import World

OWNER = "ar.us@acme.example"
BANK, FEES = "1160", "6150"


class Settling:
    """Posts one journal per batch, and the difference where the report is issued again."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def cut(self) -> None:
        """Close the batch at the gateway and let somebody post what its report says."""
        world = self._world
        number, entries = world.truth.cut_batch()
        disputed = world.disputes.settle(number)
        if not entries and not disputed:
            return
        world.notes.batches.append((number, sum(_signed(one) for one in entries)))
        is_restated = len(entries) > 1 and world.dice.random() < 0.4
        whole = self._lines(entries, disputed)
        first = self._lines(entries[:-1], {}) if is_restated else whole
        if not first:  # what was taken and what went back cancel out: the whole is posted at once
            is_restated, first = False, whole
        if not first:
            return
        journals = [journal(number, 1, first)]
        if is_restated:
            changed = difference(whole, journals, "USD", "USD")
            again = whole if world.variant.reposts_whole else changed
            journals += [journal(number, 2, again)] if again else []
        for place, one in enumerate(journals):
            self._post(one, world.hub.seconds + 60 + 600 * place)

    def _lines(self, entries: list[Entry], disputed: dict[str, int]) -> tuple[JournalLine, ...]:
        """Say it ourselves; the product does where issuers take something back."""
        if not self._world.disputes.is_played:
            return _lines(entries)
        sums = {"gross_sale": 0, "refund": 0, **disputed}
        for one in entries:
            sums["gross_sale" if one.kind is K.payment_capture else "refund"] += _signed(one)
        sums["fee.interchange"] = -(sums["gross_sale"] * 3 // 100)
        return self._world.disputes.lines(sums)

    def _post(self, one: Journal, at: float) -> None:
        def work(kit: "Kit") -> None:
            effect = kit.engine.intend(effect_of(one, OWNER))
            kit.engine.advance(effect.kind, effect.key)

        self._world.start("settlement", at, work, is_awaited=True)


def _signed(entry: Entry) -> int:
    return entry.amount_minor if entry.kind is K.payment_capture else -entry.amount_minor


def _lines(entries: list[Entry]) -> tuple[JournalLine, ...]:
    gross = sum(_signed(one) for one in entries if one.kind is K.payment_capture)
    back = -sum(_signed(one) for one in entries if one.kind is K.payment_refund)
    fee = gross * 3 // 100
    amounts = [
        (BANK, gross - back - fee, "net"),
        (FEES, fee, "fee"),
        (CLEARING, -gross, "gross_sale"),
        (CLEARING, back, "refund"),
    ]
    return tuple(
        JournalLine(account, Money(minor, "USD"), Money(minor, "USD"), source)
        for account, minor, source in amounts
        if minor
    )


def journal(number: int, version: int, lines: tuple[JournalLine, ...]) -> Journal:
    day = EPOCH.date()
    return Journal(
        key=f"acme_us|{day}|B{number}|USD|settlement|{version}",
        kind=JournalKind.settlement,
        merchant_id="acme_us",
        company_id="A",
        batch_id=f"B{number}",
        settlement_date=day,
        posting_date=day,
        version=version,
        rate_millionths=1_000_000,
        lines=lines,
    )
