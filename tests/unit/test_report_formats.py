"""The three formats: exact, tied, harmless, and the same bytes for the same day."""

import csv
import io
import re
import time
import zipfile
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from include.adapters.reports.charts import ages, waterfall
from include.adapters.reports.csv_report import CsvReport
from include.adapters.reports.html_report import SHOWN_LINES, HtmlReport, render
from include.adapters.reports.safe_text import safe_csv_text, safe_text
from include.adapters.reports.xlsx_report import XlsxReport
from include.domain.money import Money
from include.services.report_model import DRAFT, CurrencySummary, Figure
from tests.unit.report_example import DAY, FIGURES, FILE, ITEM, LINES, ListedLines, example, line

# What a file may hold in a name or reference, and what the cell must then be.
HARMFUL = {
    '=HYPERLINK("http://x","y")': '\'=HYPERLINK("http://x","y")',
    "=1+1": "'=1+1",
    "+1234567": "'+1234567",
    "+5": "'+5",
    "-2+3": "'-2+3",
    "-cmd|' /C calc'!A0": "'-cmd|' /C calc'!A0",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t=1",
    "\r=1": "'\r=1",
    "\n=1": "'\n=1",
    "\x00=1": "'\u2400=1",
    "\uff1d1+1": "'\uff1d1+1",
    "\uff0b1": "'\uff0b1",
    "\uff0d1+1": "'\uff0d1+1",
    "\uff20SUM": "'\uff20SUM",
    " =1+1": "' =1+1",
    "\ufeff=1+1": "'\ufeff=1+1",
    "\u00a0=1": "'\u00a0=1",
}
HARMLESS = ["-12.34", "-5", "1,2", 'a "quoted" word', "Zoë & <b>", "10.4", "a=b", "x-1", "", "0"]


@pytest.mark.parametrize("text", HARMFUL)
def test_text_that_a_spreadsheet_would_run_is_made_text(text: str) -> None:
    assert safe_text(text) == HARMFUL[text]


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_and_negative_numbers_stay_as_they_are(text: str) -> None:
    assert safe_text(text) == text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("RF18;=cmd|'/c calc'!A1;x", "RF18;'=cmd|'/c calc'!A1;x"),
        ('a;"=1+1"', 'a;\'"=1+1"'),  # a quote may begin it, too
        ("a; \u200b@SUM(A1)", "a;' \u200b@SUM(A1)"),
        ("a\t+5|-2+3", "a\t'+5|'-2+3"),
        ("a\r\n=1+1", "a\r\n'=1+1"),  # the next row begins with it
        ("1;\uff1d2", "1;'\uff1d2"),
        ("12.00; a=b, 3-4 | x", "12.00; a=b, 3-4 | x"),
    ],
)
def test_text_of_a_csv_cell_is_harmless_wherever_a_spreadsheet_splits_it(
    text: str, cell: str, tmp_path: Path
) -> None:
    assert safe_csv_text(text) == cell
    rows = _csv({"items": [replace(ITEM, explanation=f"Nobody knows {text}")]}, tmp_path)
    item = next(row for row in rows if row["section"] == "open_item")
    assert item["explanation"] == f"Nobody knows {cell}"


def _csv(model_changes: dict[str, object], tmp_path: Path) -> list[dict[str, str]]:
    path = tmp_path / "r.csv"
    CsvReport().write(example(**model_changes), path)
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8"), newline="")))


def test_csv_is_one_table_with_crlf_and_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    CsvReport().write(example(owner="Zoë, Łódź"), path)
    raw = path.read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert raw.endswith(b"\r\n")
    assert raw.count(b"\n") == raw.count(b"\r\n")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8"), newline="")))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert "Zoë, Łódź" in rows[1]


def test_csv_holds_every_section_and_amounts_as_plain_decimals(tmp_path: Path) -> None:
    rows = _csv({}, tmp_path)
    sections = " ".join(dict.fromkeys(row["section"] for row in rows))
    assert sections == ("day summary journal_line tie_out open_item coverage quality file line")
    refund = next(row for row in rows if row["name"] == "refund" and row["section"] == "line")
    assert refund["amount"] == "-30.00"
    lines = [Decimal(row["amount"]) for row in rows if row["section"] == "line"]
    net = next(row for row in rows if row["name"] == "net" and row["section"] == "summary")
    assert sum(lines) == Decimal(net["amount"]) == Decimal("267.98")
    booked = [Decimal(row["amount"]) for row in rows if row["section"] == "journal_line"]
    assert sum(booked) == 0


