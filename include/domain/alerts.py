"""When somebody is told, whom, and when not: alert rules as data."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class AlertKind(StrEnum):
    """What is watched."""

    erp_unreachable = "erp_unreachable"  # failed calls
    gateway_timeouts = "gateway_timeouts"  # calls without answer
    effects_late = "effects_late"  # due for longer than the window: the janitor is late
    reviews_ageing = "reviews_ageing"  # authorisations under review near their end
    dead_letters = "dead_letters"  # items set aside
    authorizations_expiring = "authorizations_expiring"
    orders_stuck = "orders_stuck"
    refunds_waiting = "refunds_waiting"  # for a second person
    card_number_refused = "card_number_refused"
    webhook_signature_failures = "webhook_signature_failures"
    webhook_keys_ending = "webhook_keys_ending"  # the newest that we made ends within the window
    api_key_failures = "api_key_failures"  # calls without a key that holds
    sources_missing = "sources_missing"  # awaited for longer than the window
    dags_failing = "dags_failing"  # runs of a DAG in a row
    audit_head = "audit_head"  # no fault: how far the audit chain goes, for who keeps it elsewhere


# They count what is there now, or what falls due by the merchant's order rules.
WITHOUT_WINDOW = frozenset({
    AlertKind.reviews_ageing, AlertKind.dead_letters, AlertKind.authorizations_expiring,
    AlertKind.orders_stuck, AlertKind.refunds_waiting, AlertKind.audit_head,
})  # fmt: skip
_GROWN = 2  # times what people know of is news


class Channel(StrEnum):
    mail = "mail"
    chat = "chat"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One place an alert goes to."""

    channel: Channel
    to: str  # a mail address, or the connection id of a chat


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local hours in which only urgent alerts go out; may pass midnight."""

    begin: time
    end: time
    zone: str

    def hold(self, now: datetime) -> bool:
        """Say whether ``now`` (aware) is in the quiet hours."""
        local = now.astimezone(ZoneInfo(self.zone)).time().replace(tzinfo=None)
        if self.begin <= self.end:
            return self.begin <= local < self.end
        return local >= self.begin or local < self.end


@dataclass(frozen=True, slots=True)
class AlertRule:
    """Alert when at least ``threshold`` of a kind are seen within ``window``.

    The window of a kind in ``WITHOUT_WINDOW`` is zero.
    """

    kind: AlertKind
    threshold: int
    window: timedelta
    recipients: tuple[Recipient, ...]
    repeat_after: timedelta  # the same cause is told again after this, while it lasts
    quiet: QuietHours | None
    is_urgent: bool  # goes out in quiet hours as well
    owner: str
    where: str  # "alerts.yaml:6"

    def is_due(
        self, count: int, now: datetime, last_told_at: datetime | None, last_count: int = 0
    ) -> bool:
        """Say whether an alert goes out now.

        Args:
            count: of the cause.
            now: aware.
            last_told_at: when people were told of the same cause; ``None``: never.
            last_count: what they were told then; twice as many are told before their time.
        """
        if count < self.threshold:
            return False
        if self.quiet is not None and not self.is_urgent and self.quiet.hold(now):
            return False
        is_grown = 0 < _GROWN * last_count <= count
        return last_told_at is None or is_grown or now - last_told_at >= self.repeat_after
