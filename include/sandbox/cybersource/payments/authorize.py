"""Authorizations, sales, increments and stand-alone credits: requests that name a payer."""

from dataclasses import dataclass
from typing import Any

from include.sandbox.cybersource.payments import answers
from include.sandbox.cybersource.payments.book import Entry
from include.sandbox.cybersource.payments.cards import Card
from include.sandbox.cybersource.payments.desk import Call, PaymentDesk
from include.sandbox.cybersource.payments.initiator import check_initiator
from include.sandbox.cybersource.payments.outcomes import APPROVED, Outcome, chosen
from include.sandbox.cybersource.payments.payer import Payer, keep_tokens, payer_of
from include.sandbox.cybersource.payments.proofs import VALIDATE, Challenges, Proof
from include.sandbox.cybersource.payments.reading import (
    Problem,
    bill_to_of,
    flag,
    money,
    words,
)
from include.sandbox.server import Response
from include.sandbox.world.facts import PRICES

_ACTIONS = "processingInformation.actionList"
_CLOSED = "invalid_account"  # what an issuer says of an account that it has closed
_NO_ISSUER = ("DECLINED", "PENDING_AUTHENTICATION")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A payment request, read."""

    amount: int
    currency: str
    payer: Payer
    actions: list[str]
    is_sale: bool
    is_looked_at: bool  # by Decision Manager
    proof: Proof
    bill_to: dict[str, str]


class Authorize:
    """Work of the calls that ask an issuer."""

    def __init__(self, desk: PaymentDesk) -> None:
        self.desk = desk
        self.challenges = Challenges()

    def payment(self, call: Call) -> Response:
        """POST /pts/v2/payments: an authorization, or a sale where ``capture`` is true."""
        asked = self._read(call)
        self.desk.guard(call)
        self._check_reference(call)
        word = _CLOSED if asked.payer.is_closed else asked.payer.jti
        outcome = call.outcome or chosen(
            word, asked.bill_to.get("email", ""), is_looked_at=asked.is_looked_at
        )
        outcome = asked.proof.judged(outcome) or APPROVED
        call.outcome = outcome
        if outcome.is_unexecuted:
            return self.desk.lose(call, outcome)
        if outcome.status == "SERVER_ERROR":
            outcome = APPROVED  # done, and then the answer is lost
        entry = self._entry(call, asked, outcome)
        is_token_new = self._keep_tokens(call, asked, outcome, entry)
        self.desk.keep(call, entry, is_done=outcome.is_held)
        if entry.billed_minor:
            facts = {"amount": answers.amount(entry), "currency": entry.currency, "target": ""}
            own_id = entry.request_id
            self.desk.record(call, own_id, "PENDING", is_done=True, verb="capture", **facts)
        self.desk.tell("payment", entry)
        actions = self._actions(asked, outcome, entry)
        return answers.created(answers.payment(entry, outcome, actions, is_token_new, asked.proof))

    def _read(self, call: Call) -> _Asked:
        body = call.body
        actions = words(body, _ACTIONS)
        is_looked_at = self.desk.settings.decision_manager and "DECISION_SKIP" not in actions
        amount, currency = money(body, call.merchant)
        payer = payer_of(body, call.merchant, self.desk.vault)
        _check_card(payer.card, currency)
        is_sale = flag(body, "processingInformation.capture")
        check_initiator(body, call.merchant, payer, self.desk.book)
        proof = self.challenges.proof_of(body, actions, payer.card.type)
        bill_to = bill_to_of(body)
        return _Asked(amount, currency, payer, actions, is_sale, is_looked_at, proof, bill_to)

    def _check_reference(self, call: Call) -> None:
        is_checked = self.desk.settings.duplicate_reference_check and call.reference.code
        if is_checked and self.desk.book.is_recent(call.merchant, call.reference.code):
            raise Problem("DUPLICATE_REQUEST", "clientReferenceInformation.code")

    def _entry(self, call: Call, asked: _Asked, outcome: Outcome) -> Entry:
        is_declined = outcome.status == "AUTHORIZED_RISK_DECLINED"
        is_auto_reversed = is_declined and self.desk.settings.auto_reversal
        approved = asked.amount if outcome.is_held else 0
        if outcome.word == "partial":
            approved = max(1, asked.amount // 2)
        is_sale = asked.is_sale and outcome.may_capture
        is_silent = outcome.status in _NO_ISSUER and outcome.decision == "ACCEPT"
        return self.desk.new_entry(
            call,
            "authorization",
            asked.amount,
            asked.currency,
            asked.payer.card,
            status=outcome.status,
            reason=outcome.reason,
            is_sale=is_sale,
            authorized_minor=approved,
            reversed_minor=approved if is_auto_reversed else 0,
            is_auto_reversed=is_auto_reversed,
            billed_minor=approved if is_sale else 0,
            decision=outcome.decision if asked.is_looked_at and not is_silent else "",
            tokens=dict(asked.payer.tokens),
            bill_to=asked.bill_to,
            is_payer_validated=asked.proof.is_validated,
            indicator=asked.proof.indicator,
        )

    def _keep_tokens(
        self, call: Call, asked: _Asked, outcome: Outcome, entry: Entry
    ) -> bool | None:
        """Make tokens; return whether the card was new, ``None`` where none were made."""
        is_wanted = "TOKEN_CREATE" in asked.actions and outcome.is_held
        if not is_wanted or outcome.word == "token_failed":
            return None
        made, is_new = keep_tokens(call.body, call.merchant, asked.payer, self.desk.vault)
        entry.tokens.update(made)
        for kind, token_id in made.items():
            self.desk.record(
                call,
                entry.request_id,
                "CREATED",
                is_done=True,
                verb="token",
                kind=kind,
                id=token_id,
            )
        return is_new

    def _actions(self, asked: _Asked, outcome: Outcome, entry: Entry) -> dict[str, Any]:
        """Return what became of each action beside the authorization."""
        found: dict[str, Any] = {}
        if asked.is_sale and entry.billed_minor:
            found["CAPTURE"] = {"status": "PENDING"}
        elif asked.is_sale and outcome.word == "capture_failed":
            found["CAPTURE"] = _failed("INVALID_REQUEST", "INVALID_DATA", "The capture failed.")
        if entry.decision:
            words_of = {"ACCEPT": "ACCEPTED", "REVIEW": "PENDING_REVIEW", "REJECT": "REJECTED"}
            found["DECISION"] = {"status": words_of[entry.decision]}
            if entry.decision != "ACCEPT":
                found["DECISION"] |= {"reason": outcome.reason, "message": outcome.message}
        if asked.proof.is_validated:
            word = "SUCCESSFUL" if asked.proof.is_passed else "FAILED"
            found[VALIDATE] = {"status": f"AUTHENTICATION_{word}"}
        if "TOKEN_CREATE" in asked.actions and outcome.is_held:
            is_failed = outcome.word == "token_failed"
            message = "The token could not be created."
            failed = _failed("SERVER_ERROR", "SYSTEM_ERROR", message)
            found["TOKEN_CREATE"] = failed if is_failed else {"status": "SUCCESS"}
        return found

    def increment(self, call: Call) -> Response:
        """PATCH /pts/v2/payments/{id}: hold more."""
        desk = self.desk
        root = desk.book.get(call.target, call.merchant)
        if root is None:
            raise Problem("INVALID_PAYMENT_ID")
        amount, currency = money(call.body, call.merchant, "additionalAmount")
        desk.guard(call)
        if currency != root.currency:
            raise Problem("INVALID_DATA", "orderInformation.amountDetails.currency")
        if root.kind != "authorization" or not root.authorized_minor:
            raise Problem("MISSING_AUTH")
        if root.reversed_minor:
            raise Problem("AUTH_ALREADY_REVERSED")
        is_declined = call.outcome is not None and call.outcome.status == "DECLINED"
        entry = desk.new_entry(
            call, "increment", amount, currency, root.card, status="AUTHORIZED", root=root
        )
        entry.parent = root
        if is_declined and call.outcome:
            entry.status, entry.reason = "DECLINED", call.outcome.reason
        else:
            root.authorized_minor += amount
        desk.keep(call, entry, is_done=not is_declined)
        return answers.created(answers.increment(entry, root))

    def credit(self, call: Call) -> Response:
        """POST /pts/v2/credits: money to a card without a payment before."""
        desk = self.desk
        if not desk.settings.credits_allowed:
            raise Problem("ACCOUNT_NOT_ALLOWED_CREDIT")
        amount, currency = money(call.body, call.merchant)
        payer = payer_of(call.body, call.merchant, desk.vault)
        _check_card(payer.card, currency)
        desk.guard(call)
        if not amount:
            raise Problem("INVALID_AMOUNT", "orderInformation.amountDetails.totalAmount")
        outcome = call.outcome
        is_declined = outcome is not None and outcome.status == "DECLINED"
        entry = desk.new_entry(
            call,
            "credit",
            amount,
            currency,
            payer.card,
            status="DECLINED" if is_declined else "PENDING",
            reason=outcome.reason if outcome and is_declined else "",
            billed_minor=0 if is_declined else amount,
            tokens=dict(payer.tokens),
            bill_to=bill_to_of(call.body),
        )
        desk.keep(call, entry, is_done=not is_declined)
        desk.tell("credit", entry)
        return answers.created(answers.refund(entry, outcome))


def _check_card(card: Card, currency: str) -> None:
    if card.type not in PRICES[currency].interchange_bps:
        raise Problem("CARD_TYPE_NOT_ACCEPTED")


def _failed(status: str, reason: str, message: str) -> dict[str, str]:
    return {"status": status, "reason": reason, "message": message}
