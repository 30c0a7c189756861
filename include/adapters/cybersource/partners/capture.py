"""Captures: take (part of) what an authorization holds.

Several are allowed where the account is enabled for multiple partial captures, together no more
than was authorised. Source: developer.cybersource.com, payments guides (REST), "Multiple Partial
Captures", read 2026-11-27.
"""

from include.adapters.cybersource.partners.follow_on import FollowOn, path_of
from include.domain.orders import OrderLine
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

    def lines(self, it: Capture) -> tuple[OrderLine, ...]:
        return it.lines

    def processing(self, it: Capture) -> dict[str, object]:
        if it.sequence == 1 and it.is_final:
            return super().processing(it)
        # Without both numbers, or with equal ones, it is the last of its authorization, and
        # the rest is given back. Until the last the count is named as one more, says the guide.
        count = it.sequence if it.is_final else it.sequence + 1
        counts = {"captureSequenceNumber": it.sequence, "totalCaptureCount": count}
        return super().processing(it) | {"captureOptions": counts}
