"""Payments of one account, read side; satisfies ``services.orders.ports.GatewayReader``."""

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.partners.authorization import authorized_of, meaning_of
from include.adapters.cybersource.reasons import BuiltInReasons, ReasonTable
from include.adapters.cybersource.rows import Rows
from include.domain.errors import Rejected, Retryable
from include.domain.payments import Authorized


class Payments:
    """What the gateway knows of a payment."""

    def __init__(self, client: Client, reasons: ReasonTable | None = None) -> None:
        self._rows = Rows(client, reasons or BuiltInReasons())

    def authorization(self, request_id: str) -> Authorized | None:
        """Return an authorization, whoever made it; ``None``: not shown (yet).

        Raises:
            Retryable: could not ask, or the answer does not tell. A wrong key is no fault of the
                order that waits: it goes on by itself once the key is right.
        """
        try:
            row = self._rows.detail(request_id)
        except Rejected as fault:
            raise Retryable(fault.what, fault.where, fault.do) from None
        return None if row is None else authorized_of(row, meaning_of(self._rows, row))
