"""What every payment call shares: identity, guards, the ledger, and lost answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from include.sandbox.cybersource.payments import answers
from include.sandbox.cybersource.payments.book import Book, Entry
from include.sandbox.cybersource.payments.cards import Card
from include.sandbox.cybersource.payments.lengths import check_lengths
from include.sandbox.cybersource.payments.outcomes import Forcing, Outcome
from include.sandbox.cybersource.payments.reading import Problem, Reference, body_of, reference_of
from include.sandbox.cybersource.settings import Settings, Switches
from include.sandbox.cybersource.tokens.vault import Vault
from include.sandbox.ledger import Ledger
from include.sandbox.server import Request, Response
from include.sandbox.world import World
from include.sandbox.world.dates import utc_text
from include.sandbox.world.facts import decimal_text

Tell = Callable[[str, Entry], None]  # a happening, and the request it is about


@dataclass(slots=True)
class Call:
    """One call being worked on."""

    request: Request
    merchant: str
    verb: str
    body: dict[str, Any] = field(default_factory=dict)
    reference: Reference = field(default_factory=lambda: Reference("", ""))
    target: str = ""  # the id in the path
    outcome: Outcome | None = None  # forced, or chosen by what the caller sent


Work = Callable[[Call], Response]


class PaymentDesk:
    """The shared half of all payment calls."""

    def __init__(
        self, world: World, ledger: Ledger, book: Book, vault: Vault, switches: Switches, tell: Tell
    ) -> None:
        self.world, self.ledger, self.book, self.vault = world, ledger, book, vault
        self.switches = switches
        self.forcing = Forcing()
        self.tell = tell

    @property
    def settings(self) -> Settings:
        return self.switches.now

    def work(self, verb: str, work: Work) -> Callable[[Request, str], Response]:
        """Return a handler: reads, does the work under the lock, turns refusals into answers."""

        def handle(request: Request, merchant: str) -> Response:
            call = Call(request, merchant, verb, target=request.match.get("id", ""))
            try:
                call.body = body_of(request)
                call.reference = reference_of(call.body)
                check_lengths(call.body)
                with self.book.lock:
                    return self._executed(call, work)
            except Problem as problem:
                return self._refuse(call, problem)

        return handle

    def _executed(self, call: Call, work: Work) -> Response:
        call.outcome = self.forcing.take(call.verb, call.reference.code)
        if call.outcome and call.outcome.is_unexecuted:
            return self.lose(call, call.outcome)
        response = work(call)
        if call.outcome and call.outcome.word == "timeout_commit":
            return answers.lost(utc_text(self.world.live.now(call.merchant)), call.outcome)
        return response

    def lose(self, call: Call, outcome: Outcome) -> Response:
        """Answer 502 without having done anything."""
        self.record(call, "", outcome.status, is_done=False)
        return answers.lost(utc_text(self.world.live.now(call.merchant)), outcome)

    def _refuse(self, call: Call, problem: Problem) -> Response:
        now = self.world.live.now(call.merchant)
        own_id, _ = self.world.live.new_id(call.merchant, now)
        self.record(call, own_id, problem.reason, is_done=False)
        fields = problem.fields if self.settings.names_fields else ()
        return answers.refusal(own_id, utc_text(now), problem.reason, fields)

    def guard(self, call: Call) -> None:
        """Refuse a merchant transaction id that was used within 180 days.

        What the code of a repeat is, is reported, not documented: INVALID_DATA.
        """
        if not self.settings.mti_guard:
            return
        if self.book.used(call.merchant, call.reference.transaction_id):
            raise Problem("INVALID_DATA", "clientReferenceInformation.transactionId")

    def new_entry(
        self, call: Call, kind: str, amount: int, currency: str, card: Card, **more: Any
    ) -> Entry:
        """Return a new request of this moment, not yet in the book."""
        now = self.world.live.now(call.merchant)
        own_id, processor = self.world.live.new_id(call.merchant, now)
        return Entry(
            own_id,
            call.merchant,
            kind,
            now,
            self.world.live_date,
            self.book.now(),
            call.reference.code,
            call.reference.transaction_id,
            currency,
            amount,
            processor,
            card,
            comments=call.reference.comments,
            **more,
        )

    def keep(self, call: Call, entry: Entry, *, is_done: bool = True, verb: str = "") -> None:
        """Put a request into the book and into the ledger, and its money into the batch."""
        self.book.add(entry)
        self.book.batch(entry)
        amount = decimal_text(entry.amount_minor, entry.currency)
        target = entry.parent.request_id if entry.parent else ""
        facts = {"amount": amount, "currency": entry.currency, "target": target}
        self.record(call, entry.request_id, entry.status, is_done=is_done, verb=verb, **facts)

    def record(
        self, call: Call, own_id: str, status: str, *, is_done: bool, verb: str = "", **facts: str
    ) -> None:
        reference = call.reference
        self.ledger.record(
            "cybersource",
            verb or call.verb,
            reference.transaction_id or reference.code,
            call.request.body,
            committed=is_done,
            request_id=own_id,
            merchant=call.merchant,
            code=reference.code,
            status=status,
            **facts,
        )
