"""Shapes of the report's charts, computed in whole numbers; the template draws them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from include.domain.money import Money
from include.services.report_model import CurrencySummary, Figure, ItemReport

WIDTH = 960  # of the drawing; it scales to the page
_TOP, _BOTTOM = 34, 228
_SIDE = 14
_TOTALS = ("net", "funding", "bank_entries")
_AGES = ((0, "today"), (1, "1 day"), (3, "2-3 days"), (7, "4-7 days"), (14, "8-14 days"))
_SHORT = {"chargeback_reversal": "Reversals", "bank_entries": "Bank entries"}  # below a narrow bar
_OLDEST = "15 days and more"
_AGE_WIDTH = 560


def grouped(amount: Money) -> str:
    """Return the amount as people write it, e.g. ``-1,234.50`` with a true minus sign."""
    whole, point, fraction = amount.decimal.lstrip("-").partition(".")
    sign = "\u2212" if amount.minor < 0 else ""
    return f"{sign}{int(whole):,}{point}{fraction}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the waterfall."""

    name: str
    title: str
    label: str
    kind: str  # up, down, total or unknown: the style
    x: int
    y: int
    width: int
    height: int
    link_y: int | None  # where the dotted line to the next bar runs
    note: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From gross to net, and what arrived of it."""

    currency: str
    bars: tuple[Bar, ...]
    zero_y: int


def waterfall(summary: CurrencySummary) -> Waterfall:
    """Lay out the figures: each class moves the level, totals stand on the zero line."""
    figures = [f for f in summary.figures if not f.is_part and _is_shown(f)]
    levels = list(_levels(figures))
    low = min([0, *(min(start, end) for start, end in levels)])
    high = max([1, *(max(start, end) for start, end in levels)])
    step = (WIDTH - 2 * _SIDE) // max(1, len(figures))

    def y(minor: int) -> int:
        return _BOTTOM - (minor - low) * (_BOTTOM - _TOP) // (high - low)

    bars = []
    for i, (figure, (start, end)) in enumerate(zip(figures, levels, strict=True)):
        top, bottom = y(max(start, end)), y(min(start, end))
        is_last = figure.name in _TOTALS
        bars.append(
            Bar(
                name=figure.name,
                title=_SHORT.get(figure.name, figure.title),
                label=grouped(figure.amount) if figure.amount else figure.text,
                kind=_kind(figure),
                x=_SIDE + i * step + step // 8,
                y=top if figure.amount else _TOP,
                width=step * 3 // 4,
                height=max(2, bottom - top) if figure.amount else _BOTTOM - _TOP,
                link_y=None if is_last or figure.amount is None else y(end),
                note=figure.note,
            )
        )
    return Waterfall(summary.currency, tuple(bars), y(0))


def _is_shown(figure: Figure) -> bool:
    """A class that was reported and is nothing needs no bar; one not knowable does."""
    if figure.name == "bank_entries":
        return figure.amount is not None
    return figure.amount is None or figure.amount.minor != 0 or figure.name in ("gross_sale", "net")


def _levels(figures: Sequence[Figure]) -> Iterator[tuple[int, int]]:
    level = 0
    for figure in figures:
        minor = figure.amount.minor if figure.amount else 0
        if figure.name in _TOTALS:
            yield 0, minor
        else:
            yield level, level + minor
            level += minor


def _kind(figure: Figure) -> str:
    if figure.amount is None:
        return "unknown"
    if figure.name in _TOTALS:
        return "total"
    return "up" if figure.amount.minor >= 0 else "down"


@dataclass(frozen=True, slots=True)
class AgeBar:
    """Open items of one age, split by cause."""

    title: str
    count: int
    parts: tuple[tuple[str, int, int, int], ...]  # cause, items, x, width
    sums: tuple[str, ...]  # "410.00 USD" per currency, of the amounts known


def ages(items: Sequence[ItemReport]) -> list[AgeBar]:
    """Group open items by age; widths are in proportion to the number of items."""
    groups: dict[str, list[ItemReport]] = {title: [] for title in (*dict(_AGES).values(), _OLDEST)}
    for item in items:
        title = next((t for limit, t in _AGES if item.age_days <= limit), _OLDEST)
        groups[title].append(item)
    most = max([1, *(len(group) for group in groups.values())])
    return [_age_bar(title, group, most) for title, group in groups.items()]


def _age_bar(title: str, group: Sequence[ItemReport], most: int) -> AgeBar:
    counts: dict[str, int] = {}
    sums: dict[str, Money] = {}
    for item in group:
        counts[item.cause] = counts.get(item.cause, 0) + 1
        if item.amount is not None:
            before = sums.get(item.currency, Money(0, item.currency))
            sums[item.currency] = before + item.amount
    parts, done = [], 0
    for cause in sorted(counts, key=lambda name: (-counts[name], name)):
        x, done = _AGE_WIDTH * done // most, done + counts[cause]
        parts.append((cause, counts[cause], x, max(2, _AGE_WIDTH * done // most - x)))
    return AgeBar(
        title, len(group), tuple(parts), tuple(f"{grouped(sums[c])} {c}" for c in sorted(sums))
    )


def causes(items: Sequence[ItemReport]) -> list[str]:
    """Return the causes, most frequent first: the order of the legend and of the colors."""
    counts: dict[str, int] = {}
    for item in items:
        counts[item.cause] = counts.get(item.cause, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))
