"""Records of the JSON reporting services. Numbers stay the text they were written as."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from include.adapters.http import strict_json
from include.adapters.layouts.reading.csv_head import refuse_unasked, window_between
from include.adapters.layouts.reading.faults import MAX_TREE_BYTES, FileFaultError, malformed, of
from include.adapters.layouts.reading.plan import normalized
from include.adapters.layouts.reading.row_source import Row, RowSource
from include.adapters.layouts.shape import Json, Layout
from include.services.files import Expected, FileFacts


def json_rows(path: Path, layout: Layout, expected: Expected) -> RowSource:
    """Open a JSON document; see ``shape.Json`` for its form."""
    form = layout.source
    if not isinstance(form, Json):
        raise TypeError(f"{layout.name} is not JSON")
    document = _document(path)
    facts = _facts(document)
    refuse_unasked(facts, expected)
    lists = [_list(document, names) for names in form.lists]
    if lists[0] is None:
        raise malformed(f"The document has no list {form.lists[0][0]!r}")
    histories = [names[0] in form.histories for names in form.lists]
    records = _joined([found or [] for found in lists], form.join, histories)
    by_member = {normalized(h): c.name for c in layout.columns for h in c.headings}
    return RowSource(facts, _rows(records, by_member))


def _document(path: Path) -> Mapping[str, Any]:
    if path.stat().st_size > MAX_TREE_BYTES:
        raise of("too_large", f"The document is larger than {MAX_TREE_BYTES} bytes")
    data = path.read_bytes()
    if not data.strip():
        raise of("empty_file", "The file has no content")
    try:
        document = strict_json.parse(data)
    except strict_json.NotStrictJsonError as error:
        raise _json_fault(data, str(error)) from None
    if not isinstance(document, dict):
        raise malformed("The document is not an object")
    return document


def _json_fault(data: bytes, reason: str) -> FileFaultError:
    if data.lstrip()[:1] in b"{[" and data.rstrip()[-1:] not in b"}]":
        return of("truncated_file", "The document ends in the middle", "Fetch it again.")
    return malformed(f"The document cannot be trusted: {reason}")


def _facts(document: Mapping[str, Any]) -> FileFacts:
    org, start, end = (document.get(k) for k in ("organizationId", "startTime", "endTime"))
    window = window_between(start, end) if isinstance(start, str) and isinstance(end, str) else None
    return FileFacts(organization_id=org if isinstance(org, str) else None, window=window)


def _list(document: Mapping[str, Any], names: tuple[str, ...]) -> list[Any] | None:
    """Find a list by any of its names, at the top or in the pages of a service."""
    for name in names:
        if isinstance(document.get(name), list):
            return list(document[name])
    found: list[Any] | None = None
    for value in document.values():
        for page in value if isinstance(value, list) else [value]:
            if isinstance(page, dict):
                for name in names:
                    if isinstance(page.get(name), list):
                        found = (found or []) + page[name]
    return found


def _joined(lists: list[list[Any]], join: str, histories: list[bool]) -> Iterator[dict[str, Any]]:
    """Join the later lists to the records of the first by one member."""
    others: list[dict[str, dict[str, Any]]] = []
    for members, is_history in zip(lists[1:], histories[1:], strict=True):
        by_key: dict[str, dict[str, Any]] = {}
        for member in members:
            key = str(member.get(join)) if isinstance(member, dict) else ""
            before = by_key.get(key, member)
            if before != member and not (is_history and key):
                raise malformed(f"Two different records share {join} {key[:40]!r}")
            by_key[key] = member if before == member else _side_by_side(before, member)
        others.append(by_key)
    for record in lists[0]:
        whole = dict(record) if isinstance(record, dict) else {}
        for by_key in others:
            whole = {**by_key.get(str(whole.get(join)), {}), **whole}
        yield whole


def _side_by_side(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return two records as one; members that differ hold both values."""
    names = dict.fromkeys((*one, *other))
    pairs = {name: (one.get(name), other.get(name)) for name in names}
    return {name: a if a == b else [a, b] for name, (a, b) in pairs.items()}


def _rows(records: Iterator[dict[str, Any]], by_member: Mapping[str, str]) -> Iterator[Row]:
    for record in records:
        row: dict[str, str | None] = {}
        for member, value in record.items():
            name = by_member.get(normalized(member))
            if name is not None and row.get(name) is None:
                row[name] = _text(value)
        yield row, json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _text(value: Any) -> str | None:
    """Return a scalar as text; anything else is shown as JSON, which no column accepts."""
    if value is None or isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if value else None
    return json.dumps(value)