def test_csv_says_not_knowable_and_leaves_the_amount_empty(tmp_path: Path) -> None:
    reserve = next(row for row in _csv({}, tmp_path) if row["name"] == "reserve")
    assert (reserve["amount"], reserve["status"]) == ("", "not knowable")


@pytest.mark.parametrize("text", HARMFUL)
def test_csv_cells_from_files_are_harmless_and_otherwise_whole(text: str, tmp_path: Path) -> None:
    lines = ListedLines([line(3, "gross_sale", 100, batch_id=text, request_id=text)])
    row = next(r for r in _csv({"lines": lines}, tmp_path) if r["section"] == "line")
    cell = re.sub(r"([\t\r\n])=", r"\1'=", HARMFUL[text])  # the row may be split there
    assert (row["batch_id"], row["reference"]) == (cell, cell)


@pytest.fixture
def book(tmp_path: Path) -> openpyxl.Workbook:
    path = tmp_path / "r.xlsx"
    XlsxReport().write(example(), path)
    return openpyxl.load_workbook(path)


def _table(sheet: Worksheet, top: int = 1) -> list[dict[str, object]]:
    rows = list(sheet.iter_rows(min_row=top, values_only=True))
    return [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]


def test_the_workbook_has_its_sheets_frozen_and_filtered(book: openpyxl.Workbook) -> None:
    names = ["Summary", "Journal", "Open items", "Lines", "Coverage", "Quality", "Files"]
    assert book.sheetnames == names
    for name in names:
        assert book[name].freeze_panes == ("A9" if name == "Summary" else "A2")
        assert book[name].auto_filter.ref
    assert book["Lines"].auto_filter.ref == "A1:P10"
    assert book["Journal"].auto_filter.ref == "A1:S11"


def test_amounts_are_numbers_with_the_digits_of_their_currency(book: openpyxl.Workbook) -> None:
    cells = [row[4] for row in book["Lines"].iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"n"}
    assert {cell.number_format for cell in cells} == {"#,##0.00;[Red]-#,##0.00;#,##0.00"}
    assert [Decimal(str(cell.value)) for cell in cells][:4] == [
        Decimal("100"),
        Decimal("250.5"),
        Decimal("49.5"),
        Decimal("-30"),
    ]


def test_the_totals_of_the_workbook_tie(book: openpyxl.Workbook) -> None:
    amounts = {row[1]: row[2] for row in book["Summary"].iter_rows(min_row=9, values_only=True)}
    assert str(amounts["Net by class"]) == "267.98"
    assert str(amounts["Sum of the lines listed"]) == "267.98"
    assert amounts["Difference"] == 0
    assert str(amounts["Opposing journal lines, turned round"]) == "267.98"
    assert str(amounts["Funding and named open items"]) == "267.98"
    assert amounts["Residual"] == 0
    assert amounts["Reserve"] == "not knowable"
    journal = _table(book["Journal"])
    last = journal[-1]
    assert (last["Journal"], last["Debit"], last["Credit"]) == ("Total", 400.1, 400.1)
    debits = [Decimal(str(row["Debit"])) for row in journal[:10] if row["Debit"]]
    assert sum(debits) == Decimal("400.10")


