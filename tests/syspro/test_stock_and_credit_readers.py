"""Stock, credit, rates and customers as they are read: what SYSPRO does not say is never a zero."""

from fractions import Fraction
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from tests.syspro.support import Make
from tests.syspro.support_orders import asked, table


def test_stock_of_another_warehouse_is_never_taken_for_ours(fake: Any, make_adapter: Make) -> None:
    rows = (
        {"StockCode": "A", "Warehouse": "E", "QtyOnHand": "9", "QtyAllocated": "0"},
        {"StockCode": "B", "Warehouse": "FG", "QtyOnHand": "  2.5", "QtyAllocated": "3"},
    )
    fake.on("query COMFND", table("InvWarehouse", *rows), table("InvMaster"))
    levels = make_adapter().orders.stock(["A", "B", "A"], "FG")
    assert [(one.stock_code, one.available_millionths) for one in levels] == [
        ("A", None), ("B", -500_000),
    ]  # fmt: skip
    assert make_adapter().orders.stock([], "FG") == []


def test_a_factor_multiplies_or_divides_and_one_of_zero_is_none(
    fake: Any, make_adapter: Make
) -> None:
    row = {"StockCode": "A", "Warehouse": "FG", "QtyOnHand": "9", "QtyAllocated": "0"}
    units = {
        "StockCode": "A",
        "StockUom": "LB",
        "AlternateUom": "KG",
        "ConvFactAltUom": "     2.204620",
        "ConvMulDiv": "M",
        "OtherUom": "OZ",
        "ConvFactOthUom": "    16.000000",
        "MulDiv": "D",
    }
    fake.on("query COMFND", table("InvWarehouse", row), table("InvMaster", units))
    (level,) = make_adapter().orders.stock(["A"], "FG")
    assert level.product is not None
    factors = [level.product.in_stock_units(unit) for unit in ("LB", "KG", "OZ", "EA")]
    assert factors == [1, Fraction(2_204_620, 1_000_000), Fraction(1, 16), None]
    none = units | {"ConvFactAltUom": "     0.000000"}
    fake.on("query COMFND", table("InvWarehouse", row), table("InvMaster", none))
    (level,) = make_adapter().orders.stock(["A"], "FG")
    assert level.product is not None
    assert level.product.in_stock_units("KG") is None


def test_a_page_that_may_have_been_cut_is_no_answer(fake: Any, make_adapter: Make) -> None:
    row = {"StockCode": "A", "Warehouse": "FG", "QtyOnHand": "9", "QtyAllocated": "0"}
    fake.on("query COMFND", table("InvWarehouse", row, row))
    with pytest.raises(Rejected, match="a whole page of InvWarehouse shares Warehouse 'FG'"):
        make_adapter(return_rows=2).orders.stock(["A"], "FG")


CEILING = 100  # of a server that is asked for a thousand rows


@pytest.mark.parametrize(
    ("sizes", "asked_for"),
    [
        ({"K1": 60, "K2": 60, "K3": 20}, ["K1 K2 K3", "K1", "K2 K3"]),
        ({"K1": 230}, ["K1"] * 4),
        ({"K1": 100}, ["K1"] * 3),
    ],
    ids=["in halves", "page by page", "a page that is whole by chance"],
)
def test_a_kit_has_all_its_parts_where_the_server_gives_fewer_rows_than_it_is_asked_for(
    fake: Any, make_adapter: Make, sizes: dict[str, int], asked_for: list[str]
) -> None:
    """A part that was cut off would bound no kit, and more of it would be sold than there is."""
    parts = [
        {"ParentPart": kit, "Component": f"P{number // 2:03d}", "QtyPer": "1"}  # each part twice
        for kit, size in sizes.items()
        for number in range(size)
    ]
    questions: list[str] = []

    def serve(wire: Any) -> None:
        question = fromstring(asked(fake))
        if question.findtext("TableName") == "InvMaster":
            return wire.reply(
                table("InvMaster", *({"StockCode": k, "KitType": "K"} for k in sizes))
            )
        tests = [
            tuple(test.findtext(name) or "" for name in ("Column", "Condition", "Value"))
            for test in question.iter("Expression")
        ]
        kits = [value for column, _, value in tests if column == "ParentPart"]
        start = max((value for _, condition, value in tests if condition == "GE"), default="")
        questions.append(" ".join(kits))
        found = [one for one in parts if one["ParentPart"] in kits and one["Component"] >= start]
        return wire.reply(table("BomStructure", *found[:CEILING]))

    fake.on("query COMFND", serve)
    found = make_adapter().orders.products(list(sizes))
    per_kit = {
        kit: sum(part.per_kit_millionths for part in found[kit.casefold()].parts) for kit in sizes
    }
    assert per_kit == {kit: size * 1_000_000 for kit, size in sizes.items()}
    assert questions == asked_for


