"""Every file of the corpus ends as the JSON beside it says; nothing hangs, raises or is skipped.

Expected values are worked out by hand in each JSON: which rows are set aside and why, and what the
good rows around them still amount to. Big files are made here, not kept.
"""

import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from include.adapters.layouts.parse import LayoutReader
from include.adapters.layouts.reading.parse import parse_file
from include.domain.calendar import Window
from include.services.files import Expected, ParsedFile

FILES = Path(__file__).parent / "files"
CLASSIC = FILES / "payment_batch_detail_classic_csv"
CORPUS = {
    f"{path.parent.name}-{path.name.removesuffix('.expected.json')}": path
    for path in sorted(FILES.glob("*/*.expected.json"))
}


def _case(name: str) -> tuple[Path, dict[str, Any]]:
    """Return a case's file and what is expected of it."""
    case = json.loads(CORPUS[name].read_text())
    return CORPUS[name].with_name(case["file"]), case


def _asked(case: dict[str, Any]) -> Expected:
    asked = case["asked"]
    window = asked.get("window")
    day = asked.get("statement_date")
    return Expected(
        organization_id=asked.get("organization_id", ""),
        window=Window(*map(datetime.fromisoformat, window)) if window else None,
        account_id=asked.get("account_id", ""),
        statement_date=date.fromisoformat(day) if day else None,
    )


def _run(path: Path, case: dict[str, Any], folder: Path) -> ParsedFile:
    return parse_file(
        path,
        case["layout"],
        lines_path=folder / "lines.parquet",
        quarantine_path=folder / "quarantine.parquet",
        expected=_asked(case),
    )


@pytest.mark.parametrize("name", CORPUS)
def test_a_file_of_the_corpus_ends_as_written_beside_it(name: str, tmp_path: Path) -> None:
    path, case = _case(name)
    found = _run(path, case, tmp_path)
    quarantine = pl.read_parquet(tmp_path / "quarantine.parquet")
    lines = pl.read_parquet(tmp_path / "lines.parquet")
    assert found.rows_in == found.rows_classified + found.rows_quarantined
    assert found.rows_quarantined == quarantine.height
    if "says" in case:
        assert any(case["says"] in text for text in quarantine["detail"])
    if "fault" in case:
        assert found.fault is not None, found
        assert (found.fault.reason_code, lines.height) == (case["fault"], 0)
        assert quarantine["line_no"].to_list() == [0]
        return
    assert found.fault is None, found.fault
    assert (found.rows_in, dict(found.reasons)) == (case["rows_in"], case["reasons"])
    assert {f"{c} {k}": v for (c, k), v in found.totals.items()} == case["totals"]
    for heading, warning in zip(case.get("warnings", []), found.warnings, strict=True):
        assert repr(heading) in warning


@pytest.mark.parametrize("name", CORPUS)
def test_what_is_set_aside_never_shows_a_card_number(name: str, tmp_path: Path) -> None:
    _run(*_case(name), tmp_path)
    for table in ("lines.parquet", "quarantine.parquet"):
        shown = str(pl.read_parquet(tmp_path / table).to_dicts())
        for number in ("4111111111111111", "5555 5555 5555 4444", "4012888888881881"):
            assert number not in shown


@pytest.mark.parametrize("name", CORPUS)
def test_the_door_never_refuses_what_the_layout_would_read(name: str) -> None:
    path, case = _case(name)
    facts = LayoutReader().probe(path, case["layout"], _asked(case))
    if "fault" not in case:
        assert facts.fault is None


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("payment_batch_detail_classic_csv", "truncated_in_a_field.csv"),
        ("payment_batch_detail_classic_csv", "truncated_in_the_amount.csv"),
        ("payment_batch_detail_classic_csv", "truncated_in_quotes.csv"),
        ("payment_batch_detail_xml", "truncated_in_a_tag.xml"),
        ("payment_batch_detail_xml", "truncated_after_a_request.xml"),
        ("acquirer_daily_v2", "no_trailer.txt"),
        ("bai2", "truncated.txt"),
        ("camt_053", "truncated.xml"),
    ],
)
def test_a_cut_file_is_seen_at_the_door(layout: str, name: str) -> None:
    fault = LayoutReader().probe(FILES / layout / name, layout, Expected()).fault
    assert fault is not None
    assert fault.reason_code in ("truncated_file", "malformed_file")


def _classic(tmp_path: Path, *lines: str) -> Path:
    head = (CLASSIC / "negative_sale.csv").read_text().splitlines(keepends=True)[:3]
    path = tmp_path / "made.csv"
    path.write_text("".join([*head, *lines]))
    return path


