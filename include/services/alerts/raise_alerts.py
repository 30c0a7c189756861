"""Hold every alert rule against what is seen; tell people once for each cause, and when it ends.

Some kinds last as long as their rows do (dead letters, stuck orders). Others are single events that
the API counts (a card number, a forged webhook, a wrong key): a window begins with the first of
them, or where it was told, and ends as nothing below the threshold. A way that fails is logged and
never fails the run; the others are told. A rule that fails stops no other one.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from include.domain.alerts import AlertKind, AlertRule
from include.domain.errors import IntegrationError
from include.services.alerts.ports import AlertBook, AlertRow, Send, Sightings
from include.services.outgoing_text import one_line

log = logging.getLogger(__name__)

EVENTS = (
    AlertKind.card_number_refused, AlertKind.webhook_signature_failures, AlertKind.api_key_failures,
)  # fmt: skip
_NEXT = {
    AlertKind.erp_unreachable: "See whether SYSPRO and its e.net service run; orders wait safely.",
    AlertKind.gateway_timeouts: "See the gateway's status page; what is in doubt is looked for.",
    AlertKind.effects_late: "See the runs of effects_janitor, and who keeps SYSPRO's operator.",
    AlertKind.reviews_ageing: "Decide them: python -m tieout.cli reviews list",
    AlertKind.dead_letters: "Work on them: python -m tieout.cli dead-letters list",
    AlertKind.authorizations_expiring: "See them: python -m tieout.cli orders list --expiring",
    AlertKind.orders_stuck: "See them: python -m tieout.cli orders list --state stuck",
    AlertKind.refunds_waiting: "Decide them in Required Actions; python -m tieout.cli refunds list",
    AlertKind.card_number_refused: "Ask who sent it; a shop sends tokens. Nothing was stored.",
    AlertKind.webhook_signature_failures: "Rotate the key if it is ours, else block the sender.",
    AlertKind.webhook_keys_ending: "Make one: python -m tieout.cli webhooks keys --rotate",
    AlertKind.api_key_failures: "Give its shop a new key if it is ours, else block the sender.",
    AlertKind.sources_missing: "Ask the sender, and run the day again; or resolve the open item.",
    AlertKind.dags_failing: "Read the log of its last run in Airflow; each DAG has a runbook.",
    AlertKind.audit_head: "Keep this message. Any day: python -m tieout.cli audit verify --head",
}


@dataclass
class Told:
    """What one run did."""

    lasting: int = 0  # causes at or above their threshold
    told: int = 0
    over: int = 0
    failed: int = 0  # messages that a way did not take

    def __str__(self) -> str:
        return (
            f"{self.lasting} last, {self.told} told, {self.over} over, {self.failed} not delivered"
        )


@dataclass(frozen=True, slots=True)
class RaiseAlerts:
    """Evaluates all rules; safe to run at any time and as often as one likes."""

    rules: Sequence[AlertRule]
    sightings: Sightings
    book: AlertBook
    send: Send

    def run(self) -> Told:
        """Hold every rule.

        Raises:
            ExceptionGroup: at the end, if some could not be held; by the others people were told.
        """
        told, broken = Told(), list[Exception]()
        now = self.book.now()
        for rule in self.rules:
            hold = self._events if rule.kind in EVENTS else self._lasting
            try:
                hold(rule, now, told)
            except Exception as fault:  # noqa: BLE001 - one rule must not silence the rest
                fault.add_note(f"alert rule {rule.kind} ({rule.where})")
                broken.append(fault)
        if broken:
            names = f"{len(broken)} alert rules could not be held; by the others: {told}"
            raise ExceptionGroup(names, broken)
        return told

    def _lasting(self, rule: AlertRule, now: datetime, told: Told) -> None:
        """Raise what is at its threshold now; what is below it any more is over."""
        present = set()
        for seen in self.sightings.seen(rule, now):
            if seen.count >= rule.threshold:
                present.add(seen.cause)
                row = self.book.raise_one(rule, seen)
                self._maybe_tell(rule, row, now, told)
        for row in self.book.raised(rule.kind):
            if row.cause not in present:
                self._over(rule, row, now, told)

    def _events(self, rule: AlertRule, now: datetime, told: Told) -> None:
        for row in self.book.raised(rule.kind):
            is_quiet = now - (row.told_at or row.raised_at) > rule.window
            if row.count >= rule.threshold:
                self._maybe_tell(rule, row, now, told, counted=row.count)
            elif is_quiet:
                self._over(rule, row, now, told)

    def _maybe_tell(
        self, rule: AlertRule, row: AlertRow, now: datetime, told: Told, counted: int = 0
    ) -> None:
        told.lasting += 1
        if not rule.is_due(row.count, now, row.told_at, row.told_count):
            log.info("alert %s lasts: %s %s; not due to be told", rule.kind, row.count, row.words)
            return
        since = f"since {row.raised_at:%Y-%m-%d %H:%M} UTC"
        subject = f"{_title(rule)}: {row.count} ({row.words})"
        text = f"{row.words}\n{row.count} {since}.\n\nNext: {_NEXT[rule.kind]}\nOwner: {rule.owner}"
        if self._tell(rule, subject, text, told):
            self.book.mark_sent(row, counted=counted)
            told.told += 1

    def _over(self, rule: AlertRule, row: AlertRow, now: datetime, told: Told) -> None:
        is_news = row.told_at is not None and rule.kind not in EVENTS
        is_quiet = rule.quiet is not None and not rule.is_urgent and rule.quiet.hold(now)
        if is_news and not is_quiet:
            self._tell(
                rule, f"{_title(rule)}: over ({row.words})", f"{row.words}\nIt is over.", told
            )
        self.book.clear(row)
        told.over += 1

    def _tell(self, rule: AlertRule, subject: str, text: str, told: Told) -> bool:
        """Send by every way; say whether one took it, or none is configured at all."""
        taken, failed = 0, 0
        log.warning("alert %s", one_line(subject))
        for recipient in rule.recipients:
            try:
                taken += self.send(recipient, one_line(subject), text)
            except IntegrationError as fault:
                failed += 1
                log.warning("alert %s was not sent to %s: %s", rule.kind, recipient.channel, fault)
        told.failed += failed
        return taken > 0 or failed == 0


def _title(rule: AlertRule) -> str:
    return "Tieout: " + rule.kind.value.replace("_", " ")
