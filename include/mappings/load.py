"""Load ``include/mappings``: every problem of every file at once, or rules that can be trusted."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from include.domain.accounts import GlTemplate
from include.domain.alerts import AlertKind, AlertRule
from include.domain.chargeback_reasons import ChargebackReason
from include.domain.fees import FeeRate, FeeSchedule
from include.domain.merchant import BankAccount, DisputeRules, ErpCondition, Merchant, Source
from include.mappings.files import FILES
from include.mappings.in_force import InForce
from include.mappings.load_orders import order_tables
from include.mappings.nodes import Document, read_document
from include.mappings.parse import Placed, dated, parse_entries
from include.mappings.problems import Problem, refuse
from include.mappings.rules import check_rules, of_kind
from include.mappings.rules_orders import check_order_tables
from include.mappings.schema import (
    WEEKDAYS,
    ChargebackReasonsEntry,
    Entry,
    FeeCodesEntry,
    FeeRateRow,
    FeeScheduleEntry,
    FxRatesEntry,
    GlTemplateEntry,
    MerchantEntry,
    percent_millionths,
    rate_millionths,
)
from include.mappings.schema_orders import AlertEntry
from include.mappings.secrets import find_secrets
from include.mappings.tables import FxRates, Mappings

SHIPPED = Path(__file__).parent
Contents = tuple[tuple[str, bytes], ...]  # name and bytes of every YAML file of a folder


def load_mappings(folder: Path | None = None) -> Mappings:
    """Read and check every mapping; what holds the same bytes as last time is not checked again.

    Args:
        folder: where the YAML files are; the shipped ones by default.

    Raises:
        Rejected: something is wrong; the message names every problem with file, line and fix.
    """
    return _checked(_contents(folder or SHIPPED))


@lru_cache(maxsize=2)  # the process that forks tasks checks once for all of them
def _checked(contents: Contents) -> Mappings:
    entries, problems = _judged(contents)
    if problems:
        raise refuse(problems)
    return _tables(entries)


def load_alert_rule(kind: AlertKind, on: date, folder: Path | None = None) -> AlertRule | None:
    """Return whom to tell of a kind, though every other mapping, or another rule, were broken.

    Raises:
        Rejected: ``alerts.yaml`` cannot be read so far that it can be said.
    """
    file = "alerts.yaml"
    document = _read(file, dict(_contents(folder or SHIPPED)).get(file))
    rules = of_kind(parse_entries(document), AlertEntry)
    found = order_tables(rules).alert(kind, on)
    if found is None and document.problems:
        raise refuse(document.problems)
    return found


def read_mappings(folder: Path) -> tuple[list[Placed[Entry]], list[Problem]]:
    """Return the sound entries and every problem, sorted by place."""
    return _judged(_contents(folder))


def _contents(folder: Path) -> Contents:
    paths = sorted(p for p in folder.iterdir() if p.suffix in (".yaml", ".yml"))
    return tuple((path.name, path.read_bytes()) for path in paths)


def _judged(contents: Contents) -> tuple[list[Placed[Entry]], list[Problem]]:
    files = dict(contents)
    documents, entries = [], []
    for file in FILES:
        document = _read(file, files.get(file))
        documents.append(document)
        entries += parse_entries(document)
        find_secrets(document)
    faults = [problem for document in documents for problem in document.problems]
    if not faults:  # rules between entries would only repeat what is wrong inside one
        check_rules(entries)
        check_order_tables(entries)
        faults = [problem for document in documents for problem in document.problems]
    faults += _strangers(files)
    return entries, sorted(set(faults))


def _read(file: str, content: bytes | None) -> Document:
    if content is not None:
        return read_document(file, content)
    missing = Document(file)
    missing.report(1, "the file is missing", f"Create {file} with its list.")
    return missing


def _strangers(files: Iterable[str]) -> list[Problem]:
    """A file of another name would be ignored in silence: somebody thinks it is in force."""
    do = f"Rename or remove it; read here are {', '.join(FILES)}."
    return [Problem(n, 1, "no such mapping is known", do) for n in files if n not in FILES]


def _tables(entries: list[Placed[Entry]]) -> Mappings:
    schedules = of_kind(entries, FeeScheduleEntry)
    templates = of_kind(entries, GlTemplateEntry)
    pairs = of_kind(entries, FxRatesEntry)
    codes = of_kind(entries, FeeCodesEntry)
    return Mappings(
        version=_version(entries),
        merchants=dated(of_kind(entries, MerchantEntry), lambda e: e.merchant_id, _merchant),
        templates=dated(templates, lambda e: e.name, _template),
        fee_codes=dated(codes, lambda e: e.layout, lambda p: p.entry.codes),
        schedules=dated(schedules, lambda e: f"{e.merchant_id}|{e.currency}", _schedule),
        reasons=_reasons(of_kind(entries, ChargebackReasonsEntry)),
        rates=dated(pairs, lambda e: (e.from_currency, e.to_currency), _fx_rates),
        orders=order_tables(entries),
    )


def _version(entries: Sequence[Placed[Entry]]) -> str:
    content = [[p.document.file, p.entry.model_dump(mode="json")] for p in entries]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _merchant(placed: Placed[MerchantEntry]) -> Merchant:
    entry = placed.entry
    return Merchant(
        merchant_id=entry.merchant_id,
        organization_id=entry.organization_id,
        zone=entry.zone,
        cut_off=entry.cut_off_time,
        currencies=tuple(entry.currencies),
        company_id=entry.company_id,
        base_currency=entry.base_currency,
        bank_accounts={
            currency: BankAccount(row.account_id, row.bank_code)
            for currency, row in entry.bank_accounts.items()
        },
        cybersource_conn_id=entry.cybersource_conn_id,
        syspro_conn_id=entry.syspro_conn_id,
        bank_conn_id=entry.bank_conn_id,
        acquirer_conn_id=entry.acquirer_conn_id,
        erp_documents=tuple(
            ErpCondition(row.column, row.condition, row.value) for row in entry.erp_documents
        ),
        sources=_sources(entry),
        gl_template=entry.gl_template,
        fees_as_ap_invoice=entry.fees_as_ap_invoice,
        ap_supplier=entry.ap_supplier,
        split_at_month_end=entry.split_at_month_end,
        period_policy=entry.period_policy,
        amount_tolerance_minor=entry.amount_tolerance_minor,
        date_tolerance_days=entry.date_tolerance_days,
        approval_tolerance_minor=entry.approval_tolerance_minor,
        settlement_sla_days=entry.settlement_sla_days,
        erp_sla_days=entry.erp_sla_days,
        funding_sla_days=entry.funding_sla_days,
        owner=entry.owner,
        notify=tuple(entry.notify),
        disputes=DisputeRules(entry.disputes.warn_days, entry.disputes.write_off),
        journals=entry.journals,
    )


def _sources(entry: MerchantEntry) -> tuple[Source, ...]:
    return tuple(
        Source(
            name=row.name,
            kind=row.kind,
            remote_name=row.remote_name,
            layout=row.layout,
            supplies=tuple(row.supplies),
            mime_type=row.mime_type,
            is_required=row.is_required,
            awaited_days=row.awaited_days,
            comes_on=frozenset(map(WEEKDAYS.index, row.comes_on)),
            parameters=row.parameters,
        )
        for row in entry.sources
    )


def _template(placed: Placed[GlTemplateEntry]) -> GlTemplate:
    entry = placed.entry
    return GlTemplate(entry.name, entry.accounts, placed.place("accounts"))


def _schedule(placed: Placed[FeeScheduleEntry]) -> FeeSchedule:
    entry = placed.entry
    rates = {kind: _fee_rate(kind, row) for kind, row in entry.rates.items()}
    return FeeSchedule(entry.currency, rates)


def _fee_rate(kind: str, row: FeeRateRow) -> FeeRate:
    return FeeRate(
        fee_kind=kind,
        rate_millionths=percent_millionths(row.percent),
        card_rates={card: percent_millionths(p) for card, p in row.percent_by_card.items()},
        per_item_minor=row.per_item_minor,
        tolerance_minor=row.tolerance_minor,
        charged_on=tuple(row.charged_on),
    )


def _reasons(
    networks: Sequence[Placed[ChargebackReasonsEntry]],
) -> Mapping[str, list[InForce[ChargebackReason]]]:
    found: dict[str, list[InForce[ChargebackReason]]] = defaultdict(list)
    for p in networks:
        for code, row in p.entry.codes.items():
            reason = ChargebackReason(code, p.entry.network, row.meaning, row.respond_within_days)
            since, until = p.entry.effective_from, p.entry.effective_to
            found[code].append(InForce(reason, since, until, p.place("codes", code)))
    return dict(found)


def _fx_rates(placed: Placed[FxRatesEntry]) -> FxRates:
    entry = placed.entry
    rates = sorted((day, rate_millionths(rate)) for day, rate in entry.rates.items())
    return FxRates(tuple(rates), timedelta(days=entry.max_age_days))
