"""Good records into lines: one pass over the columns per kind of line a record yields."""

from collections.abc import Mapping

import polars as pl

from include.adapters.layouts.reading.plan import LINE_NO, TYPE, Plan
from include.adapters.layouts.reading.witnesses import moves_money
from include.adapters.layouts.shape import Kind, Line, Sign
from include.domain.settlement import BANK_ENTRY_COLUMNS, LINE_COLUMNS, LineClass
from include.services.column_types import schema_of

_FEW_VALUES = 3
# What tells two passes apart: the columns they read. Class, sign and code vary by type in a pass.
_Pass = tuple[str, str, bool]


def columns_of(yields: str) -> dict[str, tuple[str, str]]:
    """Return the declared columns of what a layout yields."""
    return LINE_COLUMNS if yields == "lines" else BANK_ENTRY_COLUMNS


def empty_lines(yields: str) -> pl.DataFrame:
    """Return a frame of the declared columns without rows."""
    return pl.DataFrame(schema=schema_of(columns_of(yields)))


def lines_of(good: pl.DataFrame, plan: Plan, has_unmoved: bool = False) -> pl.DataFrame:
    """Make the lines of good records, in order of line number.

    Args:
        good: the records, read.
        plan: how they are to be understood.
        has_unmoved: whether witnesses say of some that no money moved: of those only fees count.
    """
    passes: dict[_Pass, dict[int, Line]] = {}
    for word, line in plan.lines:
        key = (line.amount, line.detail_from, line.is_optional)
        passes.setdefault(key, {})[plan.type_words.index(word)] = line
    moved = good.filter(moves_money()) if has_unmoved else good
    frames = [
        _one_pass(good if _is_fee(by_type) else moved, plan, by_type) for by_type in passes.values()
    ]
    frames = [frame for frame in frames if frame.height]
    if not frames:
        return empty_lines(plan.layout.yields)
    if len(frames) == 1:
        return frames[0]
    return pl.concat(frames).sort("line_no", maintain_order=True)


def _one_pass(good: pl.DataFrame, plan: Plan, by_type: Mapping[int, Line]) -> pl.DataFrame:
    line = next(iter(by_type.values()))
    rows = good
    if len(by_type) < len(plan.type_words):
        rows = rows.filter(pl.col(TYPE).is_in(list(by_type)))
    minor = f"{line.amount}#minor"
    if line.is_optional:
        rows = rows.filter(pl.col(minor).fill_null(0) != 0)
    signs = {
        index: -1 if member.sign in (Sign.taken, Sign.cost) else 1
        for index, member in by_type.items()
    }
    classes = {index: member.line_class.value for index, member in by_type.items()}
    codes = {index: member.detail_code for index, member in by_type.items()}
    fixed = {
        "line_class": _by_type(classes, pl.String()),
        "detail_code": pl.col(line.detail_from).fill_null("")
        if line.detail_from in plan.present
        else _by_type(codes, pl.String()),
        "amount_minor": pl.col(minor) * _by_type(signs, pl.Int64()),
        "currency": pl.col(_currency(plan, line)),
        "line_no": pl.col(LINE_NO),
    }
    if plan.layout.yields == "bank_entries":
        fixed |= {"entry_id": _entry_id(plan), "account_id": _account(plan)}
    return rows.select_seq(
        (fixed[name] if name in fixed else _field(name, kind, plan)).cast(kind).alias(name)
        for name, kind in schema_of(columns_of(plan.layout.yields)).items()
    )


def _is_fee(by_type: Mapping[int, Line]) -> bool:
    return all(line.line_class is LineClass.fee for line in by_type.values())


def _by_type(values: Mapping[int, str] | Mapping[int, int], kind: pl.DataType) -> pl.Expr:
    """Return a constant, or where types differ the value of each row's type.

    A few comparisons cost less than one hash.
    """
    distinct = list(dict.fromkeys(values.values()))
    if len(distinct) > _FEW_VALUES:
        return pl.col(TYPE).replace_strict(dict(values), default=None, return_dtype=kind)
    found = pl.lit(distinct[-1], kind)
    for value in distinct[:-1]:
        same = [pl.col(TYPE) == index for index, other in values.items() if other == value]
        found = pl.when(pl.any_horizontal(same)).then(pl.lit(value, kind)).otherwise(found)
    return found


def _currency(plan: Plan, line: Line) -> str:
    own = plan.layout.column(line.amount).currency_from
    return own if own in plan.present else plan.layout.currency


def _field(name: str, kind: pl.DataType, plan: Plan) -> pl.Expr:
    named = plan.layout.fields.get(name, ())
    columns = [c for c in ((named,) if isinstance(named, str) else named) if c in plan.present]
    if not columns:
        return pl.lit(None, kind)
    if plan.layout.column(columns[0]).kind in (Kind.instant, Kind.day, Kind.moment):
        return pl.col(f"{columns[0]}#at")
    return pl.coalesce(columns) if len(columns) > 1 else pl.col(columns[0])


def _account(plan: Plan) -> pl.Expr:
    if "account_id" in plan.present:
        return pl.col("account_id")
    return pl.lit(plan.expected.account_id, pl.String)


def _entry_id(plan: Plan) -> pl.Expr:
    """The bank's id, else one made of file and line, completed where the line is known."""
    if "entry_id" in plan.present:
        return pl.col("entry_id")
    return pl.lit(None, pl.String)