def test_a_quantity_that_cannot_be_read_is_not_zero(fake: Any, make_adapter: Make) -> None:
    row = {"StockCode": "A", "Warehouse": "FG", "QtyOnHand": "", "QtyAllocated": "0"}
    fake.on("query COMFND", table("InvWarehouse", row))
    with pytest.raises(Rejected, match="not a number"):
        make_adapter().orders.stock(["A"], "FG")


def test_only_a_text_about_this_very_code_means_that_it_is_not_there(
    fake: Any, make_adapter: Make
) -> None:
    reader = make_adapter(stock_by="invqry").orders
    fake.on("query INVQRY", b"ERROR: Stock code 'A1' not found")
    assert reader.stock(["A1"], "FG")[0].available_millionths is None
    fake.on("query INVQRY", b"ERROR: Operator record not found")
    with pytest.raises(Retryable):
        reader.stock(["A1"], "FG")


def test_credit_that_syspro_does_not_say_is_none_not_zero(fake: Any, make_adapter: Make) -> None:
    fake.on("query ARSQRY", b"<ARStatement><Header><Customer>C1</Customer></Header></ARStatement>")
    found = make_adapter().orders.credit("C1")
    assert found.exists
    assert (found.credit_limit, found.balance, found.outstanding_orders) == (None, None, None)


ACCOUNT = (
    b"<ARStatement><Header><Customer>C1</Customer><Currency>EUR</Currency><CreditLimit>  100"
    b"</CreditLimit><OutstOrdVal>5.00</OutstOrdVal></Header><TotalSection><CurrentBalance>7.00"
    b"</CurrentBalance></TotalSection></ARStatement>"
)


