"""Case actions: carry an analyst's decision to Decision Manager.

The call has no merchant transaction id, so our reference travels in the comments, and a look reads
the conversion details, where everybody's decisions are. A hold for address or CVN at an account
without Decision Manager has no case: nothing is sent. Source: Cybersource reference, 2.2 and 3.
"""

from collections.abc import Mapping

from include.adapters.cybersource.decisions import Conversions, window_since
from include.adapters.cybersource.partners.authorization import has_no_case
from include.adapters.cybersource.partners.common import (
    LOOK,
    Gateway,
    command_of,
    difference,
    refuse_invalid,
)
from include.adapters.cybersource.reporting import safe_id
from include.adapters.http.redact import redact
from include.domain.canonical import to_plain
from include.domain.errors import OutcomeUnknown, Retryable
from include.domain.payment_meanings import Meaning
from include.domain.payments import DecideReview, Reviewed
from include.domain.reviews import Decision
from include.services.effects.ports import Difference, Effect, Found, Receipt

_OPERATION = "decision"
_WORDS = {Decision.accept: "ACCEPT", Decision.reject: "REJECT"}
_ANSWERS = {Decision.accept: "ACCEPTED", Decision.reject: "REJECTED"}
_DECIDED = "INVALID_DATA"  # a case that is decided already, perhaps by the first copy of this call
_LONGEST_COMMENT = 255


class ReviewPartner:
    """``POST /risk/v1/decisions/{id}/actions``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._conversions = Conversions(gateway.client)

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return the last decision about the case, whoever made it; ours where there is no case."""
        it = command_of(DecideReview, effect)
        row = self._gateway.rows.detail(it.request_id)
        if row is None or row.at is None:
            raise Retryable(
                f"the gateway does not show {it.request_id}",
                "transaction search",
                "Ask again; a search is fed with delay.",
            )
        window = window_since(row.at, self._gateway.client.now())
        made = [
            one
            for one in self._conversions.within(it.organization_id, window)
            if one.request_id == it.request_id and one.is_final
        ]
        if not made and has_no_case(row):
            return (Found(it.request_id, _told(it.request_id, it.decision, it.analyst)),)
        last = max(made, key=lambda one: one.at, default=None)
        if last is None:
            return ()
        return (Found(it.request_id, _told(it.request_id, last.decision, last.reviewer)),)

    def send(self, effect: Effect) -> Receipt:
        """See ``Partner.send``."""
        it = command_of(DecideReview, effect)
        comments = f"{effect.reference} {it.analyst}: {it.comments}"[:_LONGEST_COMMENT]
        body: dict[str, object] = {
            "decisionInformation": {"decision": _WORDS[it.decision], "comments": comments}
        }
        path = f"/risk/v1/decisions/{safe_id(it.request_id)}/actions"
        answer = self._gateway.post(_OPERATION, path, body, effect)
        if answer.reason != _DECIDED:
            refuse_invalid(answer)
        if answer.meaning is not Meaning.approved or answer.status != _ANSWERS[it.decision]:
            said = redact(f"{answer.status} {answer.reason}", 80)
            raise OutcomeUnknown(f"{it.decision} was answered {said!r}", answer.where, LOOK)
        return Receipt(answer.request_id, _told(it.request_id, it.decision, it.analyst))

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """A case that somebody else decided the other way is a difference for a person."""
        it = command_of(DecideReview, effect)
        return difference("decision", it.decision.value, found.facts.get("decision"))


def _told(request_id: str, decision: Decision, reviewer: str) -> Mapping[str, object]:
    plain = to_plain(Reviewed(request_id, decision, reviewer))
    return plain if isinstance(plain, dict) else {}
