"""What entries must be together: no overlap, nothing missing, nothing that answers twice."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

from include.domain.merchant import SourceKind
from include.domain.settlement import LineClass
from include.mappings.parse import EntryType, Placed
from include.mappings.problems import did_you_mean
from include.mappings.rules_sharing import check_sharing
from include.mappings.schema import (
    ChargebackReasonsEntry,
    Entry,
    FeeCodesEntry,
    FeeScheduleEntry,
    FxRatesEntry,
    GlTemplateEntry,
    MerchantEntry,
    percent_millionths,
)

_ROLES = ("net", "bank", "fx_rounding", "adjustment", "reserve", "dispute_lost")
# A batch that waits for its money, a dispute, an order: all go on in the ledger they began in, and
# all are known by their merchant alone.
_LEDGER = ("company_id", "base_currency")
_CLASSES = tuple(
    c.value for c in LineClass if c not in (LineClass.fee, LineClass.funding)
)  # a fee has an account per kind; funding goes from net to bank
Entries = Sequence[Placed[Entry]]


def of_kind(entries: Entries, kind: type[EntryType]) -> list[Placed[EntryType]]:
    """Return the entries of one file."""
    return [p for p in entries if isinstance(p.entry, kind)]  # type: ignore[misc]


def check_rules(entries: Entries) -> None:
    """Report every fault between entries."""
    _check_dates(entries)
    for name in ("zone", *_LEDGER):
        check_constant(of_kind(entries, MerchantEntry), name)
    for merchant in of_kind(entries, MerchantEntry):
        _check_merchant(merchant)
        _check_sources(merchant)
        _check_parameters(merchant)
        _check_template(merchant, entries)
        _check_rates(merchant, entries)
        _check_fee_codes(merchant, entries)
    check_sharing(of_kind(entries, MerchantEntry))
    _check_kinds(entries)
    _check_schedules(entries)
    _check_reasons(of_kind(entries, ChargebackReasonsEntry))
    for pair in of_kind(entries, FxRatesEntry):
        if pair.entry.from_currency == pair.entry.to_currency:
            pair.report(("to_currency",), "a rate from a currency to itself", "Remove the entry.")


def _check_dates(entries: Entries) -> None:
    def named(placed: Placed[Entry]) -> tuple[str, str]:
        return placed.document.file, repr(placed.entry.key)

    for placed in entries:
        entry = placed.entry
        if entry.effective_to is not None and entry.effective_to < entry.effective_from:
            what = f"effective_to {entry.effective_to} is before effective_from"
            placed.report(("effective_to",), what, "Swap the dates, or remove effective_to.")
    for (_, key), same in groupby(sorted(entries, key=named), key=named):
        ordered = sorted(same, key=lambda placed: placed.entry.effective_from)
        for earlier, later in pairwise(ordered):
            is_same_day = earlier.entry.effective_from == later.entry.effective_from
            ends = earlier.entry.effective_to
            if is_same_day or (ends is not None and ends >= later.entry.effective_from):
                later.report(
                    ("effective_from",),
                    f"the entry {key.strip('(),')} overlaps the one on line {earlier.line()}",
                    "Begin it after that one has ended, or remove one of the two.",
                )


def check_constant(entries: Sequence[Placed[EntryType]], name: str) -> None:
    """Report a value that its entries must share, for what goes on when one of them has ended."""
    first: dict[tuple[Any, ...], Placed[EntryType]] = {}
    for placed in entries:
        other = first.setdefault(placed.entry.key, placed)
        value = getattr(other.entry, name)
        if getattr(placed.entry, name) != value:
            what = f"{name} is {value!r} in the entry on line {other.line()}"
            placed.report((name,), what, "Write the same; it cannot change from a day on.")


def _check_merchant(placed: Placed[MerchantEntry]) -> None:
    entry = placed.entry
    for i, currency in enumerate(entry.currencies):
        if currency in entry.currencies[:i]:
            placed.report(("currencies", i), f"{currency} is listed twice", "Remove one.")
        if currency not in entry.bank_accounts:
            do = f'Add \'{currency}: {{account_id: "...", bank_code: "..."}}\' here.'
            placed.report(("bank_accounts",), f"{currency} has no bank account", do)
    for currency in entry.bank_accounts:
        if currency not in entry.currencies:
            what = f"a bank account for {currency}, which {entry.merchant_id} does not settle"
            placed.report(("bank_accounts", currency), what, "Remove it, or add the currency.")
    if entry.fees_as_ap_invoice and not entry.ap_supplier:
        what = "fees are AP invoices, but ap_supplier is empty"
        placed.report(("fees_as_ap_invoice",), what, "Add 'ap_supplier: <SYSPRO supplier>'.")
    if entry.amount_tolerance_minor > entry.approval_tolerance_minor:
        what = "amount_tolerance_minor exceeds approval_tolerance_minor"
        placed.report(("amount_tolerance_minor",), what, "Lower it: a match would hide an item.")


_OWN_PARAMETERS = ("startTime", "endTime", "organizationId", "offset", "limit")


def _check_sources(placed: Placed[MerchantEntry]) -> None:
    entry = placed.entry
    for i, source in enumerate(entry.sources):
        for other in entry.sources[:i]:
            if source.name == other.name:
                what = f"two sources are named {source.name!r}"
                placed.report(("sources", i, "name"), what, "Rename one.")
            if (source.kind, source.remote_name) == (other.kind, other.remote_name):
                what = f"{source.remote_name!r} is subscribed twice, so its lines would count twice"
                placed.report(("sources", i, "remote_name"), what, "Remove one of the two sources.")
        if source.kind is SourceKind.acquirer and not entry.acquirer_conn_id:
            what = f"source {source.name!r} needs a connection to the acquirer"
            placed.report(("sources", i, "kind"), what, "Add 'acquirer_conn_id: ...' above.")
    accounts = {account.account_id for account in entry.bank_accounts.values()}
    for i, source in enumerate(entry.sources):
        if source.kind is SourceKind.bank and source.remote_name not in accounts:
            what = f"no bank account of this merchant is {source.remote_name!r}"
            do = did_you_mean(source.remote_name, accounts)
            placed.report(("sources", i, "remote_name"), what, do)


def _check_parameters(placed: Placed[MerchantEntry]) -> None:
    for i, source in enumerate(placed.entry.sources):
        if source.parameters and source.kind is not SourceKind.service:
            what = f"source {source.name!r} is a {source.kind}, and only a service takes parameters"
            placed.report(("sources", i, "parameters"), what, "Remove them.")
        for name in source.parameters:
            if name in _OWN_PARAMETERS:
                what = f"the parameter {name!r} is set for each day"
                placed.report(("sources", i, "parameters", name), what, "Remove it.")


def _check_template(placed: Placed[MerchantEntry], entries: Entries) -> None:
    entry, templates = placed.entry, of_kind(entries, GlTemplateEntry)
    named = [t for t in templates if t.entry.name == entry.gl_template]
    if not named:
        do = did_you_mean(entry.gl_template, (t.entry.name for t in templates))
        what = f"there is no GL template {entry.gl_template!r}"
        placed.report(("gl_template",), what, do)
    roles = (*_ROLES, *_CLASSES, *(("acquirer_payable",) if entry.fees_as_ap_invoice else ()))
    for template in named:
        for role in dict.fromkeys(roles):
            if role not in template.entry.accounts:
                what = f"GL template {template.entry.name!r} has no account for {role!r}"
                template.report(("accounts",), what, f"Add the line '{role}: \"<account>\"'.")


def _check_rates(placed: Placed[MerchantEntry], entries: Entries) -> None:
    entry = placed.entry
    pairs = {(p.entry.from_currency, p.entry.to_currency) for p in of_kind(entries, FxRatesEntry)}
    for i, currency in enumerate(entry.currencies):
        if currency != entry.base_currency and (currency, entry.base_currency) not in pairs:
            what = (
                f"{currency} is booked in {entry.base_currency}, but fx_rates.yaml has no such rate"
            )
            do = f"Add an entry 'from_currency: {currency}', 'to_currency: {entry.base_currency}'."
            placed.report(("currencies", i), what, do)


def _check_fee_codes(placed: Placed[MerchantEntry], entries: Entries) -> None:
    layouts = {p.entry.layout for p in of_kind(entries, FeeCodesEntry)}
    for i, source in enumerate(placed.entry.sources):
        if LineClass.fee in source.supplies and source.layout not in layouts:
            what = f"layout {source.layout!r} supplies fees, but fee_codes.yaml does not map it"
            do = f"Add an entry 'layout: {source.layout}' there, or correct the name."
            placed.report(("sources", i, "layout"), what, do)


def _check_kinds(entries: Entries) -> None:
    """A fee kind without an account would stop a posting at night; stop it here instead."""
    templates = of_kind(entries, GlTemplateEntry)
    for placed in of_kind(entries, FeeCodesEntry):
        for code, kind in placed.entry.codes.items():
            for template in templates:
                if f"fee.{kind}" in template.entry.accounts:
                    continue
                known = [r[4:] for r in template.entry.accounts if r.startswith("fee.")]
                what = (
                    f"fee kind {kind!r} has no account in GL template {template.entry.name!r} "
                    f"({template.place('accounts')})"
                )
                do = f"Add 'fee.{kind}: \"<account>\"' there. {did_you_mean(kind, known)}"
                placed.report(("codes", code), what, do)


def _check_schedules(entries: Entries) -> None:
    merchants = {p.entry.merchant_id: p.entry for p in of_kind(entries, MerchantEntry)}
    kinds = {kind for p in of_kind(entries, FeeCodesEntry) for kind in p.entry.codes.values()}
    for placed in of_kind(entries, FeeScheduleEntry):
        entry = placed.entry
        merchant = merchants.get(entry.merchant_id)
        if merchant is None:
            what = f"there is no merchant {entry.merchant_id!r}"
            placed.report(("merchant_id",), what, did_you_mean(entry.merchant_id, merchants))
        elif entry.currency not in merchant.currencies:
            what = f"{entry.merchant_id} does not settle {entry.currency}"
            do = did_you_mean(entry.currency, merchant.currencies)
            placed.report(("currency",), what, do)
        for kind in entry.rates:
            if kind not in kinds:
                what = f"no source reports a fee of kind {kind!r}"
                placed.report(("rates", kind), what, did_you_mean(kind, kinds))
        for card, whole in _percent_sums(entry):
            if whole > 1_000_000:
                text = f"{whole // 10_000}.{whole % 10_000:04d}"
                what = f"the percentages{card} sum to {text}, more than 100"
                placed.report(("rates",), what, "Correct the rate that is too large.")


def _percent_sums(entry: FeeScheduleEntry) -> Iterator[tuple[str, int]]:
    """Yield each card type's sum of shares, in millionths; '' where cards are not told apart."""
    flat = sum(percent_millionths(r.percent) for r in entry.rates.values())
    cards = {card for r in entry.rates.values() for card in r.percent_by_card}
    for card in sorted(cards) or [""]:
        by_card = (r.percent_by_card.get(card, "0") for r in entry.rates.values())
        yield (f" of {card}" if card else ""), flat + sum(percent_millionths(p) for p in by_card)


def _check_reasons(networks: Iterable[Placed[ChargebackReasonsEntry]]) -> None:
    seen: dict[str, Placed[Any]] = {}
    for placed in networks:
        for code in placed.entry.codes:
            first = seen.setdefault(code, placed)
            if first.entry.network != placed.entry.network:
                what = f"reason {code!r} is also a code of {first.entry.network}"
                do = f"Keep one; the other is on line {first.line('codes', code)}."
                placed.report(("codes", code), what, do)
