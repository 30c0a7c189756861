"""The demo's last page: per merchant and day, what was settled, booked and received."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from include.adapters.store import views
from include.domain.money import Money
from include.local.environment import LocalStack


def print_summary(stack: LocalStack, first: date, last: date) -> bool:
    """Print one row per merchant, day and currency, and where the reports lie.

    Returns whether every day has its journals posted and tied out.
    """
    from include.wiring import Settings, Tieout

    environment = stack.environment()
    context = Tieout(Settings.of(environment))
    rows = sorted(
        views.overview(context.store, context.clock, first, last),
        key=lambda row: (row.record.day.merchant_id, row.record.day.settlement_date),
    )
    table: list[tuple[str, ...]] = [
        (
            "merchant",
            "date",
            "",
            "gross",
            "refunds",
            "fees",
            "chargebacks",
            "net",
            "funding",
            "journals",
            "open",
            "state",
        ),
    ]
    for row in rows:
        day = row.record.day
        for figures in row.figures:
            numbers = [_number(j) for j in row.journals if j["currency"] == figures.currency]
            table.append(
                (
                    day.merchant_id,
                    str(day.settlement_date),
                    figures.currency,
                    *(
                        _amount(m)
                        for m in (
                            figures.gross,
                            figures.refunds,
                            figures.fees,
                            figures.chargebacks,
                            figures.net,
                            figures.funding,
                        )
                    ),
                    " ".join(numbers) or "-",
                    str(row.open_count),
                    row.record.state,
                )
            )
    print()  # noqa: T201
    _print_table(table)
    print("\nReports:")  # noqa: T201
    for row in rows:
        day = row.record.day
        for fmt in row.formats:
            path = views.report_path(context.store, day.merchant_id, day.settlement_date, fmt)
            print(f"  {day.merchant_id} {day.settlement_date} {fmt:5} {path}")  # noqa: T201
    return bool(rows) and all(row.record.state == "reported" for row in rows)


def _number(journal: Mapping[str, Any]) -> str:
    version = f" v{journal['version']}" if journal["version"] > 1 else ""
    return f"{journal['their_key'] or journal['state']}{version}"


def _amount(money: Money | None) -> str:
    return "unknown" if money is None else money.decimal


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if 3 <= i <= 8 or i == 10 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())  # noqa: T201
