"""Alerts in the database, and what they count. ``alarms`` writes the API's sightings there too."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Select, and_, case, func, null, or_, select, update

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.leases import once_insert
from include.adapters.store.order_tables import alerts, orders, refunds
from include.adapters.store.schema import audit, dead_letters, effects, open_items
from include.adapters.store.transactions import stream
from include.domain.alerts import AlertKind, AlertRule
from include.domain.canonical import from_json
from include.domain.matching import Cause
from include.domain.order_rules import OrderRules
from include.domain.order_state import ENDED, OrderFacts, OrderState
from include.domain.refunds import RefundState
from include.domain.standing import is_under_review, is_wholly_captured
from include.services.alerts.ports import AlertRow, Seen
from include.services.effects.ports import EffectKind, EffectState
from include.services.effects.states import UNFINISHED

_RAISED, _CLEARED = "raised", "cleared"
_ERP = (
    EffectKind.gl_journal,
    EffectKind.ap_invoice,
    EffectKind.cash_book_entry,
    EffectKind.customer,
    EffectKind.sales_order,
    EffectKind.sales_order_move,
    EffectKind.ar_receipt,
    EffectKind.ar_application,
    EffectKind.custom_field,
)
_GATEWAY = tuple(
    kind for kind in EffectKind if kind.value.startswith(("payment_", "review_", "token_"))
)
RulesOf = Callable[[str], OrderRules]  # by merchant


@dataclass(frozen=True, slots=True)
class SqlAlertBook:
    """Satisfies ``alerts.ports.AlertBook``."""

    engine: Engine
    clock: StoreClock = database_now

    def now(self) -> datetime:
        with self.engine.begin() as connection:
            return self.clock(connection)

    def raised(self, kind: AlertKind) -> Sequence[AlertRow]:
        wanted = select(alerts).where(alerts.c.rule == kind.value, alerts.c.state == _RAISED)
        with self.engine.begin() as connection:
            return [_row(row) for row in connection.execute(wanted.order_by(alerts.c.cause))]

    def raise_one(self, rule: AlertRule, seen: Seen) -> AlertRow:
        values = {"words": seen.words, "count": seen.count, "state": _RAISED, "cleared_at": None}
        was_cleared = alerts.c.state == _CLEARED
        with self.engine.begin() as connection:
            now = self.clock(connection)
            wanted = once_insert(connection, alerts).values(
                cause=seen.cause, rule=rule.kind.value, raised_at=now, told_count=0, **values
            )
            connection.execute(
                wanted.on_conflict_do_update(
                    index_elements=[alerts.c.cause],
                    set_={
                        **values,
                        "raised_at": case((was_cleared, now), else_=alerts.c.raised_at),
                        "told_at": case((was_cleared, null()), else_=alerts.c.told_at),
                        "told_count": case((was_cleared, 0), else_=alerts.c.told_count),
                    },
                )
            )
            one = select(alerts).where(alerts.c.cause == seen.cause)
            return _row(connection.execute(one).one())

    def mark_sent(self, row: AlertRow, *, counted: int) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                update(alerts)
                .where(alerts.c.cause == row.cause)
                .values(
                    told_at=self.clock(connection),
                    told_count=row.count - counted,
                    count=alerts.c.count - counted,
                )
            )

    def clear(self, row: AlertRow) -> None:
        # A sighting between the reading and now has raised the count; then it lasts.
        unseen = (alerts.c.cause == row.cause) & (alerts.c.count == row.count)
        with self.engine.begin() as connection:
            connection.execute(
                update(alerts)
                .where(unseen)
                .values(state=_CLEARED, count=0, cleared_at=self.clock(connection))
            )


@dataclass(frozen=True, slots=True)
class SqlSightings:
    """Satisfies ``alerts.ports.Sightings``: each kind is one question to the store."""

    engine: Engine
    rules_of: RulesOf
    company_of: Callable[[str], str]  # SYSPRO's, by merchant
    key_life: timedelta  # of a signing key of webhooks, from when it was made

    def seen(self, rule: AlertRule, now: datetime) -> Sequence[Seen]:
        question = _QUESTIONS.get(rule.kind)
        return question(self, rule, now) if question else ()

    def unfinished(
        self, rule: AlertRule, now: datetime, kinds: Sequence[EffectKind], words: str
    ) -> Sequence[Seen]:
        """Count, by target, effects in doubt, and those that a call of late could not send."""
        waits = effects.c.state == EffectState.in_doubt.value
        could_not = and_(
            effects.c.state == EffectState.intended.value,
            effects.c.reason != "",
            effects.c.next_at >= now - rule.window,
        )
        wanted = (
            select(effects.c.target, func.count())
            .where(
                effects.c.kind.in_([kind.value for kind in kinds]),
                waits | could_not,
            )
            .group_by(effects.c.target)
        )
        return self._by_group(rule, wanted, words)

    def erp(self, rule: AlertRule, now: datetime) -> Sequence[Seen]:
        """Count, by company, postings without an answer and paid orders that are not booked.

        While SYSPRO is left alone after its faults, orders are not even begun; but a paid one is
        booked within a minute or two as long as it answers.
        """
        postings = self.unfinished(rule, now, _ERP, "")
        counts = {seen.cause.partition("|")[2]: seen.count for seen in postings}
        wanted = (
            select(orders.c.merchant_id, func.count())
            .where(
                orders.c.state == OrderState.authorized.value,
                orders.c.accepted_at <= now - rule.window / 2,
            )
            .group_by(orders.c.merchant_id)
        )
        for seen in self._by_group(rule, wanted, ""):
            company = self.company_of(seen.cause.partition("|")[2])
            counts[company] = counts.get(company, 0) + seen.count
        return [
            Seen(f"{rule.kind}|{company}", count, f"orders or postings wait for SYSPRO {company}")
            for company, count in sorted(counts.items())
        ]

    def late(self, rule: AlertRule, now: datetime) -> Sequence[Seen]:
        """Count, by target, effects that have been due for longer than the window."""
        due_at = func.coalesce(effects.c.next_at, effects.c.intended_at)
        limit = now - rule.window
        wanted = (
            select(effects.c.target, func.count(), func.min(due_at))
            .where(
                effects.c.state.in_([state.value for state in UNFINISHED]),
                or_(
                    effects.c.next_at < limit,
                    effects.c.next_at.is_(None) & (effects.c.intended_at < limit),
                ),
            )
            .group_by(effects.c.target)
        )
        with self.engine.begin() as connection:
            rows = sorted(map(tuple, connection.execute(wanted)))
        words = "writes wait for their look, the oldest since {:%Y-%m-%d %H:%M} UTC, at {}"
        return [
            Seen(f"{rule.kind}|{target}", int(count), words.format(oldest, target))
            for target, count, oldest in rows
        ]

    def letters(self, rule: AlertRule, _now: datetime) -> Sequence[Seen]:
        wanted = select(func.count(), func.min(dead_letters.c.opened_at)).where(
            dead_letters.c.state == "open"
        )
        with self.engine.begin() as connection:
            count, oldest = connection.execute(wanted).one()
        if not count:
            return ()
        words = f"dead letters are open, the oldest since {oldest:%Y-%m-%d %H:%M} UTC"
        return (Seen(f"{rule.kind}|all", int(count), words),)

    def stuck(self, rule: AlertRule, _now: datetime) -> Sequence[Seen]:
        wanted = (
            select(orders.c.merchant_id, func.count())
            .where(orders.c.state == OrderState.stuck.value)
            .group_by(orders.c.merchant_id)
        )
        return self._by_group(rule, wanted, "orders need a person at")

    def waiting(self, rule: AlertRule, _now: datetime) -> Sequence[Seen]:
        wanted = (
            select(orders.c.merchant_id, func.count())
            .join(refunds, refunds.c.order_id == orders.c.order_id)
            .where(refunds.c.state == RefundState.waiting.value)
            .group_by(orders.c.merchant_id)
        )
        return self._by_group(rule, wanted, "refunds wait for a second person at")

    def sources(self, rule: AlertRule, now: datetime) -> Sequence[Seen]:
        """Count settlement days' sources that did not come within the window after their day."""
        wanted = (
            select(open_items.c.merchant_id, func.count())
            .where(
                open_items.c.cause == Cause.source_awaited.value,
                open_items.c.state == "open",
                open_items.c.settlement_date < (now - rule.window).date(),
            )
            .group_by(open_items.c.merchant_id)
        )
        return self._by_group(rule, wanted, "sources have never come, of settlement days of")

    def keys_ending(self, rule: AlertRule, now: datetime) -> Sequence[Seen]:
        """Name each organization whose newest signing key ends within the window.

        One that ended longer ago than that is not used any more, or everybody knows.
        """
        sent_at, life = func.max(effects.c.sent_at), self.key_life
        wanted = (
            select(effects.c.target, sent_at)
            .where(effects.c.kind == EffectKind.webhook_key.value, effects.c.their_key != "")
            .group_by(effects.c.target)
            .having(sent_at.between(now - rule.window - life, now + rule.window - life))
        )
        with self.engine.begin() as connection:
            rows = sorted((str(name), made) for name, made in connection.execute(wanted))
        words = "the newest webhook key of organization {} ends on {:%Y-%m-%d}"
        return [
            Seen(f"{rule.kind}|{name}", 1, words.format(name, made + life)) for name, made in rows
        ]

    def audit_head(self, rule: AlertRule, _now: datetime) -> Sequence[Seen]:
        """Name the last entry of the audit chain: one cause, which lasts and is told each day."""
        wanted = select(audit.c.entry_no, audit.c.hash).order_by(audit.c.entry_no.desc()).limit(1)
        with self.engine.begin() as connection:
            found = connection.execute(wanted).one_or_none()
        if found is None:
            return ()
        words = f"the audit chain ends with {found.hash}, entry_no {found.entry_no}"
        return (Seen(f"{rule.kind}|all", 1, words),)

    def ageing(self, rule: AlertRule, now: datetime) -> Sequence[Seen]:
        """Count reviews of goods that have left, or whose hold lapses within the alarm's hours."""
        in_review, words = (OrderState.in_review,), "reviews age, or their goods have left, at"

        def ages(rules: OrderRules, facts: OrderFacts) -> bool:
            # Goods that have left wait for no alarm's hour: nobody is charged for them yet.
            has_left = facts.is_invoiced and is_under_review(facts)
            return has_left or _is_past(rules.review_alarm_at, facts, now)

        return self._open(rule, in_review, ages, words)

    def expiring(self, rule: AlertRule, now: datetime) -> Sequence[Seen]:
        """Count authorisations that lapse within ``expiry_lead_hours`` and are still open.

        One that was captured in part is open until the rest is captured, too.
        """
        states = tuple(state for state in OrderState if state not in (*ENDED, OrderState.in_review))

        def lapses(rules: OrderRules, facts: OrderFacts) -> bool:
            return not is_wholly_captured(facts) and _is_past(rules.expiry_due_at, facts, now)

        return self._open(rule, states, lapses, "authorisations lapse at")

    def _open(
        self,
        rule: AlertRule,
        states: Sequence[OrderState],
        is_due: Callable[[OrderRules, OrderFacts], bool],
        words: str,
    ) -> Sequence[Seen]:
        """Count, by merchant, orders in these states that still hold money and are due."""
        counts: dict[str, int] = {}
        for merchant_id, facts in self._facts(states):
            if not facts.is_reversed and is_due(self.rules_of(merchant_id), facts):
                counts[merchant_id] = counts.get(merchant_id, 0) + 1
        return [
            Seen(f"{rule.kind}|{merchant_id}", count, f"{words} {merchant_id}")
            for merchant_id, count in sorted(counts.items())
        ]

    def _facts(self, states: Sequence[OrderState]) -> Iterator[tuple[str, OrderFacts]]:
        wanted = select(orders.c.merchant_id, orders.c.facts).where(
            orders.c.state.in_([state.value for state in states]),
            # Most that are captured are captured wholly, and wait for weeks at times.
            orders.c.captured_minor < orders.c.amount_minor,
        )
        for row in stream(self.engine, wanted):
            yield row.merchant_id, from_json(OrderFacts, row.facts)

    def _by_group(self, rule: AlertRule, wanted: Select[Any], words: str) -> Sequence[Seen]:
        with self.engine.begin() as connection:
            rows = sorted((str(name), int(count)) for name, count in connection.execute(wanted))
        return [Seen(f"{rule.kind}|{name}", count, f"{words} {name}") for name, count in rows]


