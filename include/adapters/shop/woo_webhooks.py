"""WooCommerce's webhooks that call us: what is there, and how one is made or mended.

WooCommerce disables a webhook after five deliveries in a row that nobody took, and never enables it
again by itself. A person may pause one; that is respected. The secret can be written and never
read, so a mark of it stands in the webhook's name and shows when it was changed.
Source: WooCommerce REST documentation v3, "Webhooks", read 2026-11-26.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from include.adapters.shop.calls import text_at, written
from include.adapters.shop.settings import ShopSettings
from include.domain.errors import Rejected
from include.services.shop.commands import WebhookWish
from include.services.shop.ports import Raw

TOPICS = ("order.created", "order.updated", "order.deleted")
_STANDING = frozenset({"active", "paused"})


class Write(Protocol):
    """One write of the shop's API; see ``Calls.write``."""

    def __call__(
        self, method: str, path: str, body: dict[str, Any], what: str, reference: str, /
    ) -> Raw: ...


@dataclass(frozen=True, slots=True)
class WooWebhook:
    """One webhook as the shop shows it."""

    webhook_id: str
    name: str
    topic: str
    status: str  # active, paused or disabled
    url: str
    modified_at: str  # the shop's words; any change moves it

    def is_as_wished(self, wish: WebhookWish) -> bool:
        """Say whether it calls us as wished, or would if nobody had paused it."""
        return (self.name, self.url) == (wish.name, wish.url) and self.status in _STANDING


class WooWebhooks:
    """Ours at one site: those whose name begins with ours, one for each topic."""

    def __init__(
        self, settings: ShopSettings, pages: Callable[[str, str], Iterator[Raw]], write: Write
    ) -> None:
        self._settings = settings
        self._pages = pages
        self._write = write

    @property
    def settings(self) -> ShopSettings:
        return self._settings

    def wishes(self) -> tuple[WebhookWish, ...]:
        """Return what the connection asks for: a webhook for each topic, or none at all."""
        shop_id, url = self._settings.shop_id, self._settings.webhook_url
        return tuple(WebhookWish(shop_id, topic, url, self._name(topic)) for topic in TOPICS if url)

    def ours(self) -> Sequence[WooWebhook]:
        """Read the webhooks that we have made, oldest first.

        Raises:
            Retryable, Rejected: they cannot be read, e.g. for want of the permission.
        """
        begins = tuple(f"{_begin(topic)} " for topic in TOPICS)
        rows = self._pages("/webhooks", "list webhooks")
        return [_read(row) for row in rows if text_at(row, "name").startswith(begins)]

    def save(self, wish: WebhookWish, webhook_id: str, reference: str) -> WooWebhook:
        """Make one, or have the one of this id be as wished; it is active afterwards.

        Raises:
            Rejected: refused; or the secret is no longer the one that the wish was made with.
            OutcomeUnknown: it may have happened.
        """
        if wish.name != self._name(wish.topic):
            raise Rejected(
                "the webhook secret of the connection was changed since this was asked for",
                self._settings.where,
                "Nothing: the next poll asks for the new one. Resolve this.",
            )
        body = {
            "name": wish.name,
            "topic": wish.topic,
            "delivery_url": wish.url,
            "secret": self._settings.webhook_secret,
            "status": "active",
        }
        method, path = ("PUT", f"/webhooks/{webhook_id}") if webhook_id else ("POST", "/webhooks")
        what = "mend a webhook" if webhook_id else "make a webhook"
        row = self._write(method, path, body, what, reference)
        return written(lambda: _read(row), what, self._settings.where)

    def _name(self, topic: str) -> str:
        """Eight signs tell two secrets apart, and help nobody to guess one that is a secret."""
        secret = self._settings.webhook_secret.encode()
        return f"{_begin(topic)} {hashlib.sha256(b'tieout webhook ' + secret).hexdigest()[:8]}"


def _begin(topic: str) -> str:
    return f"Tieout {topic}"


def _read(row: Raw) -> WooWebhook:
    return WooWebhook(
        text_at(row, "id"),
        text_at(row, "name"),
        text_at(row, "topic"),
        text_at(row, "status"),
        text_at(row, "delivery_url"),
        text_at(row, "date_modified_gmt"),
    )
