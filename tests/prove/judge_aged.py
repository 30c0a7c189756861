"""Whether what is too old for the gateway went another way, once, and only that did."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property

from include.services.effects.ports import EffectKind as K
from tests.prove.aged import REFUND_DAYS
from tests.prove.judge import Judge, Violation
from tests.prove.truth import Entry


class AgedJudge(Judge):
    """Judges refunds by the age of the captures that they are about: I42."""

    def aged(self) -> Iterator[Violation]:
        if not self.world.aged.is_played:
            return
        yield from self._asked_of_the_gateway()
        yield from self._paid_by_hand()

    @cached_property
    def _learned(self) -> dict[str, datetime]:
        """When each capture was known here to be made, by its effect."""
        found = self.rows(
            "SELECT subject, MAX(at) FROM audit WHERE subject LIKE 'payment_capture|%' "
            "AND what LIKE '%-> done' GROUP BY 1"
        )
        return {subject.partition("|")[2]: _instant(at) for subject, at in found}

    def _asked_of_the_gateway(self) -> Iterator[Violation]:
        """Nothing is asked of the gateway that was too old by the rule when it was asked for."""
        asked_at = {
            refund_id: _instant(at)
            for refund_id, origin, at in self.rows(
                "SELECT refund_id, origin, asked_at FROM refunds"
            )
            if origin != "cancellation"
        }
        for entry in self.truth.by_kind[K.payment_refund]:
            refund_id = entry.key.partition("|")[0]
            about = self.truth.by_their_key[entry.target]
            learned = self._learned.get(about.key)
            if refund_id in asked_at and learned and _age(learned, asked_at[refund_id]) > 0:
                yield Violation("I42 what is too old is not asked for", entry.key)

    def _paid_by_hand(self) -> Iterator[Violation]:
        """Only what no young capture could give back is paid by hand, and nothing twice."""
        gone = self.rows(
            "SELECT order_id, origin_key, refund_id FROM refunds WHERE state != 'refused'"
        )
        asked = "SELECT order_id, SUM(amount_minor) FROM refunds WHERE state = 'refused' GROUP BY 1"
        said_no: dict[str, int] = dict(self.rows(asked))
        refunded = {(order_id, what): refund_id for order_id, what, refund_id in gone}
        for (order_id, what), paid in self.world.aged.by_hand.items():
            if (order_id, what) in refunded:
                yield Violation("I42 paid by hand once", f"{order_id}: {what} was refunded, too")
            young = [
                one
                for one in self.done(K.payment_capture)
                if one.order_id == order_id
                and self._learned.get(one.key, paid.told_at) < paid.told_at
                and _age(self._learned[one.key], paid.told_at) <= 0
            ]
            left = sum(one.amount_minor - self._given_of(one) for one in young)
            # What a person has said no to since was still reserved then.
            if left - said_no.get(order_id, 0) >= paid.minor:
                yield Violation("I42 what is young goes back by itself", f"{order_id}: {what}")
        for order_id in {name for name, _ in self.world.aged.by_hand}:
            taken = sum(
                e.amount_minor for e in self.done(K.payment_capture) if e.order_id == order_id
            )
            back = sum(
                e.amount_minor
                for e in (*self.done(K.payment_refund), *self.done(K.payment_void))
                if e.order_id == order_id
            )
            by_hand = self.world.aged.of_order(order_id)
            if back + by_hand > taken:
                what = f"{order_id}: {back} and {by_hand} by hand of {taken}"
                yield Violation("I42 no more back than taken", what)

    def _given_of(self, capture: Entry) -> int:
        refunds = (*self.done(K.payment_refund), *self.done(K.payment_void))
        return sum(one.amount_minor for one in refunds if one.target == capture.their_key)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _age(captured: datetime, on: datetime) -> int:
    """Days beyond the rule's; none or less: it is young."""
    return (on.date() - captured.date()).days - REFUND_DAYS
