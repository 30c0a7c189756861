"""Captures: take (part of) what an authorization holds."""

from include.adapters.cybersource.partners.follow_on import FollowOn, path_of
from include.domain.payments import Capture


class CapturePartner(FollowOn[Capture]):
    """``POST /pts/v2/payments/{id}/captures``; PENDING means queued, not settled."""

    operation = "capture"
    application = "ics_bill"
    kind = Capture

    def parent(self, it: Capture) -> str:
        return it.authorization_id

    def path(self, it: Capture) -> str:
        return path_of("payments", it.authorization_id, "captures")

    def body(self, it: Capture, reference: str) -> dict[str, object]:
        body = super().body(it, reference)
        if it.number > 1 and it.is_final:
            # The gateway wants both numbers; how many there will be is known at the last only.
            counts = {"captureSequenceNumber": it.number, "totalCaptureCount": it.number}
            body["processingInformation"] = {"captureOptions": counts}
        return body