def _parse(path: Path, layout: str, folder: Path) -> ParsedFile:
    return parse_file(
        path, layout, lines_path=folder / "l.parquet", quarantine_path=folder / "q.parquet"
    )


ROW = "B1,acme_us,2026-11-01T03:50:00Z,70000000000000000000{:02d},{},1,Visa,USD,5.00,ics_bill,"
LATER = "BATCHED,2026-10-31T11:00:00Z\n"


def test_a_field_over_64_kilobytes_is_set_aside(tmp_path: Path) -> None:
    path = _classic(tmp_path, ROW.format(3, "x" * 65_537) + LATER)
    found = _parse(path, "payment_batch_detail_classic_csv", tmp_path)
    assert found.reasons == {"field_too_long": 1}
    assert pl.read_parquet(tmp_path / "q.parquet")["raw"].bin.size().max() <= 4096


def test_a_line_over_a_megabyte_sets_the_file_aside(tmp_path: Path) -> None:
    path = _classic(tmp_path, ROW.format(3, "x" * 40_000_000) + LATER)
    fault = _parse(path, "payment_batch_detail_classic_csv", tmp_path).fault
    assert fault is not None
    assert fault.reason_code == "line_too_long"


def test_repeats_far_apart_in_a_file_are_found(tmp_path: Path) -> None:
    # 240,000 lines of 150 bytes are more than two blocks; the last line repeats the first.
    first = ROW.format(3, "FIRST") + LATER
    many = (
        f"B1,acme_us,2026-11-01T03:50:00Z,71{n:020d},ORD-{n:060d},1,Visa,USD,1.00,ics_bill," + LATER
        for n in range(240_000)
    )
    path = _classic(tmp_path, first, *many, first)
    found = _parse(path, "payment_batch_detail_classic_csv", tmp_path)
    # 35.00 of the head's own line, 5.00 once, and 240,000 times 1.00
    assert found.totals == {("USD", "gross_sale"): 3500 + 500 + 24_000_000}
    assert (found.reasons, found.rows_in) == ({"duplicate_line": 1}, 240_003)
    assert pl.read_parquet(tmp_path / "l.parquet").height == 240_002
    assert pl.read_parquet(tmp_path / "q.parquet")["line_no"].to_list() == [240_005]


def _report(body: str, doctype: str = "") -> str:
    return (
        f'<?xml version="1.0"?>\n{doctype}<Report Type="PaymentBatchDetail" OrganizationID="a">'
        f"<Requests>{body}</Requests></Report>"
    )


def _attack(name: str) -> str:
    if name == "quadratic_blow_up":
        entity = f'<!DOCTYPE Report [<!ENTITY a "{"x" * 50_000}">]>'
        return _report("&a;" * 2_000, entity)
    if name == "million_attributes":
        return _report("<Request " + " ".join(f'a{n}="1"' for n in range(1_000_000)) + "/>")
    if name == "deep_nesting":
        return _report("<a>" * 50_000 + "</a>" * 50_000)
    return _report("<Request>" + "x" * 30_000_000 + "</Request>")


@pytest.mark.parametrize(
    "name", ["quadratic_blow_up", "million_attributes", "deep_nesting", "endless_text"]
)
def test_a_bomb_of_xml_is_refused_quickly_and_cheaply(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.xml"
    path.write_text(_attack(name))
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    fault = _parse(path, "payment_batch_detail_xml", tmp_path).fault
    assert fault is not None
    assert time.process_time() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_a_hundred_thousand_nested_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text('{"chargeback-details":' + "[" * 100_000 + "]" * 100_000 + "}")
    fault = _parse(path, "chargeback_details_json", tmp_path).fault
    assert fault is not None
    assert "too deeply" in fault.detail


@pytest.fixture
def listener() -> Iterator[tuple[str, list[object]]]:
    """A server that counts who connects."""
    server = socket.create_server(("127.0.0.1", 0))
    seen: list[object] = []

    def accept() -> None:
        while True:
            try:
                seen.append(server.accept())
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/x.dtd", seen
    server.close()


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE Report SYSTEM "{}">',
        '<!DOCTYPE Report PUBLIC "-//x//y" "{}">',
        '<!DOCTYPE Report [<!ENTITY % x SYSTEM "{}"> %x;]>',
        '<!DOCTYPE Report [<!ENTITY x SYSTEM "{}">]>',
        '<?xml-stylesheet href="{}"?>',
    ],
)
def test_xml_never_makes_us_call_anybody(
    doctype: str, listener: tuple[str, list[object]], tmp_path: Path
) -> None:
    url, seen = listener
    path = tmp_path / "x.xml"
    path.write_text(_report("<Request/>", doctype.replace("{}", url)))
    _parse(path, "payment_batch_detail_xml", tmp_path)
    time.sleep(0.05)
    assert seen == []