def _is_past(due_at: Callable[[datetime], datetime], facts: OrderFacts, now: datetime) -> bool:
    return facts.expires_at is not None and due_at(facts.expires_at) <= now


_Question = Callable[[SqlSightings, AlertRule, datetime], Sequence[Seen]]
_QUESTIONS: Mapping[AlertKind, _Question] = {
    AlertKind.erp_unreachable: SqlSightings.erp,
    AlertKind.gateway_timeouts: lambda it, rule, now: it.unfinished(
        rule, now, _GATEWAY, "the gateway gave no clear answer, organization"
    ),
    AlertKind.effects_late: SqlSightings.late,
    AlertKind.reviews_ageing: SqlSightings.ageing,
    AlertKind.dead_letters: SqlSightings.letters,
    AlertKind.authorizations_expiring: SqlSightings.expiring,
    AlertKind.orders_stuck: SqlSightings.stuck,
    AlertKind.refunds_waiting: SqlSightings.waiting,
    AlertKind.sources_missing: SqlSightings.sources,
    AlertKind.webhook_keys_ending: SqlSightings.keys_ending,
    AlertKind.audit_head: SqlSightings.audit_head,
}


def _row(row: Any) -> AlertRow:
    return AlertRow(
        row.cause, int(row.count), row.words, row.raised_at, row.told_at, int(row.told_count)
    )
