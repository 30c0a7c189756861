"""Bank statement as CSV: ``date,value_date,amount,currency,reference,text,balance``.

Source: our own declared layout, for banks whose portal exports CSV. The account is not in the
file; it is the one the file was asked for.

Sign: amounts are signed, a credit to us is positive.
"""

from include.adapters.layouts.shape import (
    Column,
    Csv,
    Kind,
    Layout,
    Line,
    RecordTypes,
    Sign,
    currency,
    money,
)
from include.domain.settlement import LineClass

LAYOUT = Layout(
    name="bank_csv",
    source=Csv(preamble="none"),
    columns=(
        Column("booking_date", ("date", "booking_date"), Kind.day, True, True),
        Column("value_date", ("value_date",), Kind.day),
        money("amount", "currency", "amount", is_required=True),
        currency("currency", "currency", is_required=True),
        Column("reference", ("reference",), is_required=True),
        Column("text", ("text",)),
        money("balance", "currency", "balance"),
    ),
    records=RecordTypes(types={"": (Line(LineClass.adjustment, "amount", Sign.signed),)}),
    fields={n: n for n in ("booking_date", "value_date", "reference", "text")},
    may_be_empty=True,
    yields="bank_entries",
)
