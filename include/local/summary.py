"""The demo's last page: what was settled, booked and received; and each live order's own line."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from include.adapters.store import order_screen, views
from include.domain.money import Money
from include.domain.refunds import Way
from include.domain.settlement import SettlementDay
from include.local.environment import LocalStack
from include.services.day_files import LINES, MATCHES
from include.services.matching.match_files import rows_of_matches

if TYPE_CHECKING:
    from include.wiring import Tieout


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
    _print_table(table, (*range(3, 9), 10))
    print("\nReports:")  # noqa: T201
    for row in rows:
        day = row.record.day
        for fmt in row.formats:
            path = views.report_path(context.store, day.merchant_id, day.settlement_date, fmt)
            print(f"  {day.merchant_id} {day.settlement_date} {fmt:5} {path}")  # noqa: T201
    return bool(rows) and all(row.record.state == "reported" for row in rows)


def print_proof(stack: LocalStack, day: date) -> bool:
    """Print the settlement line of each live capture and refund beside what the orders say.

    Returns whether each has exactly one line, over the same amount, that a rule has matched with
    its document.
    """
    from include.wiring import Settings, Tieout

    context = Tieout(Settings.of(stack.environment()))
    table: list[tuple[str, ...]] = [
        ("order", "what", "request", "ours", "settled", "", "matched by", "SYSPRO document", "")
    ]
    proven = []
    for merchant_id in sorted(context.mappings.merchants):
        settled = settled_lines(context, SettlementDay(merchant_id, day))
        for number, what, request_id, amount in _moved(context, merchant_id):
            line = settled.get(request_id, {})
            minor, rule = line.get("amount_minor"), line.get("rule") or line.get("cause") or "none"
            found = Money(minor, amount.currency) if minor is not None else None
            is_proven = found == amount and bool(line.get("rule")) and not line.get("cause")
            proven.append(is_proven)
            verdict = "reconciled" if is_proven else "NOT EXPLAINED"
            shown = (number, what, request_id, amount.decimal, found.decimal if found else "none")
            document = str(line.get("document_id") or "")
            table.append((*shown, amount.currency, rule, document, verdict))
    print(f"\nThe orders in the settlement of {day}:")  # noqa: T201
    _print_table(table, (3, 4))
    missing = proven.count(False)
    print(f"{sum(proven)} of {len(proven)} reconciled to the cent, {missing} unexplained.")  # noqa: T201
    return bool(proven) and all(proven)


def _moved(context: "Tieout", merchant_id: str) -> list[tuple[str, str, str, Money]]:
    """Return what our own books say moved: number, capture or refund, request id, signed amount."""
    found = []
    shops = sorted(
        name for name, one in context.today.shops().items() if one.merchant_id == merchant_id
    )
    for row in order_screen.listing(
        context.store, shops=shops, merchants=[merchant_id], limit=1000
    ):
        facts = context.orders.get(row.order_id).facts
        found += [(row.number, "capture", one.request_id, one.amount) for one in facts.captures]
        for _, saga in context.refunds.of_order(row.order_id):
            found += [
                (row.number, "refund", part.request_id, -part.amount)
                for part in saga.facts.parts
                if part.request_id and part.way is Way.refund
            ]
    return sorted(found)


def settled_lines(context: "Tieout", day: SettlementDay) -> dict[str, dict[str, Any]]:
    """Return the day's sales and refunds by request id, each with what matching decided."""
    import pyarrow.parquet as pq

    matches, lines = (context.lake.day_path(day, name) for name in (MATCHES, LINES))
    if not matches.is_file():
        return {}
    columns = ["request_id", "line_class", "amount_minor"]
    settled = pq.read_table(lines, columns=columns).to_pylist()
    return {
        line["request_id"]: {**said, **line}
        for line, said in zip(settled, rows_of_matches(matches), strict=False)
        if line["line_class"] in ("gross_sale", "refund")
    }


def _number(journal: Mapping[str, Any]) -> str:
    version = f" v{journal['version']}" if journal["version"] > 1 else ""
    return f"{journal['their_key'] or journal['state']}{version}"


def _amount(money: Money | None) -> str:
    return "unknown" if money is None else money.decimal


def _print_table(rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if i in numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())  # noqa: T201
