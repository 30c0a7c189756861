"""Turn the entries of order to cash into the tables that are asked."""

from collections.abc import Sequence
from datetime import timedelta

from include.domain.alerts import AlertRule, Channel, QuietHours, Recipient
from include.domain.order_rules import AmountRange, OrderRules
from include.domain.shops import (
    CardPlace,
    CardReference,
    Charge,
    CustomerCodes,
    CustomerDefaults,
    FieldMap,
    FieldRule,
    LineRules,
    Said,
    Shop,
    ShopStatus,
    ShopStatuses,
    WebhookRules,
)
from include.mappings.parse import Placed, dated
from include.mappings.rules import of_kind
from include.mappings.schema import Entry, Row
from include.mappings.schema_orders import (
    AlertEntry,
    MeaningRow,
    OrderRulesEntry,
    OrderStatusesEntry,
    PaymentStatusesEntry,
    ShopperMessagesEntry,
    StatusRow,
)
from include.mappings.schema_shops import (
    CardsRow,
    FieldRow,
    FormFieldRow,
    ShopEntry,
    ShopFieldsEntry,
    WebhooksRow,
)
from include.mappings.tables_orders import MeaningRule, OrderTables, PaymentTable


def order_tables(entries: Sequence[Placed[Entry]]) -> OrderTables:
    """Build the tables out of sound entries."""
    messages = of_kind(entries, ShopperMessagesEntry)
    return OrderTables(
        shops=dated(of_kind(entries, ShopEntry), lambda e: e.shop_id, _shop),
        fields=dated(of_kind(entries, ShopFieldsEntry), lambda e: e.shop_kind.value, _field_map),
        payments=dated(of_kind(entries, PaymentStatusesEntry), lambda e: e.operation, _payments),
        messages=dated(messages, lambda e: e.language, lambda p: p.entry.messages),
        endings=dated(messages, lambda e: e.language, lambda p: p.entry.endings),
        statuses=dated(
            of_kind(entries, OrderStatusesEntry), lambda e: e.shop_kind.value, _statuses
        ),
        rules=dated(of_kind(entries, OrderRulesEntry), lambda e: e.merchant_id, _order_rules),
        alerts=dated(of_kind(entries, AlertEntry), lambda e: e.what.value, _alert),
    )


def _shop(placed: Placed[ShopEntry]) -> Shop:
    entry, customer = placed.entry, placed.entry.customer
    codes = entry.customer_codes
    return Shop(
        shop_id=entry.shop_id,
        kind=entry.kind,
        merchant_id=entry.merchant_id,
        conn_id=entry.conn_id,
        callback_conn_id=entry.callback_conn_id,
        purchase_order_prefix=entry.purchase_order_prefix,
        currencies=tuple(entry.currencies),
        warehouse=entry.warehouse,
        order_type=entry.order_type,
        customer=CustomerDefaults(
            branch=customer.branch,
            terms_code=customer.terms_code,
            area=customer.area,
            salesperson=customer.salesperson,
            customer_class=customer.customer_class,
            tax_status=customer.tax_status,
        ),
        clearing_banks=entry.clearing_banks,
        customer_codes=CustomerCodes(codes.scheme, codes.prefix, codes.max_length),
        guests=entry.guests,
        house_accounts=entry.house_accounts,
        link_customers=entry.link_customers,
        stored_cards=_cards(entry.stored_cards),
        payment_form=_form(entry.order_fields.payment),
        refund_form=_form(entry.order_fields.refund),
        prices_include_tax=entry.prices_include_tax,
        tax=entry.tax,
        kits=entry.kits,
        merge_identical_lines=entry.merge_identical_lines,
        exchange_rates=entry.exchange_rates,
        charges={
            kind: Charge(row.line, row.product_class, row.charge_code, row.tax_code)
            for kind, row in entry.charges.items()
        },
        statuses_pushed=frozenset(entry.statuses_pushed),
        language=entry.language,
        where=placed.place(),
        webhooks=_webhooks(entry.webhooks),
        payment_methods=frozenset(entry.payment_methods),
    )


def _webhooks(row: WebhooksRow | None) -> WebhookRules | None:
    if row is None:
        return None
    return WebhookRules(
        scheme=row.scheme,
        signature_header=row.signature_header,
        delivery=Said(row.delivery.header, row.delivery.at, row.delivery.words),
        event=Said(row.event.header, row.event.at, row.event.words),
        order_at=row.order_at,
        timestamp_header=row.timestamp_header,
        tolerance=timedelta(minutes=row.tolerance_minutes),
    )


