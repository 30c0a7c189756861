"""Issuers who take captures back, mostly after refunds, and what becomes of each case.

Played in some seeds. A chargeback is of a whole capture, whatever has gone back of it by then, and
is first seen in a settlement report. Some are given back, some after they were written off.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from include.domain.accounts import GlTemplate
from include.domain.dispute_cases import DisputeEvent, DisputeEventKind
from include.domain.dispute_deadlines import Standing
from include.domain.journal import Journal, JournalLine
from include.domain.money import Money
from include.domain.settlement import SettlementDay
from include.services.books.ports import JournalRecord
from include.services.books.restate import Chain
from include.services.disputes import write_offs
from include.services.effects.ports import Effect
from include.services.effects.ports import EffectKind as K
from include.services.journal_book import JournalState
from include.services.post_journals import effect_of
from tests.prove.fraud_desk import hash_of
from tests.prove.plans import Plan
from tests.prove.truth import CLEARING, Entry
from tests.simulator.hub import EPOCH
from tests.support_books import merchant

if TYPE_CHECKING:
    from tests.prove.product import Kit
    from tests.prove.world import World

OWNER = "ar.us@acme.example"
NET, FEES, DISPUTED, LOST = "1160", "6150", "1170", "6156"
TEMPLATE = GlTemplate(
    "clearing",
    {
        "net": NET,
        "fee.interchange": FEES,
        "gross_sale": CLEARING,
        "refund": CLEARING,
        "chargeback": DISPUTED,
        "chargeback_reversal": DISPUTED,
        "dispute_lost": LOST,
    },
)
_DAY = EPOCH.date()


def refund_often(plan: Plan) -> None:
    """Have every second order refunded, in part or in whole."""
    drawn = int(plan.at * 1000)
    if not plan.gives_back and drawn % 2:
        plan.gives_back = [(drawn % 2500, (30, 60, 100)[drawn % 3], "clerk")]


@dataclass(slots=True)
class Case:
    """One chargeback as the issuer has it."""

    number: str
    capture: Entry
    taken_in: int = 0  # the batch whose report tells of it
    given_minor: int = 0  # back, by reports
    is_lapsed: bool = False  # its deadline has passed

    @property
    def minor(self) -> int:
        return self.capture.amount_minor


@dataclass(slots=True)
class _Book:
    """Keeps write-offs, all of them approved at once; satisfies what they need of a book."""

    records: list[JournalRecord] = field(default_factory=list)

    def add(self, journal: Journal, version: str, control: Any, **_how: Any) -> None:
        self.records.append(JournalRecord(journal, JournalState.approved, version, control))

    def versions(self, _day: SettlementDay) -> list[JournalRecord]:
        """Return no settlement: one currency is played, so no share differs from its amount."""
        return []


class _Mappings:
    version = "1"

    def gl_template(self, _name: str, _on: date) -> GlTemplate:
        return TEMPLATE


class Disputes:
    """All cases of a seed; what befalls one is drawn from its capture's key."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.is_played = world.swarm.disputes
        self.cases: dict[str, Case] = {}  # by the capture's key at the gateway
        self._waiting: list[tuple[Case, int]] = []  # signed minor units, for the next report
        self._events: list[DisputeEvent] = []
        self._book = _Book()

    def begin(self) -> None:
        """Cut some more batches: a capture can be charged back once it has settled."""
        for part in range(1, 6) if self.is_played else ():
            at = self._world.storm * part / 6
            self._world.hub.call_at(at, self._world.people.settling.cut)

    # The issuers -----------------------------------------------------------------------------

    def hear(self, effect: Effect, their_key: str) -> None:
        """Let a shopper complain: mostly one who has a refund already, in part or in whole."""
        if not self.is_played or effect.kind not in (K.payment_capture, K.payment_refund):
            return
        drawn, truth = hash_of(effect.key), self._world.truth
        made = truth.by_their_key[their_key]
        if effect.kind is K.payment_refund:
            capture = truth.by_their_key[made.target]
            self._world.people.later(drawn * 37 % 3600, lambda: self._charge_back(capture))
        elif drawn % 4 == 0:
            self._world.people.later(3000 + drawn, lambda: self._charge_back(made))

    def _charge_back(self, capture: Entry, tries: int = 6) -> None:
        truth = self._world.truth
        if not capture.batch and tries:  # not settled yet
            self._world.people.later(1800, lambda: self._charge_back(capture, tries - 1))
            return
        is_one = len(truth.standing(capture.reference)) == 1
        if capture.their_key in self.cases or capture.is_undone or not (capture.batch and is_one):
            return
        back = sum(
            one.amount_minor
            for one in truth.about(capture.their_key)
            if one.kind is K.payment_refund and not (one.is_no or one.is_undone)
        )
        word = "whole" if back >= capture.amount_minor else "part" if back else "nothing"
        self._world.coverage["charged back", "GL", f"{word} refunded"] += 1
        case = self.cases[capture.their_key] = Case(f"CASE-{capture.their_key[-5:]}", capture)
        self._waiting.append((case, -case.minor))
        later, turn = self._world.people.later, hash_of(capture.key) % 4
        if turn in (0, 2, 3):  # lost, won after that, or the rest of it lost
            later(2000, lambda: self._lapse(case))
        if turn in (1, 2):
            later(1000 * turn, lambda: self._waiting.append((case, case.minor)))
        if turn == 3:
            later(500, lambda: self._waiting.append((case, case.minor * 4 // 10)))

    def _lapse(self, case: Case) -> None:
        case.is_lapsed = True
        self._judge()

    # The reports, and what we make of them ---------------------------------------------------

    def settle(self, batch: int) -> dict[str, int]:
        """Return the sums of a batch's chargebacks and reversals, and read them as events."""
        waiting, self._waiting = self._waiting, []
        sums = {"chargeback": 0, "chargeback_reversal": 0}
        for case, minor in waiting:
            is_taken = minor < 0
            sums["chargeback" if is_taken else "chargeback_reversal"] += minor
            case.taken_in = batch if is_taken else case.taken_in
            case.given_minor += 0 if is_taken else minor
            kind = DisputeEventKind.chargeback if is_taken else DisputeEventKind.reversal
            day = _DAY + timedelta(days=batch)
            source = f"B{batch}:{case.number}"
            self._events.append(
                DisputeEvent("acme_us", day, case.number, kind, "USD", minor, source)
            )
        if waiting:
            self._judge()
        return {role: minor for role, minor in sums.items() if minor}

    def taken(self, day: SettlementDay, _currency: str) -> dict[str, int]:
        """Return what each case took on a day, as the store would."""
        return {
            one.case_key: -one.amount_minor
            for one in self._events
            if one.settlement_date == day.settlement_date
            and one.kind is DisputeEventKind.chargeback
        }

    def lines(self, sums: dict[str, int]) -> tuple[JournalLine, ...]:
        """Let the product say what a report books."""
        amounts = self._world.variant.books(sums, TEMPLATE, fees_as_invoice=False)
        return tuple(
            JournalLine(amounts.accounts[role], Money(minor, "USD"), Money(minor, "USD"), role)
            for role, minor in amounts.minor.items()
        )

    def _judge(self) -> None:
        self._world.start("disputes", self._world.hub.seconds + 60, self._watch, is_awaited=True)

    def _watch(self, kit: "Kit") -> None:
        """Do what ``watch_disputes`` does of a day, with every write-off approved."""
        of_case = {case.number: case for case in self.cases.values()}
        context = write_offs.WriteOffContext(
            merchant(),
            self._book,  # type: ignore[arg-type]
            self,
            _Mappings(),  # type: ignore[arg-type]
            _DAY,
        )
        chains = write_offs.chains_of(self._book.records)
        for dispute in self._world.variant.cases(self._events):
            chain = chains.get(write_offs.key_of(dispute), Chain([]))
            is_lapsed = of_case[dispute.case_key].is_lapsed
            where = Standing.passed if is_lapsed else Standing.due_soon
            write_offs.bring_to(
                context,
                dispute,
                write_offs.wanted_minor(dispute, where, chain),
                chain,
                rate_millionths=1_000_000,
                why="lost",
                control={"found by": write_offs.BY_DEADLINE},
            )
        for record in self._book.records[:]:
            effect = kit.engine.intend(effect_of(record.journal, OWNER))
            kit.engine.advance(effect.kind, effect.key)
