"""What the issuer and Decision Manager say, chosen by what the caller sends.

The vendor's test environment chooses by the amount; here a word does it, so that amounts stay
free. The word stands in the transient token's ``jti`` (``tt-insufficient_fund-1``), or as a tag in
``orderInformation.billTo.email`` (``ann+review@example.com``), which reaches the gateway through
any shop; ``POST /control/outcome`` forces it for the next calls of a verb. The longest word found
wins. Without any word a payment is approved.

======================= ========================== ================================ ====
word                    status                     reason                           code
======================= ========================== ================================ ====
declined                DECLINED                   PROCESSOR_DECLINED               203
insufficient_fund       DECLINED                   INSUFFICIENT_FUND                204
expired_card            DECLINED                   EXPIRED_CARD                     202
stolen_lost_card        DECLINED                   STOLEN_LOST_CARD                 205
issuer_unavailable      DECLINED                   ISSUER_UNAVAILABLE               207
unauthorized_card       DECLINED                   UNAUTHORIZED_CARD                208
cvn_not_match           DECLINED                   CVN_NOT_MATCH                    209
exceeds_credit_limit    DECLINED                   EXCEEDS_CREDIT_LIMIT             210
invalid_account         DECLINED                   INVALID_ACCOUNT                  231
general_decline         DECLINED                   GENERAL_DECLINE                  233
contact_processor       DECLINED                   CONTACT_PROCESSOR                201
processor_error         DECLINED                   PROCESSOR_ERROR                  236
partial                 PARTIAL_AUTHORIZED         (half is approved)               110
avs_failed              AUTHORIZED_PENDING_REVIEW  AVS_FAILED                       200
cv_failed               AUTHORIZED_PENDING_REVIEW  CV_FAILED                        230
review                  AUTHORIZED_PENDING_REVIEW  DECISION_PROFILE_REVIEW          480
review_before           PENDING_REVIEW             DECISION_PROFILE_REVIEW          480
risk_declined           AUTHORIZED_RISK_DECLINED   DECISION_PROFILE_REJECT          481
risk_declined_before    DECLINED                   DECISION_PROFILE_REJECT          481
pending_authentication  PENDING_AUTHENTICATION     CONSUMER_AUTHENTICATION_REQUIRED 475
sca_required            201 (a recorded status)    CUSTOMER_AUTHENTICATION_REQUIRED 478
token_failed            AUTHORIZED                 (TOKEN_CREATE: SERVER_ERROR)     100
capture_failed          AUTHORIZED                 (CAPTURE: INVALID_REQUEST)       100
timeout                 502 SERVER_ERROR           SERVER_TIMEOUT, not executed
timeout_commit          502 SERVER_ERROR           SERVER_TIMEOUT, executed
system_error            502 SERVER_ERROR           SYSTEM_ERROR, not executed
======================= ========================== ================================ ====

``_before`` means that Decision Manager spoke before the issuer was asked: nothing is held. With
``DECISION_SKIP`` (or the setting ``decision_manager`` off) the four words of Decision Manager have
no effect. ``declined`` also declines a refund or credit, and with ``timeout``, ``timeout_commit``
and ``system_error`` works on every verb when forced.
"""

