"""Decision Manager: decisions of their own, and what reviewers make of cases."""

import uuid
from datetime import datetime
from typing import Any

from include.sandbox.cybersource.payments import answers
from include.sandbox.cybersource.payments.book import Entry
from include.sandbox.cybersource.payments.cards import Card
from include.sandbox.cybersource.payments.desk import Call, PaymentDesk
from include.sandbox.cybersource.payments.follow_ons import FollowOns
from include.sandbox.cybersource.payments.outcomes import chosen
from include.sandbox.cybersource.payments.payer import payer_of
from include.sandbox.cybersource.payments.reading import (
    Problem,
    bill_to_of,
    money,
    section,
    text,
    words,
)
from include.sandbox.server import Response
from include.sandbox.world.dates import utc_text
from include.sandbox.world.model import Conversion

_ALLOWED = {"ACCEPT": "CAPTURE", "REJECT": "REVERSE"}
_ANSWERS = {"ACCEPT": "ACCEPTED", "REVIEW": "PENDING_REVIEW", "REJECT": "REJECTED"}
_AFTER = {"ACCEPT": "AUTHORIZED", "REJECT": "AUTHORIZED_RISK_DECLINED"}
_DECISION = "decisionInformation.decision"
_COMMENTS = "decisionInformation.comments"
_API_REVIEWER = "api_user"


class Reviews:
    """Work of the risk calls, and the reviewer that the control server plays."""

    def __init__(self, desk: PaymentDesk, follow_ons: FollowOns) -> None:
        self.desk = desk
        self.follow_ons = follow_ons

    def decision(self, call: Call) -> Response:
        """POST /risk/v1/decisions: a look at an order without a payment."""
        body = call.body
        if not call.reference.code:
            raise Problem("MISSING_FIELD", "clientReferenceInformation.code")
        amount, currency = money(body, call.merchant)
        bill_to = bill_to_of(body)
        has_token = section(body, "tokenInformation") or section(
            body, "paymentInformation.customer"
        )
        payer = payer_of(body, call.merchant, self.desk.vault) if has_token else None
        outcome = call.outcome or chosen(
            payer.jti if payer else "", bill_to.get("email", ""), is_looked_at=True
        )
        call.outcome = outcome
        if outcome.is_unexecuted:
            return self.desk.lose(call, outcome)
        entry = self.desk.new_entry(
            call,
            "decision",
            amount,
            currency,
            payer.card if payer else Card(),
            status=_ANSWERS[outcome.decision],
            reason=outcome.reason if outcome.decision != "ACCEPT" else "",
            decision=outcome.decision,
            bill_to=bill_to,
        )
        self.desk.keep(call, entry)
        self.desk.tell("payment", entry)
        return answers.created(answers.decision(entry, outcome))

    def action(self, call: Call) -> Response:
        """POST /risk/v1/decisions/{id}/actions: accept or reject a case, and act on it."""
        entry = self._case(call)
        decision = text(call.body, _DECISION)
        if not decision:
            raise Problem("MISSING_FIELD", _DECISION)
        if decision not in _ALLOWED:
            raise Problem("INVALID_DATA", _DECISION)
        actions = words(call.body, "processingInformation.actionList")
        if not set(actions) <= {_ALLOWED[decision]}:
            raise Problem("INVALID_DATA", "processingInformation.actionList")
        if entry.decision != "REVIEW":  # decided already; a second word would contradict it
            raise Problem("INVALID_DATA", "id")
        self.decide(call, entry, decision, _API_REVIEWER, text(call.body, _COMMENTS, 4096))
        body = self._decided(entry, _ANSWERS[decision])
        if actions:
            member = "capture" if decision == "ACCEPT" else "reversal"
            body["_embedded"] = {member: self.act(call, entry, decision)}
        return answers.created(body)

    def act(self, call: Call, entry: Entry, decision: str) -> dict[str, Any]:
        """Capture or reverse all that a decided case holds; say what became of it."""
        held = entry.authorized_minor - entry.reversed_minor - entry.captured_minor
        try:
            if decision == "ACCEPT":
                made = self.follow_ons.captured(call, entry, held)
                return answers.capture(made)
            if not held:
                raise Problem("AUTH_ALREADY_REVERSED")
            return answers.reversal(self.follow_ons.reversed(call, entry, held), entry)
        except Problem as problem:
            return {"status": "INVALID_REQUEST", "reason": problem.reason}

    def decide(self, call: Call, entry: Entry, decision: str, reviewer: str, comments: str) -> None:
        """Let a reviewer decide, again where he changes his mind; reports and webhooks follow."""
        now = self.desk.world.live.now(entry.merchant)
        entry.as_answered = entry.as_answered or (entry.status, entry.reason, entry.decision)
        entry.decision = decision
        if entry.kind == "decision":
            entry.status = _ANSWERS[decision]
        elif entry.authorized_minor:
            entry.status = _AFTER[decision]
        entry.reason = "" if decision == "ACCEPT" else "DECISION_PROFILE_REJECT"
        if comments:
            entry.notes.append(_note(now, reviewer, comments))
        conversion = Conversion(entry.request_id, entry.code, now, decision, reviewer, comments)
        self.desk.world.live.decide(entry.merchant, conversion)
        self.desk.record(
            call, entry.request_id, decision, is_done=True, verb="decision", reviewer=reviewer
        )
        self.desk.tell("decision", entry)

    def comment(self, call: Call) -> Response:
        """POST /risk/v1/decisions/{id}/comments."""
        entry = self._case(call)
        said = text(call.body, _COMMENTS, 4096)
        if not said:
            raise Problem("MISSING_FIELD", _COMMENTS)
        now = self.desk.world.live.now(entry.merchant)
        entry.notes.append(_note(now, _API_REVIEWER, said))
        self.desk.record(call, entry.request_id, "COMPLETED", is_done=True)
        self.desk.tell("note", entry)
        return answers.created(self._decided(entry, "COMPLETED"))

    def _case(self, call: Call) -> Entry:
        entry = self.desk.book.get(call.target, call.merchant)
        if entry is None or not entry.decision:
            raise Problem("INVALID_PAYMENT_ID", "id")
        return entry

    def _decided(self, entry: Entry, status: str) -> dict[str, Any]:
        now = self.desk.world.live.now(entry.merchant)
        return {"id": str(uuid.uuid4()), "submitTimeUtc": utc_text(now), "status": status}


def _note(at: datetime, by: str, comments: str) -> dict[str, str]:
    return {"time": utc_text(at), "addedBy": by, "comments": comments}
