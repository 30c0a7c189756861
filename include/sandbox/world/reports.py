"""What each report says, as headings and rows of text; how it is written is the server's matter.

The classic headings are those of the vendor's format, version 1.10; the others are synthetic after
one rule: ``Request.*`` fields are ``requestID``, ``merchantID``, ``transactionDate`` and
``merchantReferenceNumber``, any other ``Group.Field`` is ``group_field`` in lower camel case.

Signs: classic amounts are unsigned (the application says what they are); in custom reports, made
with ``signedAmounts``, refunds and chargebacks are negative; fees are unsigned costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from include.sandbox.world import dates
from include.sandbox.world.facts import MERCHANTS, ReportFacts
from include.sandbox.world.report_rows import (
    MAKERS,
    RESTATED_CASE_MINOR,
    RESTATED_FEE_MINOR,
    Row,
    dropped,
)
from include.sandbox.world.settlement import SettlementDay

if TYPE_CHECKING:
    from include.sandbox.world.world import World


@dataclass(frozen=True, slots=True)
class Content:
    """One report of one window: headings and rows, before any format."""

    facts: ReportFacts
    organization_id: str
    day: date
    start_at: datetime
    end_at: datetime
    zone: str
    columns: Row
    rows: tuple[Row, ...]

    def dicts(self) -> list[dict[str, str]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def facts_of(organization_id: str, report_name: str) -> ReportFacts:
    """Return the subscription of that name; ``KeyError`` where there is none."""
    for facts in MERCHANTS[organization_id].reports:
        if facts.name == report_name:
            return facts
    raise KeyError(report_name)


def content(world: World, organization_id: str, name: str, day: date, version: int) -> Content:
    """Return a report's content in one version; versions above 1 are restatements."""
    facts = facts_of(organization_id, name)
    merchant = MERCHANTS[organization_id]
    columns, make = MAKERS[facts.content]
    start_at, end_at = dates.local_window(day, merchant.zone)
    rows = tuple(make(world, organization_id, day, version))
    return Content(
        facts, organization_id, day, start_at, end_at, merchant.zone, tuple(columns.split()), rows
    )


def has_rows(world: World, organization_id: str, name: str, day: date) -> bool:
    """Say whether a report of a day has rows; sales and fees always do."""
    word = facts_of(organization_id, name).content
    if word in ("funding", "deposit"):
        return bool(world.trade(organization_id).funded_on(day))
    if word == "disputes":
        settled, trade = world.settled(organization_id, day), world.trade(organization_id)
        return bool(settled.disputes or trade.retrievals(day) or trade.notices(day))
    if word == "conversion_xml":
        return bool(world.trade(organization_id).conversions(day))
    return True


def changes(
    world: World, organization_id: str, name: str, day: date, version: int
) -> list[dict[str, str]]:
    """Return how a version differs from the first: removed rows and changed fields."""
    first = content(world, organization_id, name, day, 1).dicts()
    then = content(world, organization_id, name, day, version)
    found: list[dict[str, str]] = []
    kept = iter(then.dicts())
    candidate = next(kept, None)
    for row in first:
        if candidate is None or _key(row) != _key(candidate):
            found.append({"change": "removed", **_key(row)})
            continue
        found += [
            {"change": "field", **_key(row), "column": c, "from": row[c], "to": candidate[c]}
            for c in then.columns
            if row[c] != candidate[c]
        ]
        candidate = next(kept, None)
    return found


def restated_minor(world: World, organization_id: str, day: date, currency: str) -> int:
    """Return by how much restatements change a batch's net, signed from the merchant."""
    total = 0
    settled = world.settled(organization_id, day)
    for owner, name, when, version in world.restated():
        if (owner, when) != (organization_id, day):
            continue
        word = facts_of(owner, name).content
        if word in ("batch_classic", "batch_xml", "processor_settlement"):
            gone = dropped(settled, version)
            total -= sum(t.amount_minor for t in gone if t.currency == currency)
        elif currency == _first_currency(settled, word):
            once = RESTATED_CASE_MINOR if word == "disputes" else RESTATED_FEE_MINOR
            total -= once * (version - 1)
    return total


def _first_currency(settled: SettlementDay, word: str) -> str:
    """Return the currency of the row that a restatement of fees or disputes changes, or ''."""
    found = {
        "fee_detail": [fee.transaction.currency for fee in settled.fee_lines[:1]],
        "fee_summary": [row.currency for row in settled.fee_rows[:1]],
        "disputes": [case.currency for case in settled.disputes[:1]],
    }
    return (found.get(word) or [""])[0]


def _key(row: dict[str, str]) -> dict[str, str]:
    names = ("request_id", "requestID", "feeSummary_feeType", "feeSummary_cardType")
    more = ("feeSummary_fundingCurrency", "deposit_identifier", "chargebackAndRetrieval_caseNumber")
    return {name: row[name] for name in (*names, *more) if name in row}
