"""Whether what issuers took is in the books: open while it may be contested, then back or lost."""

import json
from collections import Counter
from collections.abc import Iterator

from include.services.effects.ports import EffectKind as K
from tests.prove.disputes import DISPUTED, FEES, LOST, NET
from tests.prove.judge import Judge, Violation


class DisputeJudge(Judge):
    """Judges disputes by the cases that issuers made: I44."""

    def disputes(self) -> Iterator[Violation]:
        if not self.world.disputes.is_played:
            return
        booked: Counter[str] = Counter()
        asked = "SELECT payload FROM effects WHERE kind = 'gl_journal' AND key = ?"
        for entry in self.done(K.gl_journal):
            for line in json.loads(self.rows(asked, entry.key)[0][0])["lines"]:
                booked[line["gl_account"]] += line["minor"]
        taken = given = lost = 0
        for case in self.world.disputes.cases.values():
            taken, given = taken + case.minor, given + case.given_minor
            lost += case.minor - case.given_minor if case.is_lapsed else 0
        batched = sum(net for _, net in self.world.notes.batches)
        for account, minor, words in (
            (DISPUTED, taken - given - lost, "what is contested is receivable"),
            (LOST, lost, "what is lost is an expense, once"),
        ):
            if booked[account] != minor:
                what = f"{booked[account]} in {account}, {minor} by the cases"
                yield Violation(f"I44 {words}", what)
        arrived = booked[NET] + booked[FEES]
        if arrived != batched - taken + given:
            what = f"{arrived} with fees, {batched} sold less {taken} taken, {given} given back"
            yield Violation("I44 the bank pays what is left", what)
