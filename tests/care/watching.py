"""Alerts over the store of the desk, and the post that they go to."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from include.adapters.store.alerts import SqlAlertBook, SqlSightings
from include.adapters.store.api_alerts import SqlAlarms
from include.domain.alerts import AlertKind, AlertRule, Channel, Recipient
from include.domain.errors import Retryable
from include.services.alerts.raise_alerts import RaiseAlerts, Told
from tests.care.conftest import Care

KEY_LIFE = timedelta(days=365)
MAIL = Recipient(Channel.mail, "ops@acme.example")
CHAT = Recipient(Channel.chat, "chat_operations")


@dataclass
class Post:
    """Where alerts go; a channel in ``broken`` takes nothing."""

    sent: list[tuple[Channel, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    broken: set[Channel] = field(default_factory=set)
    missing: set[Channel] = field(default_factory=set)

    def send(self, to: Recipient, subject: str, text: str) -> bool:
        if to.channel in self.broken:
            raise Retryable("the mail server did not take it", "smtp", "Wait.")
        if to.channel in self.missing:
            return False
        self.sent.append((to.channel, subject))
        self.texts.append(text)
        return True

    def subjects(self) -> list[str]:
        return [subject for channel, subject in self.sent if channel is Channel.mail]


def rule(kind: AlertKind, **changes: object) -> AlertRule:
    made = AlertRule(
        kind=kind,
        threshold=1,
        window=timedelta(minutes=10),
        recipients=(MAIL, CHAT),
        repeat_after=timedelta(hours=1),
        quiet=None,
        is_urgent=False,
        owner="ops",
        where="alerts.yaml:1",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@dataclass
class Watch:
    """Alerts over the store of the desk."""

    care: Care
    post: Post

    def run(self, *rules: AlertRule) -> Told:
        store = self.care.store

        def now(_connection: object) -> object:
            return self.care.kit.clock.now()

        book = SqlAlertBook(store, now)  # type: ignore[arg-type]
        sightings = SqlSightings(
            store, lambda _merchant: self.care.kit.rules, lambda _merchant: "A", KEY_LIFE
        )
        return RaiseAlerts(rules, sightings, book, self.post.send).run()

    def alarms(self) -> SqlAlarms:
        return SqlAlarms(self.care.store, lambda _c: self.care.kit.clock.now())


@pytest.fixture
def watch(care: Care) -> Watch:
    return Watch(care, Post())
