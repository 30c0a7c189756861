"""The report as a workbook: amounts are exact numbers, totals tie, text is never a formula."""

from collections.abc import Iterator, Sequence
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from include.adapters.reports.safe_text import safe_text
from include.adapters.reports.xlsx_sheets import (
    COVERAGE,
    FILES,
    ITEMS,
    JOURNAL,
    LINES,
    QUALITY,
    SUMMARY,
    Cell,
    Sheet,
    coverage_rows,
    file_rows,
    item_rows,
    journal_rows,
    line_row,
    quality_rows,
    summary_rows,
    title_rows,
)
from include.domain.money import MINOR_UNIT_DIGITS, Money
from include.domain.settlement import LineClass
from include.services.report_model import ReportModel

EXCEL_ROWS = 1_048_576
_EXACT_DIGITS = 15  # a spreadsheet keeps no more; a longer amount is written as text


class XlsxReport:
    """Satisfies ``services.write_report.ReportWriter``."""

    def __init__(self, row_limit: int = EXCEL_ROWS) -> None:
        self._row_limit = row_limit

    def write(self, model: ReportModel, path: Path) -> None:
        """Write the workbook; nothing in it depends on the clock."""
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        with xlsxwriter.Workbook(str(path), options) as workbook:
            noon = datetime.combine(model.day.settlement_date, time(12))
            workbook.set_properties(
                {"title": f"Tieout {model.title}", "author": "Tieout", "created": noon}
            )
            book = _Book(workbook)
            names = [s.name for s in (SUMMARY, JOURNAL, ITEMS)]
            sheets = {name: workbook.add_worksheet(name) for name in names}
            totals = book.lines(model, self._row_limit)
            for sheet in (COVERAGE, QUALITY, FILES):
                sheets[sheet.name] = workbook.add_worksheet(sheet.name)
            head = [*title_rows(model)]
            book.table(sheets[SUMMARY.name], SUMMARY, summary_rows(model, totals), head)
            book.table(sheets[JOURNAL.name], JOURNAL, journal_rows(model))
            book.table(sheets[ITEMS.name], ITEMS, item_rows(model))
            book.table(sheets[COVERAGE.name], COVERAGE, coverage_rows(model))
            book.table(sheets[QUALITY.name], QUALITY, quality_rows(model))
            book.table(sheets[FILES.name], FILES, file_rows(model))


class _Book:
    """Formats, and how a cell of each kind is written."""

    def __init__(self, workbook: Any) -> None:
        self._workbook = workbook
        base = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
        self._plain = workbook.add_format(base)
        self._wrap = workbook.add_format({**base, "text_wrap": True})
        self._soft = workbook.add_format({**base, "italic": True, "font_color": "#5D6D7E"})
        self._title = workbook.add_format({**base, "bold": True, "font_size": 16})
        self._strong = workbook.add_format({**base, "bold": True})
        self._head = workbook.add_format(
            {**base, "bold": True, "bg_color": "#1B3A4B", "font_color": "#FFFFFF", "border": 0}
        )
        self._number = workbook.add_format({**base, "num_format": "#,##0"})
        self._money: dict[tuple[int, bool], Any] = {}
        self._base = base

    def _money_format(self, currency: str, is_total: bool) -> Any:
        digits = MINOR_UNIT_DIGITS[currency]
        if (digits, is_total) not in self._money:
            shape = "#,##0" + ("." + "0" * digits if digits else "")
            more = {"bold": True, "top": 1} if is_total else {}
            self._money[digits, is_total] = self._workbook.add_format(
                {**self._base, **more, "num_format": f"{shape};[Red]-{shape};{shape}"}
            )
        return self._money[digits, is_total]

    def lines(self, model: ReportModel, row_limit: int) -> dict[str, int]:
        """Write the lines, over several sheets if need be; return net per currency as listed."""
        totals: dict[str, int] = {}
        page, sheet, row = 1, self._new_lines_sheet(1), 1
        for line in model.lines:
            if row >= row_limit:
                self._close(sheet, LINES, 0, row)
                page, row = page + 1, 1
                sheet = self._new_lines_sheet(page)
            for column, cell in enumerate(line_row(line)):
                self._put(sheet, row, column, cell)
            row += 1
            if line.line_class != LineClass.funding:
                currency = line.amount.currency
                totals[currency] = totals.get(currency, 0) + line.amount.minor
        self._close(sheet, LINES, 0, row)
        return totals

    def _new_lines_sheet(self, page: int) -> Any:
        name = LINES.name if page == 1 else f"{LINES.name} {page}"
        sheet = self._workbook.add_worksheet(name)
        self._open(sheet, LINES, 0)
        return sheet

    def table(
        self,
        worksheet: Any,
        sheet: Sheet,
        rows: Iterator[Sequence[Cell]],
        head: Sequence[Sequence[Cell]] = (),
    ) -> None:
        """Write rows above the table, the headings, the table and what follows an empty row."""
        for row, cells in enumerate(head):
            for column, cell in enumerate(cells):
                self._put(worksheet, row, column, cell, self._title if row == 0 else None)
        top = len(head)
        self._open(worksheet, sheet, top)
        row, end = top + 1, None
        for cells in rows:
            if not cells and end is None:
                end = row
            is_total = end is not None
            for column, cell in enumerate(cells):
                self._put(worksheet, row, column, cell, is_total=is_total)
            row += 1
        self._close(worksheet, sheet, top, row if end is None else end)

    def _open(self, worksheet: Any, sheet: Sheet, top: int) -> None:
        for column, (_, width) in enumerate(sheet.columns):
            worksheet.set_column(column, column, width)
        for column, (heading, _) in enumerate(sheet.columns):
            worksheet.write_string(top, column, heading, self._head)
        worksheet.freeze_panes(top + 1, 0)
        worksheet.hide_gridlines(2)
        worksheet.set_landscape()
        worksheet.set_paper(9)
        worksheet.fit_to_pages(1, 0)
        worksheet.repeat_rows(top)

    def _close(self, worksheet: Any, sheet: Sheet, top: int, end: int) -> None:
        worksheet.autofilter(top, 0, max(top, end - 1), len(sheet.columns) - 1)

    def _put(
        self,
        worksheet: Any,
        row: int,
        column: int,
        cell: Cell,
        form: Any = None,
        is_total: bool = False,
    ) -> None:
        if cell is None or cell == "":
            return
        if isinstance(cell, str):
            text, long = safe_text(cell), len(cell) > 40
            usual = self._strong if is_total else self._wrap if long else self._plain
            worksheet.write_string(row, column, text[:32_767], form or usual)
        elif isinstance(cell, Money):
            self._put_money(worksheet, row, column, cell, is_total)
        elif isinstance(cell, int):
            worksheet.write_number(row, column, cell, self._number)
        else:
            worksheet.write_string(row, column, safe_text(cell.text), self._soft)

    def _put_money(
        self, worksheet: Any, row: int, column: int, amount: Money, is_total: bool
    ) -> None:
        form = self._money_format(amount.currency, is_total)
        if len(str(abs(amount.minor))) > _EXACT_DIGITS:
            worksheet.write_string(row, column, amount.decimal, form)
        else:  # the writer prints a Decimal digit by digit; a float would be near the amount
            worksheet.write_number(row, column, Decimal(amount.decimal), form)