def _cards(row: CardsRow) -> CardReference:
    if row.place is CardPlace.store:
        return CardReference()
    return CardReference(row.form, row.field_name)


def _form(row: FormFieldRow | None) -> tuple[str, str]:
    return (row.form, row.field_name) if row else ("", "")


def _field_map(placed: Placed[ShopFieldsEntry]) -> FieldMap:
    entry = placed.entry

    def rules(row: Row, *inside: str | int) -> dict[str, FieldRule]:
        found = {name: getattr(row, name) for name in type(row).model_fields}
        return {
            name: _field(field, placed.place(*inside, name))
            for name, field in found.items()
            if field is not None
        }

    return FieldMap(
        is_minor=entry.amounts == "minor",
        order=rules(entry.order, "order"),
        shopper=rules(entry.shopper, "shopper"),
        bill_to=rules(entry.bill_to, "bill_to"),
        ship_to=rules(entry.ship_to, "ship_to"),
        lines=tuple(
            LineRules(row.kind, row.each, rules(row.fields, "lines", i, "fields"))
            for i, row in enumerate(entry.lines)
        ),
        payment=rules(entry.payment, "payment"),
        ignored=tuple(entry.ignored) if entry.unknown_fields == "refuse" else None,
        where=placed.place(),
    )


def _field(row: FieldRow, where: str) -> FieldRule:
    condition = row.only_if
    return FieldRule(
        paths=(row.at,) if row.at else tuple(row.join),
        else_paths=(row.else_at,) if row.else_at else tuple(row.else_join),
        default=row.default,
        literal=row.literal,
        blank=tuple(row.blank),
        words=row.words,
        only_if=(condition.at, condition.equals) if condition else None,
        where=where,
    )


def _payments(placed: Placed[PaymentStatusesEntry]) -> PaymentTable:
    entry = placed.entry
    return PaymentTable(
        statuses={name: _meaning(row) for name, row in entry.statuses.items()},
        reasons={name: _meaning(row) for name, row in entry.reasons.items()},
    )


def _meaning(row: MeaningRow) -> MeaningRule:
    by_reason = isinstance(row, StatusRow) and row.by_reason
    return MeaningRule(row.meaning, row.money, row.tell, row.retry, by_reason)


def _statuses(placed: Placed[OrderStatusesEntry]) -> ShopStatuses:
    rows = placed.entry.statuses
    told = {
        state: ShopStatus(row.status, row.note, is_note_for_shopper=row.to_shopper)
        for state, row in rows.items()
    }
    return ShopStatuses(told, placed.entry.asks)


def _order_rules(placed: Placed[OrderRulesEntry]) -> OrderRules:
    entry = placed.entry
    return OrderRules(
        merchant_id=entry.merchant_id,
        amounts={
            currency: AmountRange(row.least_minor, row.most_minor)
            for currency, row in entry.amounts.items()
        },
        ship_to=tuple(entry.ship_to),
        on_short_stock=entry.on_short_stock,
        on_credit_exceeded=entry.on_credit_exceeded,
        on_customer_on_hold=entry.on_customer_on_hold,
        on_credit_unknown=entry.on_credit_unknown,
        on_closed_short=entry.on_closed_short,
        capture_when=entry.capture_when,
        authorization_days=entry.authorization_days,
        authorization_days_by_brand=entry.authorization_days_by_brand,
        on_expiry=entry.on_expiry,
        expiry_lead_hours=entry.expiry_lead_hours,
        review_alarm_hours=entry.review_alarm_hours,
        max_lines=entry.max_lines,
        max_quantity=entry.max_quantity,
        refund_limit_minor=entry.refund_limit_minor,
        refund_days=entry.refund_days,
        reverse_partial=entry.reverse_partial,
        where=placed.place(),
    )


def _alert(placed: Placed[AlertEntry]) -> AlertRule:
    entry, quiet = placed.entry, placed.entry.quiet_hours
    return AlertRule(
        kind=entry.what,
        threshold=entry.threshold,
        window=timedelta(minutes=entry.window_minutes or 0),
        recipients=tuple(
            Recipient(Channel.mail, row.mail) if row.mail else Recipient(Channel.chat, row.chat)
            for row in entry.to
        ),
        repeat_after=timedelta(minutes=entry.repeat_after_minutes),
        quiet=QuietHours(*quiet.hours(), quiet.zone) if quiet else None,
        is_urgent=entry.is_urgent,
        owner=entry.owner,
        where=placed.place(),
    )
