"""A signing key for webhooks, made through the effects engine; the key itself passes it by.

No call lists keys, so nobody can look whether one was made: what an effect can know is whether
*we* hold it. The answer is a secret; it goes straight into the key ring, and the effect keeps the
key's id alone. A new key replaces the old one at once, so after a lost answer deliveries are
signed with a key nobody has: they are refused, the poller brings what they told, and one more
rotation mends it. Source: Cybersource reference 5.1; reliability reference F6 and F8.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from include.adapters.cybersource.answers import error_words, text_of
from include.adapters.cybersource.client import Client, demand_organization
from include.adapters.cybersource.partners.common import command_of
from include.adapters.cybersource.timings import ROTATE_AGAIN, WEBHOOK_KEY_LIFE
from include.adapters.http.status import judge
from include.adapters.http.strict_json import NotStrictJsonError, parse
from include.adapters.http.wire import Request, Response
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.services.effects.ports import Difference, Effect, Found, Receipt

_KEYS = "/kms/egress/v2/keys-sym"
_PERMISSIONS = "100"  # an older guide demands both headers, and the vendor's plug-in sends them


class KeyRing(Protocol):
    """Where webhook keys live; old ones stay until they are taken out on purpose."""

    def keys(self) -> Mapping[str, bytes]:
        """Return all keys alive, decoded, by id."""
        ...

    def add(self, key_id: str, key: bytes) -> None:
        """Keep one more key."""
        ...


@dataclass(frozen=True, slots=True)
class MakeKey:
    """One more signing key for this organization."""

    organization_id: str


class KeyPartner:
    """Satisfies ``Partner`` for ``webhook_key``; without a ring it makes none."""

    def __init__(self, client: Client, ring: KeyRing | None = None) -> None:
        self._client = client
        self._ring = ring

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Found means: the answer came and we hold the key. Theirs cannot be asked for."""
        return (Found(effect.their_key),) if effect.their_key else ()

    def send(self, effect: Effect) -> Receipt:
        """Make a key and keep it beside the old ones.

        The gateway signs with it from now on; what is under way is still signed with the old
        one, and its retries may be.

        Raises:
            Rejected: nothing was made. A person waits for this call, so there is no later.
            OutcomeUnknown: no clear answer, or the key came and could not be kept.
        """
        if self._ring is None:
            raise Rejected(
                "a key is made only where somebody takes it", "webhook key", "Rotate by hand."
            )
        request = self._request(effect)
        try:
            response = self._client.send(request)
            if error := judge(response, request, error_words(response)):
                raise error
        except Retryable as fault:
            raise Rejected(fault.what, fault.where, f"No key was made. {fault.do}") from None
        except OutcomeUnknown as fault:
            raise OutcomeUnknown(fault.what, fault.where, ROTATE_AGAIN) from None
        key_id, key = _key_of(response, request)
        self._keep(key_id, key, request)
        return Receipt(key_id, {"key_id": key_id})

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """There is nothing to compare: an id is all that may be kept."""
        return ()

    def _request(self, effect: Effect) -> Request:
        organization_id = command_of(MakeKey, effect).organization_id
        body = {
            "clientRequestAction": "CREATE",
            "keyInformation": {
                "provider": "nrtd",
                "tenant": demand_organization(organization_id, "webhook key"),
                "keyType": "sharedSecret",
                "organizationId": organization_id,
                "expiryDuration": str(WEBHOOK_KEY_LIFE.days),
            },
        }
        request = self._client.write("POST", _KEYS, "make a webhook key", effect.reference, body)
        sender = {"v-c-sender-organization-id": organization_id, "v-c-permissions": _PERMISSIONS}
        return replace(request, headers={**request.headers, **sender})

    def _keep(self, key_id: str, key: bytes, request: Request) -> None:
        if self._ring is None:
            raise ValueError("a key was made and there is no ring")
        try:
            self._ring.add(key_id, key)
        except OSError as fault:  # its text names the place and never what was to be written
            what = f"key {key_id} was made and could not be kept: {fault.strerror}"
            raise OutcomeUnknown(what, request.where, ROTATE_AGAIN) from None


def _key_of(response: Response, request: Request) -> tuple[str, bytes]:
    try:
        found = parse(response.body)
        key_id = text_of(found, "keyInformation", "keyId") or ""
        key = base64.b64decode(text_of(found, "keyInformation", "key") or "", validate=True)
    except (NotStrictJsonError, binascii.Error, ValueError):
        key_id, key = "", b""
    if not key_id or not key:
        raise OutcomeUnknown("the answer holds no key", request.where, ROTATE_AGAIN)
    return key_id, key
