"""One reason why a record is set aside."""

from dataclasses import dataclass

import polars as pl

from include.adapters.layouts.reading.faults import ASK


@dataclass(frozen=True, slots=True)
class Check:
    """One reason; ``mask`` is true where it applies. ``what`` may use {value}.

    A refinement only names more exactly what another check finds anyway, so it is asked of the
    rows already found bad and not of all.
    """

    reason_code: str
    mask: pl.Expr
    column: str  # whose value the sentence shows; '' shows none
    what: str
    do: str = ASK
    is_refinement: bool = False