import threading
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the table above."""

    word: str
    status: str
    reason: str = ""
    code: str = "100"
    message: str = "Successful transaction."
    decision: str = "ACCEPT"

    @property
    def is_held(self) -> bool:
        """Say whether the issuer holds money."""
        return self.status in _HELD

    @property
    def is_unexecuted(self) -> bool:
        """Say whether the answer is a 502 and nothing is done."""
        return self.word in ("timeout", "system_error")

    @property
    def may_capture(self) -> bool:
        """Say whether the capture of a sale is done as well."""
        return self.status in ("AUTHORIZED", "PARTIAL_AUTHORIZED") and self.word != "capture_failed"


_HELD = (
    "AUTHORIZED",
    "PARTIAL_AUTHORIZED",
    "AUTHORIZED_PENDING_REVIEW",
    "AUTHORIZED_RISK_DECLINED",
)
APPROVED = Outcome("", "AUTHORIZED")
_DECLINES = {
    "declined": ("PROCESSOR_DECLINED", "203", "The request was declined by the processor."),
    "insufficient_fund": ("INSUFFICIENT_FUND", "204", "Insufficient funds in the account."),
    "expired_card": ("EXPIRED_CARD", "202", "The card is expired."),
    "stolen_lost_card": ("STOLEN_LOST_CARD", "205", "The card was reported stolen or lost."),
    "issuer_unavailable": ("ISSUER_UNAVAILABLE", "207", "The issuing bank cannot be reached."),
    "unauthorized_card": ("UNAUTHORIZED_CARD", "208", "The card is inactive."),
    "cvn_not_match": ("CVN_NOT_MATCH", "209", "The card verification number is wrong."),
    "exceeds_credit_limit": ("EXCEEDS_CREDIT_LIMIT", "210", "The credit limit is reached."),
    "invalid_account": ("INVALID_ACCOUNT", "231", "The account number is invalid."),
    "general_decline": ("GENERAL_DECLINE", "233", "The processor declined the card."),
    "contact_processor": ("CONTACT_PROCESSOR", "201", "The issuer has questions: call it."),
    "processor_error": ("PROCESSOR_ERROR", "236", "The processor failed."),
}
_MARKED = "The order is marked for review by Decision Manager"
_REJECTED = "The order has been rejected by Decision Manager"
_REVIEW, _REJECT = "DECISION_PROFILE_REVIEW", "DECISION_PROFILE_REJECT"
_ENROLLED = (
    "The cardholder is enrolled in Payer Authentication. "
    "Please authenticate the cardholder before continuing with the transaction."
)
_TIMED_OUT = "The request was received, but a server time-out occurred."
_IN_REVIEW = "AUTHORIZED_PENDING_REVIEW"
_OTHERS = (
    Outcome("partial", "PARTIAL_AUTHORIZED", "", "110", "Only a part was approved."),
    Outcome("avs_failed", _IN_REVIEW, "AVS_FAILED", "200", "The address check failed.", "REVIEW"),
    Outcome("cv_failed", _IN_REVIEW, "CV_FAILED", "230", "The CVN check failed.", "REVIEW"),
    Outcome("review", _IN_REVIEW, _REVIEW, "480", _MARKED, "REVIEW"),
    Outcome("review_before", "PENDING_REVIEW", _REVIEW, "480", _MARKED, "REVIEW"),
    Outcome("risk_declined", "AUTHORIZED_RISK_DECLINED", _REJECT, "481", _REJECTED, "REJECT"),
    Outcome("risk_declined_before", "DECLINED", _REJECT, "481", _REJECTED, "REJECT"),
    Outcome(
        "pending_authentication",
        "PENDING_AUTHENTICATION",
        "CONSUMER_AUTHENTICATION_REQUIRED",
        "475",
        _ENROLLED,
    ),
    Outcome(
        "sca_required",
        "201",
        "CUSTOMER_AUTHENTICATION_REQUIRED",
        "478",
        "Decline - Strong Customer Authentication required.",
    ),
    Outcome("token_failed", "AUTHORIZED"),
    Outcome("capture_failed", "AUTHORIZED"),
    Outcome("timeout", "SERVER_ERROR", "SERVER_TIMEOUT", "151", _TIMED_OUT),
    Outcome("timeout_commit", "SERVER_ERROR", "SERVER_TIMEOUT", "151", _TIMED_OUT),
    Outcome("system_error", "SERVER_ERROR", "SYSTEM_ERROR", "150", "General system failure."),
)
OUTCOMES = {
    outcome.word: outcome
    for outcome in (*(Outcome(w, "DECLINED", *told) for w, told in _DECLINES.items()), *_OTHERS)
}
_LONGEST_FIRST = sorted(OUTCOMES, key=len, reverse=True)
_OF_DECISION_MANAGER = ("review", "review_before", "risk_declined", "risk_declined_before")
VERBS = tuple("authorization increment capture refund credit reversal void decision".split())


def chosen(jti: str, email: str, *, is_looked_at: bool) -> Outcome:
    """Return the outcome that a payment's token or buyer asks for."""
    local = email.partition("@")[0]
    texts = (jti.casefold(), local.partition("+")[2].casefold())
    for word in _LONGEST_FIRST:
        if any(word in text for text in texts):
            is_moot = word in _OF_DECISION_MANAGER and not is_looked_at
            return APPROVED if is_moot else OUTCOMES[word]
    return APPROVED


@dataclass(slots=True)
class _Forced:
    outcome: Outcome
    verb: str
    code: str
    times: int


class Forcing:
    """Outcomes ordered by the control server for coming calls; thread-safe."""

    def __init__(self) -> None:
        self._rules: list[_Forced] = []
        self._lock = threading.Lock()

    def add(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Order an outcome: ``outcome``, ``verb``, and optionally ``code`` and ``times``."""
        word, verb = str(facts["outcome"]), str(facts.get("verb", "authorization"))
        if word not in OUTCOMES or verb not in VERBS:
            raise ValueError(f"no outcome {word!r} of {verb!r}; outcomes: {', '.join(OUTCOMES)}")
        rule = _Forced(OUTCOMES[word], verb, str(facts.get("code", "")), int(facts.get("times", 1)))
        with self._lock:
            self._rules.append(rule)
        return {"outcome": word, "verb": verb, "code": rule.code, "times": rule.times}

    def take(self, verb: str, code: str) -> Outcome | None:
        """Return the outcome ordered for this call, and count it."""
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules:
                if rule.verb == verb and rule.code in ("", code):
                    rule.times -= 1
                    if rule.times <= 0:
                        self._rules.remove(rule)
                    return rule.outcome
        return None

    def reset(self) -> None:
        with self._lock:
            self._rules.clear()