def test_an_amount_beyond_fifteen_digits_is_text_and_one_of_fifteen_a_number(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.xlsx"
    lines = [
        line(3, "gross_sale", 9_007_199_254_740_993),
        line(4, "gross_sale", 999_999_999_999_999),
        line(5, "gross_sale", 12_345_678_901_234_567, amount=Money(12_345, "JPY")),
    ]
    XlsxReport().write(example(lines=ListedLines(lines)), path)
    sheet = openpyxl.load_workbook(path)["Lines"]
    assert sheet["E2"].value == "90071992547409.93"
    assert sheet["E3"].data_type == "n"
    with zipfile.ZipFile(path) as archive:  # as written, before any reader makes a float of it
        written = archive.read("xl/worksheets/sheet4.xml").decode()
    assert "<v>9999999999999.99</v>" in written
    assert sheet["E4"].number_format == "#,##0;[Red]-#,##0;#,##0"


@pytest.mark.parametrize("text", HARMFUL)
def test_workbook_cells_from_files_are_never_formulas(text: str, tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    lines = ListedLines([line(3, "gross_sale", 100, merchant_reference=text)])
    items = (replace(ITEM, explanation=text, next_action=text),)
    XlsxReport().write(example(lines=lines, items=items, reason=text), path)
    book = openpyxl.load_workbook(path)
    for sheet in book:
        for row in sheet.iter_rows():
            assert not [cell for cell in row if cell.data_type == "f"]
    expected = HARMFUL[text].replace("\r", "\n")  # XML reads a carriage return as a line feed
    assert str(book["Lines"]["F2"].value).replace("_x000D_", "\n").replace("\r", "\n") == expected


def test_lines_beyond_the_sheet_limit_go_to_a_second_sheet(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    XlsxReport(row_limit=4).write(example(), path)
    book = openpyxl.load_workbook(path)
    pages = [name for name in book.sheetnames if name.startswith("Lines")]
    assert pages == ["Lines", "Lines 2", "Lines 3"]
    assert sum(len(_table(book[name])) for name in pages) == len(LINES)
    assert book["Lines 3"].freeze_panes == "A2"


@pytest.mark.parametrize("writer", [XlsxReport(), HtmlReport(), CsvReport()])
def test_the_same_day_gives_the_same_bytes(
    writer: XlsxReport | HtmlReport | CsvReport, tmp_path: Path
) -> None:
    writer.write(example(), tmp_path / "one")
    time.sleep(1.1)  # file and zip times have seconds
    writer.write(example(), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


class Page(HTMLParser):
    """Collects what matters of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.tags: set[str] = set()
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("href", "src"):
                self.targets.append(str(value))
            if name.startswith("on"):
                self.handlers.append(name)


def test_the_page_fetches_nothing_runs_nothing_and_its_links_lead_somewhere() -> None:
    page = Page(render(example()))
    assert page.tags.isdisjoint({"script", "img", "iframe", "link", "object", "form"})
    assert page.handlers == []
    assert len(page.ids) == len(set(page.ids))
    assert page.targets
    inside = {target[1:] for target in page.targets if target.startswith("#")}
    assert inside <= set(page.ids)
    outside = {target for target in page.targets if not target.startswith("#")}
    assert "/tieout/orders/of/acme_us/US-103" in outside
    assert all(target.startswith("/tieout/orders/of/acme_us/US-") for target in outside)


def test_every_figure_opens_to_its_lines_and_an_item_to_its_line() -> None:
    text = render(example())
    assert '<a href="#lines-USD-gross_sale">' in text
    assert 'id="lines-USD-gross_sale"' in text
    assert f'<a href="#line-{FILE[:16]}-5">open the line</a>' in text
    assert f'id="line-{FILE[:16]}-5"' in text


def test_the_page_says_not_knowable_and_the_equation() -> None:
    text = render(example())
    assert '<span class="unknown">not knowable</span>' in text
    assert "funding + named open items" in text
    assert "awaited funding 0.98" in text
    assert "ours 400.00 USD, SYSPRO 400.00 USD, difference <strong>0.00 USD</strong>" in text
    assert "Tops up acme_us|2026-10-31|B1|USD|settlement|1" in text


SCRIPTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</style><script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("text", SCRIPTS)
def test_text_of_a_file_is_only_ever_text_on_the_page(text: str) -> None:
    lines = ListedLines([line(3, "gross_sale", 100, merchant_reference=text, batch_id=text)])
    items = (replace(ITEM, explanation=text, next_action=text, cause=text, owner=text),)
    written = render(example(lines=lines, items=items, reason=text, owner=text))
    page = Page(written)
    assert page.tags.isdisjoint({"script", "img"})
    assert page.handlers == []
    assert (text == "{{ 7 * 7 }}") == ("{{ 7 * 7 }}" in written)
    assert all(target.startswith(("#", "/tieout/orders/of/acme_us/")) for target in page.targets)
    assert not any("/" in target.removeprefix("/tieout/orders/of/acme_us/")
                   for target in page.targets if target.startswith("/"))  # fmt: skip


def test_control_characters_and_lone_surrogates_become_visible() -> None:
    text = render(example(reason="a\x00b\ud800c"))
    assert "a\u2400b\ufffdc" in text


def test_a_long_class_shows_some_lines_and_all_that_are_flagged() -> None:
    many = [line(n, "gross_sale", 100) for n in range(3, SHOWN_LINES + 53)]
    flagged = line(999, "gross_sale", 100, cause="wrong_amount")
    text = render(example(lines=ListedLines([*many, flagged])))
    # 250 lines and the flagged one; the two open items of the example flag lines 5 and 9.
    assert f"{SHOWN_LINES + 3} of {SHOWN_LINES + 51} are shown here" in text
    assert f'id="line-{FILE[:16]}-999"' in text


def test_the_waterfall_falls_from_gross_to_net() -> None:
    fall = waterfall(CurrencySummary("USD", FIGURES))
    bars = {bar.name: bar for bar in fall.bars}
    assert bars["gross_sale"].kind == "up"
    assert bars["refund"].y == bars["gross_sale"].y
    assert bars["chargeback"].y + bars["chargeback"].height == bars["net"].y
    assert bars["net"].y + bars["net"].height == fall.zero_y == bars["gross_sale"].y + 194
    assert bars["reserve"].kind == "unknown"
    assert "chargeback_reversal" not in bars
    assert bars["refund"].label == "\u221230.00"


def test_a_day_below_zero_and_a_day_of_nothing_can_be_drawn() -> None:
    below = Figure("gross_sale", "Gross sales", Money(0, "JPY"), 0)
    net = Figure("net", "Net", Money(-500, "JPY"), None)
    fall = waterfall(CurrencySummary("JPY", (below, net)))
    assert fall.zero_y < fall.bars[1].y + fall.bars[1].height
    assert waterfall(CurrencySummary("JPY", ())).bars == ()


def test_items_are_grouped_by_age_and_summed_per_currency() -> None:
    found = ages([ITEM, replace(ITEM, age_days=3), replace(ITEM, age_days=40, amount=None)])
    assert [(bar.title, bar.count) for bar in found if bar.count] == [
        ("2-3 days", 2),
        ("15 days and more", 1),
    ]
    assert next(bar for bar in found if bar.count == 2).sums == ("99.00 USD",)


def test_a_day_that_has_not_begun_has_a_report_too(tmp_path: Path) -> None:
    empty = example(
        state="not begun", summaries=(), journals=(), items=(), coverage=(), quality=None,
        files=(), lines=ListedLines(()), history=(),
    )  # fmt: skip
    for writer in (XlsxReport(), HtmlReport(), CsvReport()):
        writer.write(empty, tmp_path / "r")
        assert (tmp_path / "r").stat().st_size > 0
    assert "No journal was built for this day." in render(empty)
    assert str(DAY) in render(empty)


def test_a_draft_says_in_every_format_that_its_journals_wait_for_approval(tmp_path: Path) -> None:
    waiting = replace(example().journals[0], state="built", their_key="", tie_out=None)
    final = example(state="held", journals=(waiting,))
    draft = replace(final, is_draft=True)
    path = tmp_path / "r.xlsx"
    for model, is_said in ((draft, True), (final, False)):
        page = render(model)
        assert ("wait for approval; nothing of them is posted" in page) is is_said
        assert ("Not posted. It waits for approval" in page) is is_said
        XlsxReport().write(model, path)
        top = [row[:2] for row in openpyxl.load_workbook(path)["Summary"].values][:2]
        assert (top[1] == ("Draft", DRAFT)) is is_said
        CsvReport().write(model, tmp_path / "r.csv")
        assert (DRAFT in (tmp_path / "r.csv").read_text()) is is_said


def test_a_journal_is_shown_line_by_line_with_the_text_that_the_ledger_gets() -> None:
    booked = example().journals[0].journal
    page = render(example())
    assert f"{booked.key} · digest <code>{booked.digest[:16]}</code>" in page
    for one in booked.lines:
        assert f"<td>{one.source}</td>" in page
    named = replace(booked.lines[0], narrative="in transit")
    journal = replace(booked, lines=(named, *booked.lines[1:]), narrative="Settlement of B1")
    page = render(example(journals=(replace(example().journals[0], journal=journal),)))
    assert "<td>in transit</td>" in page
    assert "Settlement of B1 · digest" in page
