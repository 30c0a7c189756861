"""Bank statement camt.053 (ISO 20022 BankToCustomerStatement), versions 02 to 08.

Source: ISO 20022 message definition report, camt.053.001.02. Only booked entries (status BOOK)
are money; pending and informational ones are known and yield nothing. An entry of several payments
has the references and the texts of all. Opening plus booked entries must equal the closing balance
where both are stated.

Sign: amounts are unsigned, CdtDbtInd says which way; a reversal (RvslInd) keeps its indicator.
"""

from include.adapters.layouts.shape import (
    Column,
    Kind,
    Layout,
    Line,
    Records,
    RecordTypes,
    Says,
    Sign,
    Witness,
    currency,
    money,
)
from include.domain.settlement import LineClass

ENTRY_COLUMNS = (
    Column("account_id", ()),
    Column("entry_id", ()),
    Column("booking_date", (), Kind.day, True, True),
    Column("value_date", (), Kind.day),
    Column("indicator", (), is_required=True, is_filled=True),
    Column("status", ()),
    Column("reference", ()),
    Column("text", ()),
    money("amount", "currency", is_required=True),
    currency("currency", is_required=True),
)
ENTRY_FIELDS = {
    name: name
    for name in ("account_id", "entry_id", "booking_date", "value_date", "reference", "text")
}

LAYOUT = Layout(
    name="camt_053",
    source=Records("camt_053"),
    columns=ENTRY_COLUMNS,
    records=RecordTypes(
        column="indicator",
        witnesses=(
            Witness(
                "status",
                {
                    **dict.fromkeys(("book", ""), Says.money),
                    **dict.fromkeys(("pdng", "info", "futr"), Says.none),
                },
            ),
        ),
        types={
            "crdt": (Line(LineClass.funding, "amount", Sign.given),),
            "dbit": (Line(LineClass.funding, "amount", Sign.taken),),
        },
    ),
    fields=ENTRY_FIELDS,
    may_be_empty=True,
    yields="bank_entries",
)
