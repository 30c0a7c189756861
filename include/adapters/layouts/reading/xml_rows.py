"""Records of XML files, streamed; what they may declare is said in ``safe_xml``."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast
from xml.etree.ElementTree import Element, tostring

from include.adapters.layouts.reading.acquirer_rows import refuse_other_statement
from include.adapters.layouts.reading.csv_head import (
    refuse_non_text,
    refuse_unasked,
    window_between,
)
from include.adapters.layouts.reading.faults import (
    MAX_LINE_BYTES,
    FileFaultError,
    malformed,
    of,
    truncated,
)
from include.adapters.layouts.reading.plan import normalized
from include.adapters.layouts.reading.row_source import Row, RowSource
from include.adapters.layouts.shape import Layout, Xml
from include.adapters.safe_xml import DefusedXmlException, ParseError, read_events
from include.domain.errors import Rejected
from include.domain.money import Money
from include.services.files import Expected, FileFacts

_MAX_DEPTH = 64
_ENCODINGS = (b"utf-8", b"us-ascii", b"ascii")
_CUT_OFF = ("no element found", "unclosed token", "unclosed CDATA section")


def report_rows(path: Path, layout: Layout, expected: Expected) -> RowSource:
    """Open a report of the reporting service; see ``shape.Xml`` for its form."""
    form = layout.source
    if not isinstance(form, Xml):
        raise TypeError(f"{layout.name} is not XML")
    events = _elements(path)
    root = _root(events, form.root)
    name = root.get("Type") or root.get("Name") or ""
    if form.definition and normalized(form.definition) not in normalized(name):
        raise of("not_this_report", f"The report is {name[:80]!r}, not {form.definition!r}")
    org = root.get("OrganizationID") or root.get("MerchantID")
    window = window_between(root.get("ReportStartDate", ""), root.get("ReportEndDate", ""))
    facts = FileFacts(organization_id=org, window=window)
    refuse_unasked(facts, expected)

    def rows() -> Iterator[Row]:
        for record in _records(events, root, form.record):
            row = {name: _first(record, paths) for name, paths in form.paths.items()}
            yield row | _chosen_pair(record, form), tostring(record)

    return RowSource(facts, rows())


class _Watched(io.RawIOBase):
    """Bytes on their way to the parser; a tag that never ends is refused before it is built."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._open_bytes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, 65536) if size > 0 else 65536)
        end = data.rfind(b">")
        self._open_bytes = len(data) - end - 1 if end >= 0 else self._open_bytes + len(data)
        if self._open_bytes > MAX_LINE_BYTES:
            raise of("element_too_long", f"An element is longer than {MAX_LINE_BYTES} bytes")
        return data


def _elements(path: Path) -> Iterator[tuple[str, Element]]:
    """Yield parser events; every way of not being plain XML becomes a fault of the file."""
    with path.open("rb") as file:
        start = file.read(1024)
        refuse_non_text(start)
        _refuse_encoding(start)
        file.seek(0)
        try:
            yield from _bounded(file)
        except DefusedXmlException as error:
            kind = type(error).__name__
            raise of(
                "xml_declares",
                f"The file declares parts of its own, or names outside ones ({kind})",
            ) from None
        except ParseError as error:
            if any(word in str(error) for word in _CUT_OFF):
                raise truncated(f"the XML is not closed ({error})") from None
            raise malformed(f"The XML cannot be read ({error})") from None


def _refuse_encoding(start: bytes) -> None:
    declaration = start.split(b"?>")[0].lower() if start.lstrip().startswith(b"<?xml") else b""
    if b"encoding" in declaration and not any(name in declaration for name in _ENCODINGS):
        raise of("encoding_refused", "The XML declares an encoding other than UTF-8")


def _bounded(file: BinaryIO) -> Iterator[tuple[str, Element]]:
    depth = 0
    for event, element in read_events(cast("BinaryIO", _Watched(file))):
        depth += 1 if event == "start" else -1
        if depth > _MAX_DEPTH:
            raise malformed(f"Elements are nested deeper than {_MAX_DEPTH}")
        yield event, element


def _root(events: Iterator[tuple[str, Element]], wanted: str) -> Element:
    for _, element in events:
        if _local(element.tag) != wanted:
            raise of("not_this_report", f"The root is {_local(element.tag)[:80]!r}, not {wanted!r}")
        return element
    raise truncated("there is no element")


def _records(events: Iterator[tuple[str, Element]], root: Element, name: str) -> Iterator[Element]:
    """Yield finished elements of a name and forget them, so that memory stays bounded."""
    parents = [root]
    for event, element in events:
        if event == "start":
            parents.append(element)
            continue
        parents.pop()
        if _local(element.tag) == name:
            yield element
            if parents:
                parents[-1].remove(element)


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if _local(child.tag) == name]


def _first(record: Element, paths: Sequence[str]) -> str | None:
    """Return the text of the first path that is there; ``+`` paths belong to the chosen pair."""
    for path in paths:
        if not path.startswith("+"):
            found = _at(record, path)
            if found:
                return found
    return None


def _at(element: Element, path: str) -> str | None:
    step, _, rest = path.partition("/")
    if step.startswith("@"):
        return element.get(step[1:])
    for child in _children(element, step):
        found = _at(child, rest) if rest else (child.text or "").strip()
        if found:
            return found
    return None


def _all(element: Element, path: str) -> list[Element]:
    found = [element]
    for step in path.split("/"):
        found = [child for parent in found for child in _children(parent, step)]
    return found


