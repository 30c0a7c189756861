"""Deposit Detail: deposits to the merchant's bank account.

Source: Reporting User Guide 25.10.01, DepositDetailClass (218); status S, P or F as there. No real
file was seen. The identifier is the settlement batch the deposit pays.

Sign: amounts are signed, a withdrawal is negative.
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

_DEPOSITED = (Line(LineClass.funding, "amount", Sign.signed),)

LAYOUT = Layout(
    name="deposit_detail_csv",
    source=Csv(preamble="v3", definition="DepositDetail"),
    columns=(
        Column("merchant_id", ("deposit_merchantID",), is_required=True, is_filled=True),
        Column("batch_id", ("deposit_identifier",), is_required=True, is_filled=True),
        money("amount", "currency", "deposit_amount", is_required=True),
        currency("currency", "deposit_currency", is_required=True),
        Column("deposit_time", ("deposit_time",), Kind.moment, True, True),
        Column("status", ("deposit_status",), is_required=True, is_filled=True),
        Column("type", ("deposit_type",)),
        Column("method", ("deposit_method",)),
    ),
    records=RecordTypes(
        column="status",
        types={"s": _DEPOSITED, "p": (), "f": ()},
    ),
    fields={"batch_id": "batch_id", "settled_at": "deposit_time"},
    merchant="merchant_id",
    signed_amounts=True,
)
