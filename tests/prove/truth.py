"""What really happened at the gateway, at SYSPRO and at the shop: ledgers the product cannot see.

Each takes a write as it arrives, at most once per delivery, and says what a real one would.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta

from include.domain.money import Money
from include.domain.payments import Authorized, PaymentStatus
from include.services.effects.ports import Effect
from include.services.effects.ports import EffectKind as K
from tests.prove.again import outcome_of
from tests.prove.plans import HOLD, Outcome, Plan
from tests.prove.sales_order import COMPLETE, SalesOrder
from tests.simulator.hub import EPOCH

ALTERED = "altered"  # the digest of what lost an element on its way
ANEW = "8"  # how the numbers of orders begin that a clerk has entered anew
CLEARING = "1150"  # card clearing: what was captured and not settled yet


@dataclass(slots=True)
class Entry:
    """One executed write, or one refusal that the other side keeps."""

    seq: int  # of all that happens, at both sides
    at: float
    visible_at: float
    kind: K
    key: str  # of the effect, for the checker alone
    reference: str
    digest: str  # of what arrived
    amount_minor: int
    order_id: str
    their_key: str
    evidence: dict[str, object]
    is_no: bool = False
    is_second: bool = False  # the network's doing
    is_undone: bool = False  # by a person, because it was one too many
    target: str = ""  # the authorisation or capture it is about
    batch: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side would say, if the wire lets it."""

    word: str  # yes, no, duplicate, closed
    their_key: str = ""
    evidence: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Truth:
    """All ledgers of one seed."""

    plans: dict[str, Plan]  # by order id
    has_guards: bool
    has_limits: bool
    voids_release: bool  # this processor gives the hold back with the capture
    entries: list[Entry] = field(default_factory=list)
    by_reference: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    by_kind: dict[K, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    by_their_key: dict[str, Entry] = field(default_factory=dict)
    by_target: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    sales_orders: dict[str, SalesOrder] = field(default_factory=dict)
    customers: set[str] = field(default_factory=set)
    closed: tuple[float, float] = (0.0, 0.0)
    given_back: list[Entry] = field(default_factory=list)  # of settled surplus, not settled yet
    batch: int = 1
    cases: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))  # decisions
    gives_back_s: float = float("inf")  # after its capture a refund is refused
    freed: set[str] = field(default_factory=set)  # holds that a person has reversed by hand

    # Writes ----------------------------------------------------------------------------------

    def execute(self, effect: Effect, seq: int, now: float, lag: float, **how: bool) -> Answer:
        """Do what a request says, once per delivery."""
        kind = effect.kind
        if kind in _IN_PERIODS and self.closed[0] <= now < self.closed[1]:
            return Answer("closed")
        if kind is K.sales_order_move and self._moves_nothing(effect):
            return Answer("refused")
        is_second = how.get("is_second", False)
        if self._is_refused(effect, is_second):
            return Answer("duplicate")
        order_id = effect.key.partition("|")[0]
        if order_id.startswith("ref_"):
            order_id = json.loads(effect.payload).get("order_id", "")
        digest = ALTERED if how.get("drops_element") else effect.digest
        entry = Entry(
            seq,
            now,
            now + lag,
            kind,
            effect.key,
            effect.reference,
            digest,
            effect.amount_minor,
            order_id,
            f"{len(self.entries) + 1:022}",
            {},
            is_second=is_second,
        )
        word = self._do(effect, entry)
        if word == "no" and is_second:
            return Answer("duplicate")
        self.entries.append(entry)
        self.by_reference[effect.reference].append(entry)
        self.by_kind[kind].append(entry)
        self.by_their_key[entry.their_key] = entry
        if entry.target:
            self.by_target[entry.target].append(entry)
        entry.is_no = word == "no"
        return Answer(word, entry.their_key, entry.evidence)

    def _is_refused(self, effect: Effect, is_second: bool) -> bool:
        """A customer's code and an order's PO are keys there, whatever the site's settings."""
        if effect.kind is K.customer:
            return json.loads(effect.payload)["customer"] in self.customers
        if effect.kind is K.sales_order_move:
            return False
        if effect.kind is K.review_decision:  # whoever was first
            return bool(self.cases[json.loads(effect.payload)["request_id"]])
        guarded = self.has_guards and effect.kind.value.startswith(("payment", "sales", "shop_ref"))
        return guarded and bool(self.by_reference.get(effect.reference))

    def _moves_nothing(self, effect: Effect) -> bool:
        """SYSPRO cancels no order that is complete, and moves none that it does not have."""
        asked = json.loads(effect.payload)
        order = self.sales_orders.get(asked["sales_order"])
        if order is None:
            return True
        if order.kept:
            return False  # it is cancelled already
        order = order.standing()
        return asked["move"] == "cancel" and order.status == COMPLETE

    def _do(self, effect: Effect, entry: Entry) -> str:
        kind = effect.kind
        if kind is K.payment_authorization:
            return self._authorize(effect, entry)
        if kind.value.startswith("payment_"):
            return self._follow_on(effect, entry)
        if kind is K.sales_order:
            return self._add_order(effect, entry)
        if kind is K.sales_order_move:
            return self._move_order(effect, entry)
        if kind is K.customer:
            code = json.loads(effect.payload)["customer"]
            self.customers.add(code)
            entry.evidence = {"customer": code}
        elif kind is K.review_decision:
            asked = json.loads(effect.payload)
            self._decided(entry, asked["request_id"], asked["decision"])
        elif kind is K.ar_receipt:
            entry.amount_minor = json.loads(effect.payload)["amount"]["minor"]
            number = f"2026/03/{len(self.by_kind[kind]) + 1}"
            entry.evidence = {"journal": number, "document": ""}
        elif kind is K.gl_journal:
            lines = json.loads(effect.payload)["lines"]
            cleared = sum(line["minor"] for line in lines if line["gl_account"] == CLEARING)
            entry.evidence = {"journal": entry.their_key[-5:], "cleared": cleared}
        return "yes"

    def note_decision(self, request_id: str, decision: str, seq: int, at: float) -> None:
        """Keep what somebody has decided at the gateway's own desk."""
        name, kind = f"case {seq}", K.review_decision
        entry = Entry(seq, at, at, kind, name, name, "", 0, "", name, {})
        self._decided(entry, request_id, decision)

    def _decided(self, entry: Entry, request_id: str, decision: str) -> None:
        entry.evidence = {"request_id": request_id, "decision": decision, "reviewer": ""}
        self.cases[request_id].append(entry)

    def _authorize(self, effect: Effect, entry: Entry) -> str:
        asked = json.loads(effect.payload)
        plan = self.plans[entry.order_id]
        again = outcome_of(plan, asked["source"]["transient_id"])
        is_later = asked["skip_decision"] or (asked["attempt"] > 1 and again is None)
        outcome = Outcome.good if is_later else again or plan.outcome
        if asked["renews"]:  # the bank's own checks may hold it, whoever skips Decision Manager
            outcome = plan.renewal if asked["attempt"] == 2 else Outcome.declined
        minor: int | None = effect.amount_minor
        if outcome is Outcome.partial:
            minor = effect.amount_minor // 2
        elif outcome in (Outcome.declined, Outcome.review_first):
            minor = None
        entry.amount_minor = minor or 0
        entry.evidence = self.authorized(entry, outcome, minor, effect.currency)
        return "no" if outcome is Outcome.declined else "yes"

    @staticmethod
    def authorized(
        entry: Entry, outcome: Outcome, minor: int | None, currency: str
    ) -> dict[str, object]:
        status = PaymentStatus(outcome.value)
        money = None if minor is None else {"minor": minor, "currency": currency}
        return {
            "request_id": entry.their_key,
            "status": status.value,
            "theirs": status.value.upper(),
            "reason": "",
            "authorized": money,
            "stored": None,
            "token_failure": "",
            "details": [],
            "at": (EPOCH + timedelta(seconds=entry.at)).isoformat(),
        }

    def _follow_on(self, effect: Effect, entry: Entry) -> str:
        entry.target = acts_on(effect)
        money = {"minor": effect.amount_minor, "currency": effect.currency}
        evidence: dict[str, object] = {
            "request_id": entry.their_key,
            "theirs": "PENDING",
            "amount": money,
            "reason": "",
        }
        entry.evidence = evidence
        if self._may(effect.kind, entry):
            return "yes"
        entry.evidence = {**evidence, "theirs": "REFUSED", "amount": None, "reason": "too late"}
        return "no"

    def _may(self, kind: K, entry: Entry) -> bool:
        """What a gateway never does; sums are checked only where this one has limits."""
        about = self.by_their_key.get(entry.target)
        if about is None or about.is_no or entry.target in self.freed:
            return False
        done = [one for one in self.about(entry.target) if not one.is_no and not one.is_undone]
        if kind is K.payment_capture:
            has_lapsed = entry.at > about.at + HOLD
            if has_lapsed or any(one.kind is K.payment_reversal for one in done):
                return False
            taken = sum(one.amount_minor for one in done if not self.is_voided(one))
            return not self.has_limits or taken + entry.amount_minor <= about.amount_minor
        if kind is K.payment_reversal:
            standing = [one for one in done if not self.is_voided(one)]
            return not (done if self.voids_release else standing)
        gone = sum(one.amount_minor for one in done)
        if kind is K.payment_void:
            return about.batch == 0 and not done
        if any(one.kind is K.payment_void for one in done):
            return False
        if entry.at > about.at + self.gives_back_s:
            return False
        return not self.has_limits or gone + entry.amount_minor <= about.amount_minor

    def _add_order(self, effect: Effect, entry: Entry) -> str:
        asked = json.loads(effect.payload)
        number = entry.their_key[-6:]
        entry.their_key = number
        entry.evidence = {"sales_order": number, "warnings": []}
        self.sales_orders[number] = SalesOrder(
            number,
            entry.order_id,
            asked["purchase_order"],
            asked["customer"],
            asked["amount"]["minor"],
            "S" if asked["is_suspended"] else "1",
        )
        return "yes"

    def _move_order(self, effect: Effect, entry: Entry) -> str:
        asked = json.loads(effect.payload)
        order = self.sales_orders[asked["sales_order"]]
        if asked["move"] == "cancel":
            order.call_off()
            entry.evidence = {"status": order.status, "called_off": order.number}
            return "yes"
        stands = order.standing()  # what is asked of one that was entered anew, a clerk sees to
        if not stands.is_over:
            stands.status = "S" if asked["move"] == "hold" else "1"
        entry.evidence = {"status": order.status}
        return "yes"

    def undo(self, entry: Entry) -> None:
        """Let a person take a surplus back; what is settled goes back in a later batch."""
        if entry.batch and not entry.is_undone:
            self.given_back.append(replace(entry, amount_minor=-entry.amount_minor, batch=0))
        entry.is_undone = True

    def free(self, request_id: str) -> bool:
        """Let a person reverse a hold by hand, unless something was done about it; say whether."""
        is_free = all(one.is_no for one in self.about(request_id))
        self.freed.update([request_id] if is_free else [])
        return is_free

    def keep_order(self, kept: SalesOrder, surplus: SalesOrder) -> None:
        """Let a person cancel a second copy; what was done on it is done on the one that stays."""
        if surplus.is_over and not kept.is_over:
            kept.status, kept.is_cancelled = surplus.status, surplus.is_cancelled
        surplus.kept, surplus.is_cancelled = kept, True
        kept.invoices += surplus.invoices
        kept.waiting += surplus.waiting
        surplus.waiting = []

    # Reads -----------------------------------------------------------------------------------

    def about(self, their_key: str) -> list[Entry]:
        """What was done about an authorisation or a capture."""
        return self.by_target.get(their_key, [])

    def standing(self, reference: str) -> list[Entry]:
        """What carries a reference and was not taken back; a natural write is one, always."""
        found = [one for one in self.by_reference.get(reference, ()) if not one.is_undone]
        return found[:1] if found and _is_natural(found[0].kind) else found

    def shown(self, effect: Effect) -> list[Entry]:
        """What a look finds; a customer is found by its code, whichever order made it.

        Of a case the last decision is shown, whoever made it.
        """
        if effect.kind is K.review_decision:
            return self.cases[json.loads(effect.payload)["request_id"]][-1:]
        if effect.kind is not K.customer:
            return self.standing(effect.reference)
        code = json.loads(effect.payload)["customer"]
        return [one for one in self.by_kind[K.customer] if one.evidence["customer"] == code]

    def orders_of(self, purchase_order: str) -> list[SalesOrder]:
        found = (one for one in self.sales_orders.values() if not one.kept)
        return [one for one in found if one.purchase_order == purchase_order]

    def cut_batch(self) -> tuple[int, list[Entry]]:
        """Close a batch: what is in it can be voided no more."""
        number, self.batch = self.batch, self.batch + 1
        taken = []
        for kind in (K.payment_capture, K.payment_refund):
            for entry in self.by_kind[kind]:
                is_open = not entry.batch and not entry.is_no and not entry.is_undone
                if is_open and not self.is_voided(entry):
                    entry.batch = number
                    taken.append(entry)
        taken += self.given_back
        self.given_back = []
        return number, taken

    def is_voided(self, entry: Entry) -> bool:
        voids = self.by_kind[K.payment_void]
        return any(one.target == entry.their_key and not one.is_no for one in voids)

    def authorization(self, request_id: str, now: float) -> Authorized | None:
        """What the gateway's search shows of an authorisation the shop made itself."""
        entry = self.by_their_key.get(request_id)
        if entry is None or entry.visible_at > now:
            return None
        status = PaymentStatus(str(entry.evidence["status"]))
        at = EPOCH + timedelta(seconds=entry.at)
        money = Money(entry.amount_minor, "USD")
        return Authorized(request_id, status, status.value, "", money, at=at)


def acts_on(effect: Effect) -> str:
    """Name the request that a follow-on is about."""
    asked = json.loads(effect.payload)
    return str(asked.get("authorization_id") or asked.get("capture_id") or asked.get("target_id"))


_IN_PERIODS = frozenset((K.ar_receipt, K.ar_application, K.gl_journal))
_NATURAL_KINDS = frozenset(
    (K.sales_order_move, K.custom_field, K.shop_order_update, K.shop_callback)
)


def _is_natural(kind: K) -> bool:
    return kind in _NATURAL_KINDS
