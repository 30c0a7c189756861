"""The report as one page: no script, nothing fetched, readable on paper and by a screen reader."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from include.adapters.reports.charts import ages, causes, grouped, waterfall
from include.adapters.reports.safe_text import visible
from include.domain.money import Money, total
from include.domain.quality import Severity
from include.domain.settlement import LineClass
from include.services.report_model import DRAFT, LineReport, ReportModel

SHOWN_LINES = 200  # per class and currency; the workbook and the CSV hold every line
SHOWN_FLAGGED = 1_000  # lines that an open item is about, on top of these
_SHADES = 8  # colors of the legend, then they repeat


@dataclass(slots=True)
class LineGroup:
    """Lines of one class and currency: some are shown, all are counted and summed."""

    currency: str
    line_class: str
    count: int = 0
    minor: int = 0
    plain: int = 0
    shown: list[LineReport] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)  # beside ``shown``; '' for a record seen before

    @property
    def anchor(self) -> str:
        return f"lines-{self.currency}-{self.line_class}"

    @property
    def total(self) -> Money:
        return Money(self.minor, self.currency)

    def add(self, line: LineReport, is_flagged: bool) -> None:
        self.count += 1
        self.minor += line.amount.minor
        if is_flagged and len(self.shown) - self.plain < SHOWN_FLAGGED:
            self.shown.append(line)
        elif not is_flagged and self.plain < SHOWN_LINES:
            self.plain += 1
            self.shown.append(line)

    def mark(self, taken: set[str]) -> None:
        """Give each record's first line its id: one record may yield several lines."""
        for line in self.shown:
            self.ids.append("" if line.source in taken else _anchor(line.source))
            taken.add(line.source)


class HtmlReport:
    """Satisfies ``services.write_report.ReportWriter``."""

    def write(self, model: ReportModel, path: Path) -> None:
        """Write the page."""
        path.write_text(render(model), encoding="utf-8", newline="\n")


def render(model: ReportModel) -> str:
    """Return the page as text."""
    groups = _groups(model)
    shown: set[str] = set()
    for group in groups:
        group.mark(shown)
    order = causes(model.items)
    quality = model.quality
    return _template().render(
        model=model,
        draft=DRAFT,
        groups=groups,
        anchors={(g.currency, g.line_class): g.anchor for g in groups},
        shown=shown,
        waterfalls=[waterfall(summary) for summary in model.summaries],
        ages=ages(model.items),
        shades={cause: i % _SHADES for i, cause in enumerate(order)},
        stops=quality.failures(Severity.stop) if quality else (),
        remarks=quality.failures(Severity.note) if quality else (),
        checks=sum(len(suite.findings) for suite in quality.suites) if quality else 0,
    )


def _groups(model: ReportModel) -> list[LineGroup]:
    flagged = {item.source for item in model.items if item.source}
    found: dict[tuple[str, str], LineGroup] = {}
    for line in model.lines:
        key = (line.amount.currency, line.line_class)
        group = found.setdefault(key, LineGroup(*key))
        group.add(line, bool(line.cause) or line.source in flagged)
    order = [c.value for c in LineClass]
    return sorted(found.values(), key=lambda g: (g.currency, _place(g.line_class, order)))


def _place(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)


def _words(text: str) -> str:
    """Write a key for people: ``fee.per_item`` as ``fee: per item``."""
    return visible(text).replace("_", " ").replace(".", ": ")


def _anchor(source: str) -> str:
    """Return a line's id: the digest's first digits and the record, unique within a day."""
    digest, _, number = source.rpartition(":")
    return f"line-{digest[:16]}-{number}"


def _joined(parts: Iterable[str]) -> str:
    return " · ".join(part for part in parts if part)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    environment.filters.update(
        words=_words, anchor=_anchor, joined=_joined, sum_money=total, grouped=grouped
    )
    return environment.get_template("report.html")
