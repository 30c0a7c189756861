"""3-D Secure: challenges that a card's bank has put to its holder, and proofs within a payment.

The checkout sets a challenge and its holder answers it without us; ``POST /control/challenge`` says
how it ended. A payment proves who pays by that challenge's id, which ``actionList`` has validated,
or by what an enrolment answered: an indicator that says so, and the bank's own value beside it.
"""

import threading
import uuid
from dataclasses import dataclass
from typing import Any

from include.sandbox.cybersource.payments.outcomes import Outcome
from include.sandbox.cybersource.payments.reading import Problem, text

VALIDATE = "VALIDATE_CONSUMER_AUTHENTICATION"
_PROOF = "consumerAuthenticationInformation"
_ID = f"{_PROOF}.authenticationTransactionId"
_PROVED = {"Visa": "vbv", "MasterCard": "spa", "American Express": "aesk", "JCB": "js"}
_OTHERS = "dipb"
_ASKED_FOR = ("pending_authentication", "sca_required")  # outcomes that a proof spares
FAILED = Outcome(
    "authentication_failed",
    "DECLINED",
    "CONSUMER_AUTHENTICATION_FAILED",
    "476",
    "Encountered a Payer Authentication problem. Payer could not be authenticated.",
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a payment brings along of its holder."""

    is_validated: bool = False  # by this very request
    is_passed: bool = False
    indicator: str = ""

    def judged(self, outcome: Outcome) -> Outcome | None:
        """Return what comes of a payment in place of ``outcome``; ``None``: approved."""
        if outcome.status == "SERVER_ERROR":
            return outcome
        if self.is_validated and not self.is_passed:
            return FAILED
        return None if self.is_passed and outcome.word in _ASKED_FOR else outcome


class Challenges:
    """Which challenges were passed; thread-safe."""

    def __init__(self) -> None:
        self._passed: dict[str, bool] = {}
        self._lock = threading.Lock()

    def add(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Let a holder answer a challenge: ``passes``, true unless said otherwise."""
        made = uuid.uuid4().hex[:20]
        with self._lock:
            self._passed[made] = bool(facts.get("passes", True))
        return {"authenticationTransactionId": made}

    def proof_of(self, body: dict[str, Any], actions: list[str], card_type: str) -> Proof:
        """Return what a payment proves.

        Raises:
            Problem: a validation without the challenge's id, or of one that nobody knows.
        """
        named = text(body, _ID, 36)
        if VALIDATE not in actions:
            is_claimed = any(
                text(body, f"{_PROOF}.{name}", 40) for name in ("cavv", "ucafAuthenticationData")
            )
            indicator = text(body, "processingInformation.commerceIndicator", 20)
            return Proof(False, is_claimed and indicator == _indicator(card_type), "")
        if not named:
            raise Problem("MISSING_FIELD", _ID)
        with self._lock:
            passed = self._passed.get(named)
        if passed is None:
            raise Problem("INVALID_DATA", _ID)
        return Proof(True, passed, _indicator(card_type) if passed else "")

    def reset(self) -> None:
        with self._lock:
            self._passed.clear()


def shown(proof: Proof) -> dict[str, str]:
    """Return ``consumerAuthenticationInformation`` of an answer to a validated payment."""
    if not proof.is_passed:
        return {"authenticationResult": "9", "paresStatus": "N"}  # and no indicator
    return {
        "indicator": proof.indicator,
        "eciRaw": "02" if proof.indicator == "spa" else "05",
        "authenticationResult": "0",
        "paresStatus": "Y",
        "specificationVersion": "2.2.0",
    }


def _indicator(card_type: str) -> str:
    return _PROVED.get(card_type, _OTHERS)
