"""How a report's content becomes bytes: classic and custom CSV, the batch XML, the review XML."""

import csv
import io
from collections.abc import Callable, Iterable
from xml.sax.saxutils import escape, quoteattr

from include.sandbox.world.dates import utc_text
from include.sandbox.world.reports import Content

_SCHEMAS = "https://api.cybersource.com/reporting/v3"
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'


def render(content: Content) -> bytes:
    """Return the file of a report, as it is generated once and then only copied."""
    return _WRITERS.get(content.facts.content, _custom_csv)(content)


def _classic_csv(content: Content) -> bytes:
    return _csv(content, _window_line(content), "\n")


def _custom_csv(content: Content) -> bytes:
    return _csv(content, _window_line(content), "\r\n")


def _legacy_csv(content: Content) -> bytes:
    day = content.day.isoformat()
    facts = content.facts
    return _csv(content, (facts.title, facts.version, f"{day} to {day}"), "\n")


def _window_line(content: Content) -> tuple[str, ...]:
    facts = content.facts
    definition = facts.definition.removesuffix("Class")
    window = f"{utc_text(content.start_at)} to {utc_text(content.end_at)}"
    return content.organization_id, facts.name, definition, facts.version, window


def _csv(content: Content, first: Iterable[str], line_end: str) -> bytes:
    """Write line 1, padded to the number of columns, then headings and rows."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=line_end)
    head = list(first)
    writer.writerow(head + [""] * (len(content.columns) - len(head)))
    writer.writerow(content.columns)
    writer.writerows(content.rows)
    return out.getvalue().encode()


def _batch_xml(content: Content) -> bytes:
    facts = content.facts
    definition = facts.definition.removesuffix("Class")
    space = f"{_SCHEMAS}/dtds/pbdr"
    parts = [
        _DECLARATION,
        f'\n<!DOCTYPE Report SYSTEM "{space}">\n',
        f"<Report Name={quoteattr(facts.title)} Type={quoteattr(definition)} "
        f"Version={quoteattr(facts.version)} xmlns={quoteattr(space)} "
        f"OrganizationID={quoteattr(content.organization_id)} "
        f"ReportStartDate={quoteattr(utc_text(content.start_at))} "
        f"ReportEndDate={quoteattr(utc_text(content.end_at))}>\n  <Requests>\n",
    ]
    parts += [_request_xml(row) for row in content.dicts()]
    parts.append("  </Requests>\n</Report>\n")
    return "".join(parts).encode()


def _request_xml(row: dict[str, str]) -> str:
    """Write one request: a sale has two replies and two amounts, paired by position."""
    reference = row["merchant_ref_number"]
    named = f" MerchantReferenceNumber={quoteattr(reference)}" if reference else ""
    names = row["applications"].split(",")
    if int(row["request_id"][-1]) % 2:  # real files do not promise an order
        names.reverse()
    replies = "".join(_reply_xml(name) for name in names)
    amounts = "".join(_amount_xml(row, name) for name in names)
    card = row["card_type"]
    method = f"<PaymentMethod><Card><CardType>{escape(card)}</CardType></Card></PaymentMethod>"
    return (
        f"    <Request MerchantID={quoteattr(row['merchant_id'])} "
        f"RequestID={quoteattr(row['request_id'])} "
        f'RequestDate={quoteattr(row["transaction_date"])}{named} Source="REST API">\n'
        f"      {method if card else ''}\n"
        f"      <ApplicationReplies>{replies}</ApplicationReplies>\n"
        f"      <PaymentData>{amounts}</PaymentData>\n"
        f"      <BATCH><BatchID>{row['batch_id']}</BatchID>"
        f"<BatchDate>{row['batch_date']}</BatchDate>"
        f"<Status>{row['status']}</Status></BATCH>\n"
        f"    </Request>\n"
    )


def _reply_xml(name: str) -> str:
    return (
        f"<ApplicationReply Name={quoteattr(name)}><RCode>1</RCode><ReasonCode>100</ReasonCode>"
        "<RFlag>SOK</RFlag><RMsg>Request was processed successfully.</RMsg></ApplicationReply>"
    )


def _amount_xml(row: dict[str, str], application: str) -> str:
    amount = row["authorized"] if application == "ics_auth" else row["amount"]
    reference = row["trans_ref_no"]
    return (
        f"<PaymentInfo><Amount>{amount}</Amount><CurrencyCode>{row['currency']}</CurrencyCode>"
        f"<PaymentProcessor>sandboxacquirer</PaymentProcessor>"
        f"<TransactionReferenceNumber>{escape(reference)}</TransactionReferenceNumber>"
        "</PaymentInfo>"
    )


def _conversion_xml(content: Content) -> bytes:
    """Write the review decisions; the root's dates carry the zone twice, as the real ones do."""
    space = f"{_SCHEMAS}/dtds/cdr"
    parts = [
        _DECLARATION,
        f'\n<!DOCTYPE Report SYSTEM "{space}">\n',
        f'<Report Name={quoteattr(content.facts.title)}\n        Version="{content.facts.version}"'
        f'\n        xmlns="{space}"\n        MerchantID={quoteattr(content.organization_id)}'
        f'\n        ReportStartDate="{utc_text(content.start_at)}+00:00"'
        f'\n        ReportEndDate="{utc_text(content.end_at)}+00:00">\n',
    ]
    for row in content.dicts():
        parts.append(
            f"  <Conversion RequestID={quoteattr(row['requestID'])} "
            f"MerchantReferenceNumber={quoteattr(row['merchantReferenceNumber'])} "
            f"ConversionDate={quoteattr(row['conversionDate'])}>\n"
            f"    <NewDecision>{row['newDecision']}</NewDecision>\n"
            f"    <OriginalDecision>{row['originalDecision']}</OriginalDecision>\n"
            f"    <Profile>{escape(row['profile'])}</Profile>\n"
            f"    <Queue>{escape(row['queue'])}</Queue>\n"
            f"    <Reviewer>{escape(row['reviewer'])}</Reviewer>\n"
            f"    <ReviewerComments>{escape(row['reviewerComments'])}</ReviewerComments>\n"
            f"  </Conversion>\n"
        )
    parts.append("</Report>\n")
    return "".join(parts).encode()


_WRITERS: dict[str, Callable[[Content], bytes]] = {
    "batch_classic": _classic_csv,
    "batch_legacy": _legacy_csv,
    "batch_xml": _batch_xml,
    "conversion_xml": _conversion_xml,
}
