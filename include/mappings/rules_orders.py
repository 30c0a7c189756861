"""What the tables of order to cash must be together, and with the merchants."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from include.domain.alerts import AlertKind
from include.domain.order_state import TOLD
from include.domain.orders import LineKind
from include.domain.shops import Ask, CardPlace, ChargeLine, GuestPolicy, ShopKind, TaxMode
from include.mappings.parse import Placed
from include.mappings.payment_words import ALSO_KNOWN, CODES, REASON_CODE, REASONS, STATUSES
from include.mappings.problems import did_you_mean
from include.mappings.rules import check_constant, of_kind
from include.mappings.rules_sharing import overlap
from include.mappings.schema import Entry, GlTemplateEntry, MerchantEntry
from include.mappings.schema_orders import (
    AlertEntry,
    OrderRulesEntry,
    OrderStatusesEntry,
    PaymentStatusesEntry,
    ShopperMessagesEntry,
)
from include.mappings.schema_shops import ShopEntry, ShopFieldsEntry

STATES = (*(state.value for state in TOLD), "shipped")  # it is told of dispatch notes as well
PUSHED = (*STATES, "refunded")  # and refunds are recorded there
_CHARGED = (LineKind.freight, LineKind.discount, LineKind.fee, LineKind.tax)
Entries = Sequence[Placed[Entry]]


def check_order_tables(entries: Entries) -> None:
    """Report every fault between the entries of order to cash."""
    merchants = of_kind(entries, MerchantEntry)
    shops, rules = of_kind(entries, ShopEntry), of_kind(entries, OrderRulesEntry)
    check_constant(shops, "merchant_id")
    spoken = [p.entry.language for p in of_kind(entries, ShopperMessagesEntry)]
    for shop in shops:
        if shop.entry.language not in spoken:
            what = f"shopper_messages.yaml has no language {shop.entry.language!r}"
            shop.report(("language",), what, did_you_mean(shop.entry.language, spoken))
        _check_shop(shop, merchants)
        _check_clearing(shop, shops, merchants, of_kind(entries, GlTemplateEntry))
        _check_shop_tables(shop, entries)
        _check_shop_rules(shop, rules)
    for one, other in combinations(shops, 2):
        _check_prefixes(other, one)
    for rule in rules:
        _check_rule(rule, merchants)
    for told in of_kind(entries, OrderStatusesEntry):
        _check_names(told, "statuses", told.entry.statuses, STATES, "state that a shop is told")
        _demand(told, "statuses", told.entry.statuses, STATES, "{status: ...}")
        if Ask.take not in told.entry.asks.values():
            what = "no status of the shop asks us to take an order"
            told.report(("asks",), what, "Write at least one, such as 'processing: take'.")
    _check_payments(entries)
    _check_messages(entries)
    _check_alerts(entries)


def _check_shop(placed: Placed[ShopEntry], merchants: Sequence[Placed[MerchantEntry]]) -> None:
    entry = placed.entry
    merchant = next((m.entry for m in merchants if m.entry.merchant_id == entry.merchant_id), None)
    if merchant is None:
        known = (m.entry.merchant_id for m in merchants)
        what = f"there is no merchant {entry.merchant_id!r}"
        placed.report(("merchant_id",), what, did_you_mean(entry.merchant_id, known))
    for i, currency in enumerate(entry.currencies):
        if merchant is not None and currency not in merchant.currencies:
            what = f"{entry.merchant_id} does not settle {currency}"
            placed.report(("currencies", i), what, did_you_mean(currency, merchant.currencies))
    _demand(placed, "clearing_banks", entry.clearing_banks, entry.currencies, "<SYSPRO bank>")
    if entry.guests is GuestPolicy.house_account:
        _demand(
            placed, "house_accounts", entry.house_accounts, entry.currencies, "<SYSPRO customer>"
        )
    cards = entry.stored_cards
    if cards.place is CardPlace.custom_form and not (cards.form and cards.field_name):
        what = "cards are kept in a custom form, but form or field_name is missing"
        do = "Write {place: custom_form, form: CUS, field_name: <the form's field>}."
        placed.report(("stored_cards",), what, do)
    _check_charges(placed)
    if entry.webhooks is not None and entry.kind is ShopKind.woocommerce:
        what = "WooCommerce signs its webhooks in its own way"
        placed.report(("webhooks",), what, "Remove the row; its secret is in the connection.")
    for i, state in enumerate(entry.statuses_pushed):
        if state not in PUSHED:
            what = f"{state!r} is no state that a shop is told"
            placed.report(("statuses_pushed", i), what, did_you_mean(state, PUSHED))
    if len(entry.customer_codes.prefix) + 6 > entry.customer_codes.max_length:
        what = f"max_length {entry.customer_codes.max_length} leaves less than six characters"
        placed.report(("customer_codes", "prefix"), what, "Shorten the prefix.")


def _check_clearing(
    placed: Placed[ShopEntry],
    shops: Sequence[Placed[ShopEntry]],
    merchants: Sequence[Placed[MerchantEntry]],
    templates: Sequence[Placed[GlTemplateEntry]],
) -> None:
    """A shop's orders are invoiced and receipted in SYSPRO, so a settlement must only clear them.

    Clearing gives sales and refunds one account, that of the receipts; a template that keeps them
    apart books revenue, here a second time.
    """
    shop = placed.entry
    for merchant in merchants:
        is_own = merchant.entry.merchant_id == shop.merchant_id
        if not is_own or not overlap(placed, merchant, shops, merchants):
            continue
        for template in templates:
            entry = template.entry
            sales, refunds = (entry.accounts.get(role) for role in ("gross_sale", "refund"))
            is_named = entry.name == merchant.entry.gl_template
            if is_named and sales != refunds and overlap(placed, template, shops, templates):
                what = (
                    f"{shop.merchant_id} would book each sale twice: SYSPRO invoices this shop's "
                    f"orders, and template {entry.name!r} ({template.place('accounts')}) books "
                    f"gross_sale to {sales!r} and refund to {refunds!r}"
                )
                do = (
                    f"Give {shop.merchant_id} (line {merchant.line('gl_template')} of "
                    "merchants.yaml) a template whose gross_sale and refund are the ledger "
                    "account of clearing_banks, such as 'clearing'; or remove the shop."
                )
                placed.report(("merchant_id",), what, do)


def _check_charges(placed: Placed[ShopEntry]) -> None:
    """Each kind that may occur has its row, and no row stands there that nothing reads."""
    entry = placed.entry
    has_tax = entry.tax is TaxMode.override and not entry.prices_include_tax
    needed = [kind for kind in _CHARGED if kind is not LineKind.tax or has_tax]
    _demand(placed, "charges", set(entry.charges), needed, "{product_class: ...}")
    for kind, row in entry.charges.items():
        if kind is LineKind.tax and not has_tax:
            what = "tax is no charge of this shop: its prices include it, or SYSPRO computes it"
            placed.report(("charges", kind), what, "Remove the row.")
        elif kind is LineKind.goods:
            what = "goods are no charge: their product class is the stock code's"
            placed.report(("charges", kind), what, "Remove the row.")
        elif row.line is ChargeLine.freight and kind is not LineKind.freight:
            what = f"{kind.value} cannot be a freight line"
            placed.report(("charges", kind, "line"), what, "Write product_class instead.")


def _check_shop_tables(placed: Placed[ShopEntry], entries: Entries) -> None:
    kind = placed.entry.kind
    fields = {p.entry.shop_kind for p in of_kind(entries, ShopFieldsEntry)}
    statuses = {p.entry.shop_kind for p in of_kind(entries, OrderStatusesEntry)}
    for file, kinds in (("shop_fields.yaml", fields), ("order_statuses.yaml", statuses)):
        if kind not in kinds:
            what = f"{file} has no entry for shops of kind {kind.value!r}"
            placed.report(("kind",), what, f"Add one there with 'shop_kind: {kind.value}'.")


def _check_shop_rules(placed: Placed[ShopEntry], rules: Sequence[Placed[OrderRulesEntry]]) -> None:
    merchant_id = placed.entry.merchant_id
    own = [rule for rule in rules if rule.entry.merchant_id == merchant_id]
    if not own:
        what = f"order_rules.yaml has no entry for {merchant_id!r}"
        placed.report(("merchant_id",), what, f"Add one with 'merchant_id: {merchant_id}'.")
    for rule in own:
        _demand(
            rule,
            "amounts",
            rule.entry.amounts,
            placed.entry.currencies,
            "{least_minor: ..., most_minor: ...}",
        )


def _check_prefixes(placed: Placed[ShopEntry], other: Placed[ShopEntry]) -> None:
    """Two shops whose prefixes begin alike could give two orders one customer PO."""
    one, two = placed.entry, other.entry
    if one.shop_id == two.shop_id:
        return
    pairs = (
        ("purchase_order_prefix", one.purchase_order_prefix, two.purchase_order_prefix),
        ("customer_codes", one.customer_codes.prefix, two.customer_codes.prefix),
    )
    for name, prefix, their in pairs:
        if prefix.startswith(their) or their.startswith(prefix):
            at = f"{two.shop_id} (line {other.line(name)})"
            what = f"{name}: {prefix!r} and {their!r} of {at} begin alike"
            placed.report((name,), what, "Choose another first letter.")


def _check_rule(
    placed: Placed[OrderRulesEntry], merchants: Sequence[Placed[MerchantEntry]]
) -> None:
    entry = placed.entry
    known = {m.entry.merchant_id for m in merchants}
    if entry.merchant_id not in known:
        what = f"there is no merchant {entry.merchant_id!r}"
        placed.report(("merchant_id",), what, did_you_mean(entry.merchant_id, known))
    for currency in entry.refund_limit_minor:
        if currency not in entry.amounts:
            what = f"a refund limit in {currency}, in which no order is taken"
            do = did_you_mean(currency, entry.amounts)
            placed.report(("refund_limit_minor", currency), what, do)
    shortest = min((entry.authorization_days, *entry.authorization_days_by_brand.values()))
    for name in ("expiry_lead_hours", "review_alarm_hours"):
        if getattr(entry, name) >= shortest * 24:
            what = f"{name} {getattr(entry, name)} is the whole life of an authorisation"
            placed.report((name,), what, f"Write less than {shortest * 24}.")


def _check_payments(entries: Entries) -> None:
    found = of_kind(entries, PaymentStatusesEntry)
    named: set[str] = set()
    for placed in found:
        entry = placed.entry
        if entry.operation not in STATUSES:
            what = f"there is no operation {entry.operation!r}"
            placed.report(("operation",), what, did_you_mean(entry.operation, STATUSES))
            continue
        expected = STATUSES[entry.operation]
        _check_names(placed, "statuses", entry.statuses, expected, "status of Cybersource")
        _demand(placed, "statuses", entry.statuses, expected, "{meaning: ...}")
        known = CODES if entry.operation == REASON_CODE else (*REASONS, *ALSO_KNOWN)
        _check_names(placed, "reasons", entry.reasons, known, "reason of Cybersource")
        if entry.operation == REASON_CODE:
            _demand(placed, "reasons", entry.reasons, CODES, "{meaning: ...}")
        named |= set(entry.reasons)
    for operation in STATUSES:
        if found and all(p.entry.key != (operation,) for p in found):
            what = f"no entry says what answers to {operation!r} mean"
            found[-1].report((), what, f"Add an entry 'operation: {operation}'.")
    for reason in REASONS:
        if found and reason not in named:
            what = f"no entry says what reason {reason} means"
            found[0].report(("reasons",), what, f"Add the line '{reason}: {{meaning: ...}}'.")


def _check_messages(entries: Entries) -> None:
    tells = list(_tells(entries))
    told = {code for _, _, _, code in tells}
    for language in of_kind(entries, ShopperMessagesEntry):
        known, spoken = language.entry.messages, language.entry.language
        for placed, part, name, code in tells:
            if code not in known:
                what = f"{name} tells {code!r}, which has no sentence in {spoken!r}"
                do = f"Add it to shopper_messages.yaml. {did_you_mean(code, known)}"
                placed.report((part, name, "tell"), what, do)
        for code in known:
            if told and code not in told:
                what = f"no payment status tells {code!r}"
                language.report(("messages", code), what, f"Remove it. {did_you_mean(code, told)}")


def _tells(entries: Entries) -> Iterator[tuple[Placed[PaymentStatusesEntry], str, str, str]]:
    """Yield each line that tells the shopper something: its entry, part, name and message code."""
    for placed in of_kind(entries, PaymentStatusesEntry):
        for part in ("statuses", "reasons"):
            for name, row in getattr(placed.entry, part).items():
                yield placed, part, name, row.tell


def _check_alerts(entries: Entries) -> None:
    found = of_kind(entries, AlertEntry)
    watched = {p.entry.key for p in found}
    for kind in AlertKind:
        if found and (kind,) not in watched:
            what = f"nobody is told of {kind.value}"
            found[-1].report((), what, f"Add an entry 'what: {kind.value}'.")


def _check_names(
    placed: Placed[Entry], part: str, given: Iterable[str], known: Iterable[str], noun: str
) -> None:
    names = tuple(known)
    for name in given:
        if name not in names:
            placed.report((part, name), f"{name!r} is no {noun}", did_you_mean(name, names))


def _demand(
    placed: Placed[Entry], part: str, given: Iterable[str], needed: Iterable[str], form: str
) -> None:
    for name in needed:
        if name not in set(given):
            do = f"Add the line '{name}: {form}'."
            placed.report((part,), f"{name} is missing in {part}", do)
