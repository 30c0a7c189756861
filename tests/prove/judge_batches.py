"""Whether each capture went back the way that its batch left open, and its hold with the last."""

from collections.abc import Iterator
from datetime import timedelta

from include.services.effects.ports import EffectKind as K
from tests.prove.judge import Judge, Violation
from tests.prove.truth import Entry
from tests.simulator.hub import EPOCH


class BatchJudge(Judge):
    """Judges voids, refunds and reversals against each other: I43."""

    def batches(self) -> Iterator[Violation]:
        yield from self._held_beside_captures()
        yield from self._voided_first()

    def _held_beside_captures(self) -> Iterator[Violation]:
        """No hold is asked to be reversed while a capture of it stands."""
        # Refused ones, too; of what never arrived there is nothing to judge.
        asked = {entry.key: entry.target for entry in self.truth.by_kind[K.payment_reversal]}
        for call in self.calls_of(K.payment_reversal):
            for entry in self.truth.about(asked.get(call.key, "")):
                stands = entry.kind is K.payment_capture and entry.seq < call.seq
                if not stands or entry.is_no or entry.is_undone:
                    continue
                if not self._is_voided(entry, call.seq):
                    yield Violation("I43 a hold is not reversed beside a capture", call.key)

    def _voided_first(self) -> Iterator[Violation]:
        """What goes back whole on its day is voided, unless a batch was faster."""
        days = dict(self.rows("SELECT refund_id, DATE(asked_at) FROM refunds"))
        captures: dict[str, list[Entry]] = {}
        for entry in self.done(K.payment_capture):
            captures.setdefault(entry.order_id, []).append(entry)
        for entry in self.done(K.payment_refund):
            about = self.truth.by_their_key[entry.target]
            if entry.amount_minor != about.amount_minor:
                continue
            refund_id = entry.key.partition("|")[0]
            is_all_today = all(
                _day(one.at) == days[refund_id] for one in captures.get(entry.order_id, ())
            )
            tried = any(one.kind is K.payment_void for one in self.truth.about(entry.target))
            if is_all_today and not tried:
                yield Violation("I43 what no batch has is voided", entry.key)

    def _is_voided(self, capture: Entry, before: int) -> bool:
        return any(
            one.kind is K.payment_void and not one.is_no and one.seq < before
            for one in self.truth.about(capture.their_key)
        )


def _day(at: float) -> str:
    return (EPOCH + timedelta(seconds=at)).date().isoformat()
