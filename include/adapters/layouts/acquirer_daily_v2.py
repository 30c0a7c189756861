"""Acquirer daily statement, layout 2: fees, reserve and adjustments of a merchant and day.

Source: our own declared layout, for acquirers that report outside Cybersource. Records, split
by ``|``: header ``H|ACQ|merchant no|date|currency|statement id``; fee
``F|code|transaction reference|amount|currency``; reserve ``R|HOLD or RELEASE|amount|currency``;
adjustment ``A|reason|signed amount|currency``; trailer ``T|rows|sum of F|released - held|sum of
A``. The trailer's count and sums must be met, or the file is set aside.

Sign: fees are unsigned costs, reserve by its word, adjustments signed from the merchant.
"""

from include.adapters.layouts.shape import (
    Column,
    Kind,
    Layout,
    Line,
    Records,
    RecordTypes,
    Sign,
    currency,
    money,
)
from include.domain.settlement import LineClass

LAYOUT = Layout(
    name="acquirer_daily_v2",
    source=Records("acquirer_daily_v2"),
    columns=(
        Column("type", (), is_required=True, is_filled=True),
        Column("code", (), is_required=True),
        Column("request_id", (), Kind.request_id),  # where the reference is one
        Column("reference", ()),
        money("amount", "currency", is_required=True),
        currency("currency", is_required=True),
        Column("statement_id", ()),
    ),
    records=RecordTypes(
        column="type",
        types={
            "f": (Line(LineClass.fee, "amount", Sign.cost, detail_from="code"),),
            "r hold": (Line(LineClass.reserve, "amount", Sign.taken, detail_from="code"),),
            "r release": (Line(LineClass.reserve, "amount", Sign.given, detail_from="code"),),
            "a": (Line(LineClass.adjustment, "amount", Sign.signed, detail_from="code"),),
        },
    ),
    fields={
        "request_id": "request_id",
        "related_request_id": "request_id",
        "merchant_reference": "reference",
        "processor_reference": "statement_id",
    },
    may_be_empty=True,
    is_proven=True,
)
