"""The columns of what matching writes, and of what it reads. Polars is imported where used."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

JOINT = " + "  # between the ids where one line settles several documents

# matches.parquet: one row per line of the day, in the order of lines.parquet. A row with a document
# is settled by it, whole and by the rule ``exact``, unless explained.parquet says otherwise.
# Its columns: file_digest and line_no, and document_row, the row in documents.parquet, null where
# the line is not plain.

# explained.parquet: one row per line that needed a rule or has a cause, in the same order, then one
# per still-open line of an earlier day that was met. What is null here is as matches.parquet says.
EXPLAINED_COLUMNS: dict[str, tuple[str, str]] = {
    "row": ("int64", "the line's row in lines.parquet; -1: a line of an earlier day"),
    "file_digest": ("string", "the line's file"),
    "line_no": ("int64", "the line's record"),
    "line_class": ("string", "a LineClass"),
    "line_date": ("date32", "the line's settlement date; an earlier one where it was still open"),
    "rule": ("string", "a Rule; null where none settled it"),
    "cause": ("string", "a Cause; null where nothing is wrong"),
    "document_id": ("string", "SYSPRO document(s), joined by " + "; null without one"),
    "taken_minor": ("int64", "what the line settles of it"),
    "difference_minor": ("int64", "line less taken"),
    "line_key": ("string", "the line's identity"),
    "compared": ("string", "what was compared"),
    "runner_up": ("string", "the next best"),
}
SAYS_NOTHING: dict[str, Any] = dict.fromkeys(EXPLAINED_COLUMNS)  # a row; what is said is put in


def request_of() -> "pl.Expr":
    """Return ``request_id``, or the reference where an acquirer wrote the request id there."""
    import polars as pl

    reference = pl.col("merchant_reference")
    is_request = reference.str.contains(r"^[0-9]{22}$")
    return pl.coalesce("request_id", pl.when(is_request).then(reference)).alias("request_id")
