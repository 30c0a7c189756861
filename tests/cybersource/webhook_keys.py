"""A ring for webhook keys, and how the tests of this folder have one made."""

import hashlib
from collections.abc import Mapping

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.webhooks.keys import KeyPartner, KeyRing, MakeKey
from include.domain.canonical import to_json
from include.services.effects.ports import Effect, EffectKind


class Ring:
    """Satisfies ``KeyRing``; forgets nothing."""

    def __init__(self, kept: Mapping[str, bytes] | None = None) -> None:
        self.kept: dict[str, bytes] = dict(kept or {})

    def keys(self) -> Mapping[str, bytes]:
        return self.kept

    def add(self, key_id: str, key: bytes) -> None:
        self.kept[key_id] = key


def key_effect(organization_id: str, number: int = 1) -> Effect:
    payload = to_json(MakeKey(organization_id))
    digest = hashlib.sha256(payload.encode()).hexdigest()
    key, reference = f"webhook_key|{organization_id}|{number}", f"TOKEY{number}"
    return Effect(
        *(EffectKind.webhook_key, key, reference, payload, digest, organization_id),
        currency="",
        amount_minor=0,
        owner="integration",
    )


def make_key(client: Client, organization_id: str, ring: KeyRing) -> str:
    """Have a key made without the engine around; return its id."""
    return KeyPartner(client, ring).send(key_effect(organization_id)).their_key
