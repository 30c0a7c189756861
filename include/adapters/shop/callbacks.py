"""Our callbacks, signed by Standard Webhooks: ``webhook-id``, ``-timestamp``, ``-signature``.

The receiver drops what it knows by ``webhook-id``, which never changes over attempts; so an event
may be sent again whenever its outcome is unknown. Source: standard-webhooks specification 1.0.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from include.adapters.http.status import judge
from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Limits, Request, Transport
from include.adapters.shop.callback_address import AddressRules
from include.adapters.shop.settings import CallbackSettings
from include.domain.errors import Busy, Rejected, Retryable
from include.services.effects.ports import Difference, Effect, Found, Receipt
from include.services.effects.states import EXECUTED
from include.services.shop.commands import Callback, webhook_id

PREFIX = "whsec_"
_FEWEST, _MOST = 24, 64  # bytes of a secret
_GONE = 410
_ANY_REFUSAL = frozenset(range(400, 600))
Now = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def demand_secret(secret: str, where: str) -> bytes:
    """Return the key of a secret as the specification writes it.

    Raises:
        Rejected: no prefix, no base64, or a length that is none; the secret is not quoted.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not _FEWEST <= len(key) <= _MOST:
        raise Rejected(
            f"a signing secret is {PREFIX} and base64 of {_FEWEST} to {_MOST} bytes",
            where,
            "Make a new one and give it to the receiver, too.",
        )
    return key


def signed_headers(
    body: str, message_id: str, at: datetime, keys: Sequence[bytes]
) -> Mapping[str, str]:
    """Sign a body; several keys give several signatures, while a receiver changes over.

    Args:
        body: as it will be sent.
        message_id: the same at every attempt.
        at: of this attempt; aware.
        keys: the newest first.
    """
    if "." in message_id or at.tzinfo is None:
        raise ValueError("an id has no dot, and an instant has a zone")
    moment = at.astimezone(UTC)
    signatures = [Webhook(key).sign(message_id, moment, body) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def rules_of(settings: CallbackSettings) -> AddressRules:
    """Return what the connection permits."""
    return AddressRules(
        settings.port_numbers, settings.host_names, settings.allow_plain_http, settings.allow_local
    )


def transport_for(settings: CallbackSettings) -> HttpTransport:
    """Return the transport that judges every address it connects to."""
    rules = rules_of(settings)
    return HttpTransport(rules.allow_plain_http, settings.ca_bundle, rules.refuse_address)


class CallbackPartner:
    """Satisfies ``effects.ports.Partner`` for ``shop_callback``."""

    def __init__(
        self, settings: CallbackSettings, transport: Transport, now: Now = utc_now
    ) -> None:
        """Join the parts; nothing is called.

        Raises:
            Rejected: a secret or the address of the connection cannot be used.
        """
        self.settings = settings
        self._transport, self._now = transport, now
        self._keys = [demand_secret(secret, settings.where) for secret in settings.secrets]
        self._rules = rules_of(settings)
        self._demand_address(settings.base_url)

    def check(self) -> str:
        """Say what is known without sending: an event that nobody expects would be no test."""
        return f"Secret and address are in order; {self.settings.base_url} was not called."

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Nobody can be asked: the receiver's own yes is all that is ever known.

        An unknown outcome is therefore absent, and sent again under the same webhook-id.
        """
        if effect.state in EXECUTED:
            return (Found(effect.their_key),)
        return ()

    def send(self, effect: Effect) -> Receipt:
        """Post once. Any answer but a yes may be tried again: the receiver knows the id."""
        content = Callback.from_payload(effect.payload)
        url = content.url or self.settings.base_url
        self._demand_address(url)
        message_id = webhook_id(effect.reference)
        body = content.body
        request = Request(
            "POST",
            url,
            f"tell {content.shop_id} of {content.event}",
            effect.reference,
            {
                "Content-Type": "application/json",
                **signed_headers(body, message_id, self._now(), self._keys),
            },
            body.encode(),
            is_write=True,
            limits=self._limits,
            not_accepted=_ANY_REFUSAL,
        )
        response = self._transport.exchange(request)
        if response.status == _GONE:
            raise Rejected(
                f"{request.what} was answered 410: the receiver wants no more events",
                request.where,
                "Ask the shop's developers; replay this item once they take events again.",
            )
        if error := judge(response, request):
            wait = error.retry_after_s if isinstance(error, Busy) else None
            pause = f" after {wait:g} s" if wait is not None else ""
            do = f"It is sent again{pause} under the same webhook-id."
            if wait is not None:
                raise Busy(error.what, error.where, do, wait)
            raise Retryable(error.what, error.where, do)
        return Receipt(message_id, {"status": response.status})

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """There is nothing to compare: what the receiver did with it is its own matter."""
        return ()

    @property
    def _limits(self) -> Limits:
        found = self.settings.limits
        return Limits(found.connect_s, found.stall_s, found.deadline_s, max_memory_bytes=65536)

    def _demand_address(self, url: str) -> None:
        if reason := self._rules.refuse_url(url):
            do = "Correct the address, or permit its host and port in the connection."
            raise Rejected(f"a callback address was refused: {reason}", self.settings.where, do)
