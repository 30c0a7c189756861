"""Token deletion: forget a shopper's stored payment. What is gone already is deleted."""

from include.adapters.cybersource.answers import error_words
from include.adapters.cybersource.client import JSON_TYPE
from include.adapters.cybersource.partners.common import Gateway, command_of
from include.adapters.cybersource.reporting import safe_id
from include.adapters.http.status import judge
from include.domain.canonical import to_plain
from include.domain.errors import Rejected, Retryable
from include.domain.payments import DeleteToken, Moved
from include.services.effects.ports import Difference, Effect, Found, Receipt

_GONE = (404, 410)
_IN_USE = (400, 409)  # e.g. the default instrument of a customer


class TokenDeletionPartner:
    """``DELETE /tms/v2/customers/{id}``, or one payment instrument below it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Found means: it is gone. A token that is still there is the absence of its deletion."""
        client, it = self._gateway.client, command_of(DeleteToken, effect)
        request = client.request(_path(it), {}, "read a token", effect.reference, JSON_TYPE)
        response = client.send(request)
        if response.status in _GONE:
            return (Found(_token(effect), _evidence(_token(effect))),)
        if response.is_success:
            return ()
        error = judge(response, request, error_words(response))
        raise Retryable(
            error.what if error else "no answer", request.where, "Ask again, or check the account."
        )

    def send(self, effect: Effect) -> Receipt:
        """See ``Partner.send``."""
        gateway, token = self._gateway, _token(effect)
        path = _path(command_of(DeleteToken, effect))
        request = gateway.client.write("DELETE", path, "delete a token", effect.reference)
        response = gateway.client.send(request)
        if response.is_success or response.status in _GONE:
            return Receipt(token, _evidence(token))
        gateway.refuse_key(response, request)
        error = judge(response, request, error_words(response))
        if response.status in _IN_USE:
            raise Rejected(
                f"the token cannot be deleted: {error.what if error else response.status}",
                request.where,
                "Make another instrument the customer's default, or delete the customer.",
            )
        raise error or ValueError(f"status {response.status} is neither good nor bad")

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Gone is gone."""
        return (
            ()
            if found.their_key == _token(effect)
            else (Difference("token", _token(effect), found.their_key),)
        )


def _token(effect: Effect) -> str:
    it = command_of(DeleteToken, effect)
    return it.instrument_token or it.customer_token


def _path(it: DeleteToken) -> str:
    customer = f"/tms/v2/customers/{safe_id(it.customer_token)}"
    if not it.instrument_token:
        return customer
    return f"{customer}/payment-instruments/{safe_id(it.instrument_token)}"


def _evidence(token: str) -> dict[str, object]:
    plain = to_plain(Moved(token, "DELETED"))
    return plain if isinstance(plain, dict) else {}
