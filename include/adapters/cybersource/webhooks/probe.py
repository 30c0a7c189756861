"""A test notification, asked for through the effects engine so that it is on record.

Nothing lists what was asked for, and a second one harms nobody: an answer that was lost is asked
for again. Source: Cybersource reference 5.1 (the call is of version 1).
"""

from dataclasses import dataclass

from include.adapters.cybersource.answers import error_words
from include.adapters.cybersource.client import Client
from include.adapters.cybersource.partners.common import command_of
from include.adapters.cybersource.reporting import safe_id
from include.adapters.http.status import judge
from include.services.effects.ports import Difference, Effect, Found, Receipt


@dataclass(frozen=True, slots=True)
class AskTest:
    """Let this subscription deliver a test notification."""

    organization_id: str
    webhook_id: str


class TestCallPartner:
    """Satisfies ``Partner`` for ``webhook_test``."""

    __test__ = False  # a partner, whatever pytest makes of its name

    def __init__(self, client: Client) -> None:
        self._client = client

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Found means: the gateway took the call. Theirs cannot be asked for."""
        return (Found(effect.their_key),) if effect.their_key else ()

    def send(self, effect: Effect) -> Receipt:
        it = command_of(AskTest, effect)
        path = f"/notification-subscriptions/v1/webhooks/{safe_id(it.webhook_id)}"  # v1 indeed
        request = self._client.write("POST", path, "test a webhook", effect.reference, {})
        response = self._client.send(request)
        if error := judge(response, request, error_words(response)):
            raise error
        return Receipt(it.webhook_id)

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """There is nothing to compare: the notification goes to the receiver."""
        return ()