def test_a_limit_is_in_the_companys_currency_unless_the_site_says_otherwise(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query ARSQRY", ACCOUNT, ACCOUNT, ACCOUNT)
    found = make_adapter().orders.credit("C1")
    assert found.currency == "EUR"
    assert found.credit_limit == Money(100_00, "USD")
    assert (found.balance, found.outstanding_orders) == (Money(7_00, "EUR"), Money(5_00, "EUR"))
    found = make_adapter(base_amounts="credit_limit|outstanding_orders").orders.credit("C1")
    assert found.outstanding_orders == Money(5_00, "USD")
    with pytest.raises(Rejected, match="base_amounts are of"):
        make_adapter(base_amounts="limit")


def test_a_limit_without_the_companys_currency_names_the_setting_and_nought_needs_none(
    fake: Any, make_adapter: Make
) -> None:
    fake.on("query ARSQRY", ACCOUNT, ACCOUNT.replace(b"  100", b"    0"))
    reader = make_adapter(base_currency="").orders
    with pytest.raises(Rejected, match="name is not known") as caught:
        reader.credit("C1")
    assert "Set base_currency" in caught.value.do
    assert reader.credit("C1").credit_limit == Money(0, "EUR")


def test_the_companys_own_rate_is_read_from_the_table_that_the_site_names(
    fake: Any, make_adapter: Make
) -> None:
    row = {"Currency": "EU", "BuyExchangeRate": "   0.868200", "BuyMulDiv": "M"}
    fake.on("query COMFND", table("TblCurrency", row))
    reader = make_adapter(currency_codes="$=|EU=EUR").orders
    assert reader.base_rate("EUR").to_base(Money(100_00, "EUR"), "USD") == Money(86_82, "USD")
    assert "<Value>EU</Value>" in asked(fake)
    fake.on("query COMFND", table("Rates", {"Code": "EUR", "Rate": "1.25", "Way": "D"}))
    named = {
        "rate_table": "Rates",
        "rate_currency_column": "Code",
        "rate_column": "Rate",
        "rate_way_column": "Way",
    }
    found = make_adapter(**named).orders.base_rate("EUR")
    assert found.to_base(Money(100_00, "EUR"), "USD") == Money(80_00, "USD")


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ((), "SYSPRO keeps no rates of EUR"),
        (({"Currency": "EURX", "BuyExchangeRate": "1", "BuyMulDiv": "M"},), "keeps no rates"),
        (({"Currency": "EUR", "BuyExchangeRate": "1", "BuyMulDiv": "M"},) * 2, "keeps 2 rates"),
        (({"Currency": "EUR", "BuyExchangeRate": "0.000000", "BuyMulDiv": "M"},), "is no rate"),
        (({"Currency": "EUR", "BuyExchangeRate": "1.1", "BuyMulDiv": ""},), "is no rate"),
    ],
)
def test_a_rate_that_syspro_does_not_keep_is_never_guessed(
    fake: Any, make_adapter: Make, rows: tuple[dict[str, str], ...], what: str
) -> None:
    fake.on("query COMFND", table("TblCurrency", *rows))
    with pytest.raises(Rejected, match=what) as caught:
        make_adapter().orders.base_rate("EUR")
    assert caught.value.do


def test_customers_are_looked_up_by_mail(fake: Any, make_adapter: Make) -> None:
    fake.on("query COMFND", table("ArCustomer"))
    assert make_adapter().orders.customers(" a@example.com ") == ()
    assert "<Value>a@example.com</Value>" in asked(fake)


def test_nobody_in_syspro_has_a_mail_address_in_letters_that_it_lacks(
    fake: Any, make_adapter: Make
) -> None:
    assert make_adapter().orders.customers("łukasz@example.com") == ()


def test_a_site_names_all_that_is_promised_of_what_is_on_hand(
    fake: Any, make_adapter: Make
) -> None:
    """A manufacturer keeps what its jobs and pickers will take in columns of their own."""
    row = {"StockCode": "A", "Warehouse": "FG", "QtyOnHand": "9", "QtyAllocated": "2"}
    row |= {"QtyAllocatedWip": "  4.500000", "QtyAllocatedToPick": "1", "TimeStamp": "7"}
    fake.on("query COMFND", table("InvWarehouse", row), table("InvMaster"))
    site = make_adapter(promised_columns="QtyAllocated|QtyAllocatedWip|QtyAllocatedToPick").orders
    assert [one.available_millionths for one in site.stock(["A"], "FG")] == [1_500_000]
    assert "<Column>QtyAllocatedWip</Column>" in fake.calls[1].fields["XmlIn"]
    fake.on("query COMFND", table("InvWarehouse", row), table("InvWarehouse", row))
    levels, _ = site.stock_levels("FG")
    assert [one.available_millionths for one in levels] == [1_500_000]


def test_a_promise_that_syspro_does_not_show_is_not_taken_for_none(
    fake: Any, make_adapter: Make
) -> None:
    row = {"StockCode": "A", "Warehouse": "FG", "QtyOnHand": "9", "QtyAllocated": "0"}
    fake.on("query COMFND", table("InvWarehouse", row), table("InvMaster"))
    with pytest.raises(Rejected, match="is not a number"):
        make_adapter(promised_columns="QtyAllocated|QtyAllocatedWip").orders.stock(["A"], "FG")
