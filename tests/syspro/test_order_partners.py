"""Sales orders: look, send and compare, against every shape of answer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from include.domain.erp_orders import OrderMove
from include.domain.errors import (
    Illegible,
    IntegrationError,
    OutcomeUnknown,
    Parked,
    Rejected,
    Retryable,
)
from include.services.effects.ports import EffectKind
from tests.syspro.support_orders import (
    CLEAN,
    CUSTOMER,
    DETAIL_ROWS,
    EMPTY_NUMBER,
    FIELD,
    ORDER,
    PO,
    RECEIPT,
    WARNED,
    charge_line,
    details,
    effect_of,
    head,
    imported,
    move,
    sent_back,
    stock_line,
    table,
)

SENT_AT = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
SENT: dict[str, Any] = {"sent_at": SENT_AT, "sends": 1}
Make = Callable[..., Any]


def sales_order(make_adapter: Make, **extra: object) -> Any:
    return make_adapter(**extra).partners[EffectKind.sales_order]


def test_a_clean_import_is_answered_with_the_number_that_was_read_back(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("post SORTOI", CLEAN)
    fake.on("query COMFND", head())
    receipt = sales_order(make_adapter).send(effect_of(ORDER))
    assert receipt.their_key == "15574"
    assert receipt.evidence == {"sales_order": "15574", "warnings": []}
    assert fake.verbs() == ["logon", "post SORTOI", "query COMFND", "logoff"]


def test_an_import_with_warnings_needs_no_read_back_and_keeps_them(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("post SORTOI", WARNED)
    receipt = sales_order(make_adapter).send(effect_of(ORDER))
    assert receipt.their_key == "15574"
    assert receipt.evidence["warnings"] == [
        "Line 0001 for stock code 'A100' was placed on back order"
    ]
    assert fake.verbs() == ["logon", "post SORTOI", "logoff"]


@pytest.mark.parametrize(
    ("answer", "read_back", "error", "words"),
    [
        (sent_back("XML element 'price' must be numeric"), head(), Rejected, "must be numeric"),
        (sent_back("Customer W000001 is on hold"), head(), Rejected, "off hold"),
        (sent_back("No credit available"), head(), Rejected, "credit limit"),
        (sent_back("Stock code 'A100' not found"), head(), Rejected, "Correct stock code"),
        (sent_back("Posting period is closed"), head(), Parked, "Open the period"),
        (sent_back(f"Customer PO {PO} already exists"), head(), OutcomeUnknown, "already there"),
        (EMPTY_NUMBER, table("SorMaster"), Rejected, "no such order is there"),
        (sent_back(""), table("SorMaster"), Rejected, "no such order is there"),
        (EMPTY_NUMBER, b"ERROR: busy", OutcomeUnknown, "reading it back failed"),
        (CLEAN, table("SorMaster"), OutcomeUnknown, "no order carries"),
        (CLEAN, b"garbage", OutcomeUnknown, "reading it back failed"),
        (CLEAN, head(Customer="OTHER"), OutcomeUnknown, "no order carries"),
        (WARNED.replace(PO.encode(), b"WEB-9"), head(), OutcomeUnknown, "about PO 'WEB-9'"),
        (imported(done="000000"), head(), OutcomeUnknown, "neither yes nor no"),
        (b"ERROR: e.net exception 100000", head(), OutcomeUnknown, "licence"),
        (b"ERROR: The operator is not logged in", head(), OutcomeUnknown, "not logged in"),
        (b"<html>busy</html>", head(), OutcomeUnknown, "HTML"),
        (b"<SalesOrders><Order>", head(), OutcomeUnknown, "half an answer"),
        (b"", head(), OutcomeUnknown, "empty"),
    ],
)
def test_every_other_answer_to_an_import_falls_into_its_family(
    fake: Any,
    make_adapter: Make,
    answer: bytes,
    read_back: bytes,
    error: type[IntegrationError],
    words: str,
) -> None:
    fake.on("post SORTOI", answer)
    fake.on("query COMFND", read_back)
    with pytest.raises(error, match=words) as caught:
        sales_order(make_adapter).send(effect_of(ORDER))
    assert type(caught.value) is error


def test_a_refusal_without_a_reason_that_is_there_all_the_same_is_taken(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("post SORTOI", EMPTY_NUMBER)
    fake.on("query COMFND", head())
    assert sales_order(make_adapter).send(effect_of(ORDER)).their_key == "15574"


def test_what_was_sent_is_found_equal(fake: Any, make_adapter: Make) -> None:
    fake.on("query COMFND", head(), details())
    partner, effect = sales_order(make_adapter), effect_of(ORDER, **SENT)
    (found,) = partner.look(effect)
    assert found.their_key == "15574"
    assert found.facts["sales_order"] == "15574"
    assert partner.compare(effect, found) == ()


def test_absence_is_asked_for_once(fake: Any, make_adapter: Make) -> None:
    fake.on("query COMFND", table("SorMaster"))
    assert sales_order(make_adapter).look(effect_of(ORDER)) == ()
    assert fake.count("query") == 1


def test_two_orders_of_one_po_are_both_returned(fake: Any, make_adapter: Make) -> None:
    twice = head().replace(b"<RowsReturned>       1", b"<RowsReturned>       2")
    row = head(SalesOrder="000000000015575").partition(b"<Row>")[2].partition(b"</Row>")[0]
    body = twice.replace(b"<RowsReturned>", b"<Row>" + row + b"</Row><RowsReturned>")
    fake.on("query COMFND", body, details())
    found = sales_order(make_adapter).look(effect_of(ORDER, **SENT))
    assert [one.their_key for one in found] == ["15574", "15575"]


@pytest.mark.parametrize(
    ("heads", "lines", "what"),
    [
        (head(Currency="EUR"), details(), ["currency"]),
        (head(Warehouse="E"), details(), ["warehouse"]),
        (head(ShipAddress1="somewhere else"), details(), ["ship address 1"]),
        (head(ShipPostalCode="1"), details(), ["postal code"]),
        (head(DiscPct1="2.50"), details(), ["discounts of SYSPRO's own"]),
        (head(DiscPct1=" 0.00"), details(), []),
        (
            head(),
            details(
                {**DETAIL_ROWS[0], "MDiscPct1": "5.00", "MDiscValue": "0.00"}, *DETAIL_ROWS[1:]
            ),
            ["discounts of SYSPRO's own"],
        ),
        (
            head(),
            details(*DETAIL_ROWS[:3]),
            ["charges", "charges of product class disc", "charges of tax code D"],
        ),
        (
            head(),
            details(*DETAIL_ROWS[:3], charge_line(4, "1.50-", "_OTH", "D")),
            ["charges of product class disc"],
        ),
        (
            head(),
            details(*DETAIL_ROWS[:3], charge_line(4, "1.50-", "DISC", "A")),
            ["charges of tax code D"],
        ),
        (head(TaxExemptFlag="E"), details(*DETAIL_ROWS[:3], charge_line(4, "1.50-", "DISC")), []),
        (head(), details(*DETAIL_ROWS[1:]), ["quantity of a100", "value of a100"]),
        (
            head(),
            details(stock_line(1, "A100", "3", "6.66666"), *DETAIL_ROWS[1:]),
            ["value of a100"],
        ),
        (
            head(),
            details(stock_line(1, "A100", "4", "5.00000"), *DETAIL_ROWS[1:]),
            ["quantity of a100", "value of a100"],
        ),
        (head(), details(*DETAIL_ROWS, stock_line(5, "X9", "1", "1")), ["value of x9"]),
        (head(), details(*DETAIL_ROWS, stock_line(5, "PART", "1", "0")), []),
        (head(), details(*DETAIL_ROWS, charge_line(5, "0.00")), []),
        (head(Warehouse="", ShipAddress1="", ShipPostalCode=""), details(), []),
    ],
)
def test_each_difference_is_named(
    fake: Any, make_adapter: Make, heads: bytes, lines: bytes, what: list[str]
) -> None:
    fake.on("query COMFND", heads, lines)
    partner, effect = sales_order(make_adapter), effect_of(ORDER, **SENT)
    (found,) = partner.look(effect)
    named = [one.what.partition(",")[0] for one in partner.compare(effect, found)]
    assert named == what


def test_where_lines_cannot_be_read_the_head_is_compared(fake: Any, make_adapter: Make) -> None:
    fake.on("query COMFND", head())
    partner, effect = sales_order(make_adapter, read_order_lines=False), effect_of(ORDER, **SENT)
    (found,) = partner.look(effect)
    assert partner.compare(effect, found) == ()
    assert fake.count("query") == 1


@pytest.mark.parametrize(
    ("more", "row"),
    [
        ({"Currency": "R"}, {}),
        ({}, {"MOrderQty": "3,000"}),
        ({}, {"MPrice": "6.666671"}),
    ],
)
def test_an_order_that_is_there_and_cannot_be_read_is_no_silence(
    fake: Any, make_adapter: Make, more: dict[str, str], row: dict[str, str]
) -> None:
    fake.on("query COMFND", head(**more), details({**DETAIL_ROWS[0], **row}))
    with pytest.raises(Illegible):
        sales_order(make_adapter).look(effect_of(ORDER, **SENT))


@pytest.mark.parametrize(
    "answer", [b"ERROR: busy", b"<html/>", b"", b"ERROR: e.net exception 100000"]
)
def test_a_look_that_could_not_ask_says_so_for_every_kind(
    fake: Any, make_adapter: Make, answer: bytes
) -> None:
    for query in ("COMFND", "COMQFM", "ARSQRY"):
        fake.on(f"query {query}", answer)
    adapter = make_adapter()
    for command in (ORDER, CUSTOMER, RECEIPT, FIELD, move(OrderMove.hold)):
        effect = effect_of(command, **SENT)
        with pytest.raises((Retryable, Rejected)):
            adapter.partners[effect.kind].look(effect)


def test_a_payload_of_another_kind_is_our_own_bug(make_adapter: Make) -> None:
    wrong = replace(effect_of(CUSTOMER), kind=EffectKind.sales_order)
    with pytest.raises(ValueError, match="no AddSalesOrder"):
        make_adapter().partners[EffectKind.sales_order].look(wrong)