def _chosen_pair(record: Element, form: Xml) -> dict[str, str | None]:
    """Return the columns of the payment that goes with the one money application."""
    if not form.pairs[0]:
        return {}
    replies = [reply.get("Name", "") for reply in _all(record, form.pairs[0])]
    payments = _all(record, form.pairs[1])
    columns: dict[str, str | None] = {"applications": ",".join(replies)}
    chosen = [index for index, name in enumerate(replies) if name in form.chosen]
    if len(payments) == len(replies) and len(chosen) == 1:
        payment = payments[chosen[0]]
        for column, paths in form.paths.items():
            below = [path[1:] for path in paths if path.startswith("+")]
            if below:
                columns[column] = _first(payment, below)
    return columns


def camt_rows(path: Path, layout: Layout, expected: Expected) -> RowSource:
    """Open a camt.053; statements of other accounts or days set the file aside."""
    events = _elements(path)
    _root(events, "Document")
    statements = [_statement(stmt) for stmt in _records(events, Element("none"), "Stmt")]
    if not statements:
        raise malformed("The document has no statement")
    for facts, _, _ in statements:
        refuse_other_statement(facts, expected)
    for _, _, check in statements:
        check()
    rows = (row for _, found, _ in statements for row in found)
    return RowSource(statements[0][0], rows)


def _statement(stmt: Element) -> tuple[FileFacts, list[Row], Callable[[], None]]:
    account = _at(stmt, "Acct/Id/IBAN") or _at(stmt, "Acct/Id/Othr/Id")
    currency = _at(stmt, "Acct/Ccy")
    rows = [_entry(entry, account, currency) for entry in _children(stmt, "Ntry")]
    facts = FileFacts(account_id=account, statement_date=_end_day(stmt))
    return facts, rows, lambda: _meet_balances(stmt, [row for row, _ in rows])


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        raise malformed(f"{text!r:.40} is not a date") from None


def _end_day(stmt: Element) -> date | None:
    """Return the last day of a statement; where it ends at midnight, the day before it."""
    start, end = _at(stmt, "FrToDt/FrDtTm"), _at(stmt, "FrToDt/ToDtTm")
    day = _date(end or _at(stmt, "FrToDt/ToDt") or _balance_day(stmt))
    if day and start and end and end[10:19] == "T00:00:00" and _date(start) != day:
        return day - timedelta(days=1)
    return day


def _balances(stmt: Element) -> dict[str, Element]:
    return {_at(b, "Tp/CdOrPrtry/Cd") or "": b for b in _children(stmt, "Bal")}


def _balance_day(stmt: Element) -> str | None:
    closing = _balances(stmt).get("CLBD")
    return None if closing is None else _at(closing, "Dt/Dt") or _at(closing, "Dt/DtTm")


# Of each payment of an entry: one payout may carry several, and each names its own batch.
_REFERENCES = ("Refs/EndToEndId", "RmtInf/Strd/CdtrRefInf/Ref", "Refs/InstrId")
_TEXTS = ("RmtInf/Ustrd", "AddtlTxInf")
_UNSAID = frozenset({"NOTPROVIDED", "NONREF"})  # what banks write where the payer gave nothing


def _said(entry: Element, paths: Sequence[str]) -> str | None:
    """Return what the payments of an entry say under the paths, each word once."""
    texts = [
        (found.text or "").strip()
        for payment in _all(entry, "NtryDtls/TxDtls")
        for path in paths
        for found in _all(payment, path)
    ]
    told = [text for text in texts if text and text.replace(" ", "").upper() not in _UNSAID]
    return " ".join(dict.fromkeys(told)) or None


def _entry(entry: Element, account: str | None, currency: str | None) -> Row:
    amounts = _children(entry, "Amt")
    booked = _at(entry, "BookgDt/Dt") or _at(entry, "BookgDt/DtTm")
    value = _at(entry, "ValDt/Dt") or _at(entry, "ValDt/DtTm")
    row: Mapping[str, str | None] = {
        "account_id": account,
        "entry_id": _at(entry, "AcctSvcrRef") or _at(entry, "NtryRef"),
        "booking_date": booked[:10] if booked else None,
        "value_date": value[:10] if value else None,
        "indicator": _at(entry, "CdtDbtInd"),
        "status": _at(entry, "Sts/Cd") or _at(entry, "Sts"),
        "reference": _said(entry, _REFERENCES) or _at(entry, "NtryRef"),
        "text": _said(entry, _TEXTS) or _at(entry, "AddtlNtryInf"),
        "amount": (amounts[0].text or "").strip() if amounts else None,
        "currency": amounts[0].get("Ccy", currency) if amounts else currency,
    }
    return row, tostring(entry)


def _meet_balances(stmt: Element, rows: Sequence[Mapping[str, str | None]]) -> None:
    """Opening plus booked entries must be the closing balance, where both are stated."""
    balances = _balances(stmt)
    opening, closing = balances.get("OPBD", balances.get("PRCD")), balances.get("CLBD")
    if opening is None or closing is None:
        return
    try:
        total = _signed(opening)
        for row in rows:
            if (row["status"] or "BOOK") == "BOOK":
                amount = Money.parse(row["amount"] or "", row["currency"] or "", "camt entry")
                total = total + (amount if row["indicator"] == "CRDT" else -amount)
        stated = _signed(closing)
    except (Rejected, ValueError):
        return  # an entry is unreadable: it is quarantined as a row, and the day's gate sees it
    if total != stated:
        raise of(
            "control_total_differs",
            f"Opening balance and entries give {total}, the closing balance says {stated}",
        )


def _signed(balance: Element) -> Money:
    amount = _children(balance, "Amt")[0]
    money = Money.parse((amount.text or "").strip(), amount.get("Ccy", ""), "camt balance")
    return money if _at(balance, "CdtDbtInd") == "CRDT" else -money


__all__ = ["FileFaultError", "camt_rows", "report_rows"]
