"""A webhook of the shop that calls us, as it shall be; a repeat finds it so."""

from include.adapters.shop.calls import looking
from include.adapters.shop.partners.common import content_of, difference, unknown
from include.adapters.shop.woo_webhooks import WooWebhook, WooWebhooks
from include.services.effects.ports import Difference, Effect, Found, Receipt
from include.services.shop.commands import WebhookWish


class WebhookPartner:
    """Satisfies ``effects.ports.Partner`` for ``shop_webhook``."""

    def __init__(self, webhooks: WooWebhooks) -> None:
        self._webhooks = webhooks

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return those of the topic that are as wished; two of them would call us twice."""
        wish = content_of(WebhookWish, effect, self._webhooks)
        with looking():
            found = self._of_topic(wish)
        return tuple(
            Found(one.webhook_id, {"url": one.url, "status": one.status})
            for one in found
            if one.is_as_wished(wish)
        )

    def send(self, effect: Effect) -> Receipt:
        """Mend the first that has our name, else make one; see the port for the errors."""
        wish = content_of(WebhookWish, effect, self._webhooks)
        known = next(iter(self._of_topic(wish)), None)
        number = known.webhook_id if known else ""
        saved = self._webhooks.save(wish, number, effect.reference)
        if not saved.webhook_id or not saved.is_as_wished(wish):
            raise unknown(f"the shop answered with another webhook: {saved}", self._webhooks)
        return Receipt(saved.webhook_id, {"url": saved.url, "status": saved.status})

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """A look returns only what is as wished; the address is compared once more."""
        wish = content_of(WebhookWish, effect, self._webhooks)
        return difference("address", wish.url, found.facts["url"])

    def _of_topic(self, wish: WebhookWish) -> list[WooWebhook]:
        return [one for one in self._webhooks.ours() if one.topic == wish.topic]
