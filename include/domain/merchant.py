"""A merchant as configured in ``include/mappings/merchants.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time
from enum import StrEnum
from typing import NamedTuple

from include.domain.errors import Rejected
from include.domain.settlement import LineClass


class SourceKind(StrEnum):
    """How a source's bytes are obtained."""

    report = "report"  # a Cybersource report download
    service = "service"  # a Cybersource JSON reporting service
    acquirer = "acquirer"  # a statement file of declared layout, from the acquirer's server
    bank = "bank"  # a bank statement


EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Source:
    """One feed of a merchant and the classes it supplies."""

    name: str  # the merchant's own word, e.g. batch_detail; unique per merchant
    kind: SourceKind
    remote_name: str  # report name, service path or bank account id
    layout: str  # a name in include/adapters/layouts
    supplies: tuple[LineClass, ...]
    mime_type: str = "text/csv"
    is_required: bool = True  # awaited until it comes; otherwise the day goes on without it
    awaited_days: int = 7  # not required: asked for again this long after its day; 0 is never
    comes_on: frozenset[int] = EVERY_DAY  # weekdays whose file there is; Monday is 0
    # Of a service: what it is asked for beyond window and organization, as the vendor names it.
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)

    def undemanded(self) -> "Source":
        """Return it as of a day on which it may come, and nobody waits for it."""
        return replace(self, is_required=False, awaited_days=0)


class BankAccount(NamedTuple):
    """Where the funding of one currency arrives."""

    account_id: str  # as the bank names it
    bank_code: str  # SYSPRO cash book


class ErpCondition(NamedTuple):
    """What an AR document must fulfil to be this merchant's; a document fulfils all of them."""

    column: str  # of SYSPRO's ArInvoice: Branch, TermsCode, Customer, Salesperson or Area
    condition: str  # EQ or NE
    value: str  # as SYSPRO stores it; letter case does not matter


class JournalPolicy(StrEnum):
    """What becomes of a day's journals."""

    post = "post"
    shadow = "shadow"  # built and reported, never posted: the books are kept in another way so far


class PeriodPolicy(StrEnum):
    """What to do when the posting period is closed; accounting reference, section 5."""

    park = "park"
    next_open = "next_open"


class WriteOffPolicy(StrEnum):
    """Who decides that a dispute whose deadline has passed is written off."""

    ask = "ask"  # a person, each time
    within_tolerance = "within_tolerance"  # alone up to the approval tolerance, as other journals


@dataclass(frozen=True, slots=True)
class DisputeRules:
    """What happens to chargebacks nobody contests; the defaults post nothing by themselves."""

    warn_days: int = 5  # calendar days before the deadline from which it is an open item
    write_off: WriteOffPolicy = WriteOffPolicy.ask


@dataclass(frozen=True, slots=True)
class Merchant:
    """One merchant account and how its days are settled."""

    merchant_id: str
    organization_id: str  # Cybersource
    zone: str  # IANA; the settlement day's calendar
    cut_off: time
    currencies: tuple[str, ...]
    company_id: str  # SYSPRO
    base_currency: str
    bank_accounts: Mapping[str, BankAccount] = field(hash=False)  # by currency
    cybersource_conn_id: str
    syspro_conn_id: str
    bank_conn_id: str
    sources: tuple[Source, ...]
    gl_template: str  # a name in include/mappings/gl_templates.yaml
    fees_as_ap_invoice: bool
    ap_supplier: str  # SYSPRO supplier of the acquirer; '' where fees are journal lines
    split_at_month_end: bool
    period_policy: PeriodPolicy
    amount_tolerance_minor: int  # a match may differ by this much
    date_tolerance_days: int
    approval_tolerance_minor: int  # open items beyond this ask a person
    settlement_sla_days: int  # a document not settled after this is missing
    erp_sla_days: int  # a line without document after this is missing
    funding_sla_days: int
    owner: str  # who is asked
    notify: tuple[str, ...] = ()  # mail addresses
    acquirer_conn_id: str = ""  # where statements of the acquirer come from; '' without any
    erp_documents: tuple[ErpCondition, ...] = ()  # () is every AR document of the company
    disputes: DisputeRules = DisputeRules()
    journals: JournalPolicy = JournalPolicy.post

    @property
    def is_shadow(self) -> bool:
        """Say whether nothing of the day is posted, nor anybody asked about it."""
        return self.journals is JournalPolicy.shadow

    def source(self, name: str) -> Source:
        """Return the source of that name; a missing one is our own bug."""
        return next(source for source in self.sources if source.name == name)

    def ended(self) -> "Merchant":
        """Return it as its days go on after its end: what comes is taken, no report is waited for.

        A bank statement may still bring its last money, so one is asked for as before.
        """
        sources = (one.undemanded() if one.is_required else one for one in self.sources)
        return replace(self, sources=tuple(sources))

    def on(self, day: date) -> "Merchant":
        """Return it without waiting for a source that has no file of such a day of the week."""
        weekday = day.weekday()
        sources = (one if weekday in one.comes_on else one.undemanded() for one in self.sources)
        return replace(self, sources=tuple(sources))

    @property
    def reports_funding(self) -> bool:
        """Say whether a report tells of funding; otherwise the bank statement is all there is."""
        return any(
            LineClass.funding in source.supplies and source.kind is not SourceKind.bank
            for source in self.sources
        )

    def bank_account(self, currency: str) -> BankAccount:
        """Return the account that receives ``currency``.

        Raises:
            Rejected: none is configured; the message holds the line to add.
        """
        found = self.bank_accounts.get(currency)
        if found is None:
            raise Rejected(
                f"merchant {self.merchant_id!r} has no bank account for {currency!r}",
                f"merchants.yaml, {self.merchant_id}",
                f'Add the line \'{currency}: {{account_id: "...", bank_code: "..."}}\' under '
                f"bank_accounts of {self.merchant_id}.",
            )
        return found
