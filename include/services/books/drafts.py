"""What a batch should be booked as, under the mapping version it began with."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from include.domain.accounts import GlTemplate
from include.domain.journal import Journal, JournalKind, JournalLine
from include.domain.merchant import Merchant
from include.domain.settlement import SettlementDay
from include.services.books.dates import PostingDate
from include.services.books.journal_lines import (
    FX_ROUNDING,
    PAYABLE,
    Amounts,
    in_base,
    invoice_amounts,
    settlement_amounts,
)
from include.services.books.ports import BookMappings
from include.services.books.restate import Chain, first_version
from include.services.books.sums import BatchSums

_BILL_NAME = 8  # characters
Held = Mapping[str, tuple[int, int]]  # by source: minor units, and the base minor units they are
_CONVERTED: Held = {}  # every line at the batch's own rate


@dataclass(frozen=True, slots=True)
class Basis:
    """What decides how a batch is booked; kept with the journal as long as the batch is open.

    A mapping that changes meanwhile does not move what is booked: only lines that changed post,
    by the accounts, roles and rate they began with. Nothing is booked yet of what nobody has
    approved or SYSPRO refused: that follows today's mapping, or no mistake could be mended.
    """

    roles: Mapping[str, str]  # "class|layout|code" -> role
    template: GlTemplate
    rate_millionths: int
    fees_as_invoice: bool
    mapping_version: str


def basis_of(
    batch: BatchSums,
    chain: Chain,
    merchant: Merchant,
    mappings: BookMappings,
    when: PostingDate,
) -> Basis:
    """Return the basis of a batch: the one it began with, completed by today's mappings.

    Raises:
        Rejected: a fee code, account or rate is not mapped; the message holds the line to add.
    """
    began = chain.decided_records[-1] if chain.decided_records else None
    known: Mapping[str, str] = began.control.get("roles", {}) if began else {}
    roles = {
        "|".join(name): known.get("|".join(name)) or _role(name, mappings, when)
        for name in batch.sums
    }
    template = mappings.gl_template(merchant.gl_template, when.posts_on)
    if began is None:
        rate = mappings.fx_rate(batch.currency, merchant.base_currency, when.posts_on)
        return Basis(roles, template, rate, merchant.fees_as_ap_invoice, mappings.version)
    accounts = chain.accounts
    template = replace(template, accounts={**template.accounts, **accounts})
    as_invoice = merchant.fees_as_ap_invoice
    if PAYABLE in accounts or any(source.startswith("fee.") for source in accounts):
        as_invoice = PAYABLE in accounts
    return Basis(
        {**known, **roles},
        template,
        began.journal.rate_millionths,
        as_invoice,
        began.mapping_version,
    )


def _role(name: tuple[str, str, str], mappings: BookMappings, when: PostingDate) -> str:
    line_class, layout, code = name
    if line_class != "fee":
        return line_class
    return f"fee.{mappings.fee_kind(layout, code, when.wanted)}"


def sums_by_role(batch: BatchSums, basis: Basis) -> dict[str, int]:
    """Return minor units by role, signed from the merchant."""
    found: dict[str, int] = {}
    for name, minor in batch.sums.items():
        role = basis.roles["|".join(name)]
        found[role] = found.get(role, 0) + minor
    return found


def settlement_draft(
    day: SettlementDay,
    merchant: Merchant,
    batch: BatchSums,
    basis: Basis,
    when: PostingDate,
    held: Held = _CONVERTED,
) -> Journal | None:
    """Return what the batch's settlement journal should say, or ``None``: every class is zero.

    ``held``: what its accounts hold at another rate than the batch's, see ``in_base``.
    """
    amounts = settlement_amounts(
        sums_by_role(batch, basis), basis.template, fees_as_invoice=basis.fees_as_invoice
    )
    return _draft(day, merchant, batch, basis, when, amounts, JournalKind.settlement, held)


def invoice_draft(
    day: SettlementDay, merchant: Merchant, batch: BatchSums, basis: Basis, when: PostingDate
) -> Journal | None:
    """Return what the acquirer's bill should say, or ``None``: no bill is booked."""
    if not basis.fees_as_invoice:
        return None
    amounts = invoice_amounts(sums_by_role(batch, basis), basis.template)
    return _draft(day, merchant, batch, basis, when, amounts, JournalKind.fee_invoice)


def _draft(
    day: SettlementDay,
    merchant: Merchant,
    batch: BatchSums,
    basis: Basis,
    when: PostingDate,
    amounts: Amounts,
    kind: JournalKind,
    held: Held = _CONVERTED,
) -> Journal | None:
    lines = _lines(amounts, batch.currency, merchant, basis, held)
    if not lines:
        return None
    what = "Card settlement" if kind is JournalKind.settlement else "Acquirer fees"
    details: dict[str, str] = {}
    bill = ""
    if kind is JournalKind.fee_invoice:
        details = {
            "supplier": merchant.ap_supplier,
            "invoice": _invoice_number(day, batch),
            "contra_account": basis.template.account(PAYABLE),
        }
        bill = f", statement {batch.statement_id}" if batch.statement_id else ""
    return first_version(
        day,
        merchant,
        kind,
        batch.part_id,
        when.posts_on,
        rate_millionths=basis.rate_millionths,
        lines=lines,
        narrative=f"{what} {batch.batch_id} of {day.settlement_date}{bill}{when.words}",
        details=details,
    )


def _lines(
    amounts: Amounts, currency: str, merchant: Merchant, basis: Basis, held: Held
) -> tuple[JournalLine, ...]:
    if not amounts.minor:
        return ()
    is_foreign = currency != merchant.base_currency
    rounding = basis.template.account(FX_ROUNDING) if is_foreign else ""
    rate, base_currency = basis.rate_millionths, merchant.base_currency
    return in_base(amounts, currency, base_currency, rate, rounding, held)


def _invoice_number(day: SettlementDay, batch: BatchSums) -> str:
    """Name a bill at its supplier: the end of the acquirer's own name, and what makes it unique.

    SYSPRO takes one invoice of a number per supplier, of at most 20 characters. One statement may
    bill several batches, a batch may have two currencies, its number may be used again on another
    day, and merchants may share a supplier; so all of these are in the digest. Five characters are
    left for the version, which ``restate.py`` adds.
    """
    whole = f"{day.merchant_id}|{day.settlement_date}|{batch.part_id}|{batch.currency}"
    digest = hashlib.sha256(whole.encode()).hexdigest()[:6].upper()
    name = (batch.statement_id or batch.batch_id)[-_BILL_NAME:].lstrip("-")
    return f"{name}-{digest}"
