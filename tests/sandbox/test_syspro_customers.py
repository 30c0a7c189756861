"""Customers, their credit, and custom forms over HTTP (reference 4.2 and 4.7)."""

from typing import Any

import pytest

from tests.sandbox.erp_documents import elements, import_parameters, items, order, parameters

Wire = Any


def customer(key: str = "WEB-1", **values: str) -> str:
    facts = {"Name": "Ada Lovelace", "Branch": "10", "Currency": "USD", **values}
    content = (
        f"<Key><Customer>{key}</Customer></Key>{elements({k: v for k, v in facts.items() if v})}"
    )
    return f"<SetupArCustomer><Item>{content}</Item></SetupArCustomer>"


def first_error(reply: Any) -> str:
    return next((found.text or "" for found in reply.iter("ErrorDescription")), "")


def test_a_customer_is_added_and_found_in_lower_case_manners(desk: Wire) -> None:
    reply = desk.setup("Add", "ARSSCS", customer(UserField1="SHOP-77", Email="ada@example.com"))
    assert reply.tag == "setuparcustomer"
    assert reply.findtext("item/key/customer") == "WEB-1"
    assert reply.findtext("StatusOfItems/RecordsRead") == "1"
    assert reply.findtext("StatusOfItems/RecordsInvalid") == "0"
    (row,) = desk.rows("ArCustomer", Customer="WEB-1")
    assert (row["Name"], row["UserField1"], row["Currency"]) == ("Ada Lovelace", "SHOP-77", "USD")
    assert row["DateCustAdded"] == "2026-11-03"
    assert len(desk.done("ARSSCS Add", reference="WEB-1")) == 1


def test_a_taken_key_is_a_duplicate_and_a_missing_one_cannot_change(desk: Wire) -> None:
    desk.setup("Add", "ARSSCS", customer())
    reply = desk.setup("Add", "ARSSCS", customer(Name="Another"))
    assert reply.findtext("item/customer/ErrorNumber") == "120001"
    assert reply.findtext("StatusOfItems/RecordsInvalid") == "1"
    assert desk.rows("ArCustomer", Customer="WEB-1")[0]["Name"] == "Ada Lovelace"
    reply = desk.setup("Update", "ARSSCS", customer("WEB-2"))
    assert first_error(reply) == "Customer 'WEB-2' not found"
    assert len(desk.done("ARSSCS Add")) == 1


def test_a_numeric_key_is_stored_padded_and_shown_plain(desk: Wire) -> None:
    reply = desk.setup("Add", "ARSSCS", customer("815"))
    assert reply.findtext("item/key/customer") == "000815"
    assert len(desk.rows("ArCustomer", Customer="000000000000815")) == 1
    desk.post("SORTOI", order(customer="000815"), import_parameters())
    (row,) = desk.rows("SorMaster", CustomerPoNumber="PO-1")
    assert row["Customer"] == "000000000000815"


def test_a_blank_key_is_numbered_where_the_company_does_so(desk: Wire) -> None:
    reply = desk.setup("Add", "ARSSCS", customer(""))
    assert first_error(reply) == "XML element '{Key}{Customer}' cannot be spaces"
    desk.control("POST", "syspro", {"customer_auto_number": True})
    numbers = [
        desk.setup("Add", "ARSSCS", customer("")).findtext("item/key/customer") for _ in range(2)
    ]
    assert numbers == ["100001", "100002"]


def test_an_update_changes_what_it_names_and_nothing_else(desk: Wire) -> None:
    desk.setup("Add", "ARSSCS", customer(Email="old@example.com", SoldToAddr1="1 Street"))
    document = customer(Name="", Email="new@example.com", SoldToAddr1="{blank}")
    assert first_error(desk.setup("Update", "ARSSCS", document)) == ""
    (row,) = desk.rows("ArCustomer", Customer="WEB-1")
    assert (row["Name"], row["Email"]) == ("Ada Lovelace", "new@example.com")
    assert row["SoldToAddr1"] == ""


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"Name": ""}, "XML element '{Item}{Name}' cannot be spaces"),
        ({"Name": "N" * 51}, "XML element 'Name' is longer than 50 characters"),
        ({"UserField1": "U" * 11}, "XML element 'UserField1' is longer than 10 characters"),
        ({"SoldToAddr1": "S" * 41}, "XML element 'SoldToAddr1' is longer than 40 characters"),
        ({"CreditLimit": "10.5"}, "XML element 'CreditLimit' must be numeric"),
        ({"CustomerOnHold": "X"}, "'X' is not allowed in XML element 'CustomerOnHold'"),
        ({"TermsCode": "99"}, "TermsCode '99' not found on file"),
        ({"Currency": "XXX"}, "No exchange rate for currency 'XXX'"),
    ],
)
def test_a_customer_is_held_to_its_elements(desk: Wire, values: dict[str, str], text: str) -> None:
    assert first_error(desk.setup("Add", "ARSSCS", customer(**values))) == text
    assert desk.rows("ArCustomer", Customer="WEB-1") == []


def test_a_customer_with_orders_keeps_currency_and_life(desk: Wire) -> None:
    desk.setup("Add", "ARSSCS", customer())
    desk.setup("Update", "ARSSCS", customer(Currency="EUR"))
    desk.setup("Update", "ARSSCS", customer(Currency="USD"))
    desk.post("SORTOI", order(customer="WEB-1"), import_parameters())
    reply = desk.setup("Update", "ARSSCS", customer(Currency="EUR"))
    assert "cannot be changed" in first_error(reply)
    assert first_error(desk.setup("Delete", "ARSSCS", customer())) == (
        "Customer 'WEB-1' has transactions"
    )
    desk.setup("Add", "ARSSCS", customer("WEB-2"))
    assert first_error(desk.setup("Delete", "ARSSCS", customer("WEB-2"))) == ""
    assert desk.rows("ArCustomer", Customer="WEB-2") == []


def test_validate_only_adds_nobody(desk: Wire) -> None:
    only = parameters("SetupArCustomer", ValidateOnly="Y")
    reply = desk.setup("Add", "ARSSCS", customer(), only)
    assert reply.findtext("StatusOfItems/RecordsInvalid") == "0"
    assert desk.rows("ArCustomer", Customer="WEB-1") == []


def test_a_transaction_object_is_no_setup_object(desk: Wire) -> None:
    answer = desk.get("Setup/Add", UserId=desk.user, BusinessObject="SORTOI", XmlIn="<a/>")
    assert answer.startswith(b"ERROR: e.net exception 100000")


def ask(desk: Wire, key: str = "C00001", option: str = "") -> Any:
    query = f"<Query><Key><Customer>{key}</Customer></Key><Option>{option}</Option></Query>"
    return desk.query("ARSQRY", query)


def test_the_customer_query_shows_credit_hold_and_what_is_owed(desk: Wire) -> None:
    desk.post("SORTOI", order(), import_parameters())
    header = ask(desk).find("Header")
    assert header.findtext("CreditLimit").strip() == "100000"
    assert header.findtext("CustomerOnHold") == "N"
    assert header.findtext("TermsCode") == "CC"
    assert header.findtext("OutstOrdVal").strip() == "29.00"
    desk.clerk("invoice", customer_po="PO-1")
    reply = ask(desk)
    assert reply.findtext("Header/OutstOrdVal").strip() == "0.00"
    assert reply.findtext("InvoiceDetail/InvoiceBal").strip() == "29.00"
    assert reply.findtext("InvoiceDetail/CustomerPoNumber") == "PO-1"
    assert reply.findtext("TotalSection/CurrentBalance").strip() == "29.00"
    assert reply.findtext("TotalSection/Current").strip() == "29.00"


def test_a_clerk_stops_a_customer_and_changes_his_limit(desk: Wire) -> None:
    desk.clerk("hold", customer="C00001")
    assert ask(desk).findtext("Header/CustomerOnHold") == "Y"
    desk.clerk("hold", customer="C00001", on=False)
    desk.clerk("credit_limit", customer="C00001", limit="20")
    header = ask(desk).find("Header")
    assert header.findtext("CustomerOnHold") == "N"
    assert header.findtext("CreditLimit").strip() == "20"
    assert {row["operator"] for row in desk.done("ARSSCS Update")} == {"CLERK"}


def test_a_credit_check_sets_the_status(desk: Wire) -> None:
    check = items("ArCreditCheck", {"TransactionMethod": "S", "Customer": "C00001"})
    assert desk.post("ARSTCR", check).findtext("Item/CreditStatus") == "0"
    desk.post("SORTOI", order(), import_parameters())
    desk.clerk("credit_limit", customer="C00001", limit="20")
    assert desk.post("ARSTCR", check).findtext("Item/CreditStatus") == "6"


def field_value(key: str, name: str, value: str, form: str = "CUS", kind: str = "Alpha") -> str:
    head = elements({"FormType": form, "KeyField": key, "FieldName": name})
    content = f"<Key>{head}</Key><{kind}Value>{value}</{kind}Value>"
    return f"<SetupCustomForm><Item>{content}</Item></SetupCustomForm>"


def form_of(desk: Wire, code: str, key: str) -> dict[str, str]:
    query = f"<Query><Key>{elements({'FormType': code, 'KeyField': key})}</Key></Query>"
    fields = desk.query("COMQFM", query).findall("Field")
    return {f.findtext("Name"): f.findtext("Value") or "" for f in fields}


def test_a_token_is_kept_on_the_customers_form(desk: Wire) -> None:
    reply = desk.setup("Add", "COMSFM", field_value("C00001", "TOKEN", "TMS-1"))
    assert reply.tag == "setupcustomform"
    assert reply.findtext("item/key/fieldname") == "TOKEN"
    assert form_of(desk, "CUS", "C00001")["TOKEN"] == "TMS-1"
    assert desk.rows("ArCustomer+", Token="TMS-1")[0]["Customer"] == "C00001"
    again = desk.setup("Add", "COMSFM", field_value("C00001", "TOKEN", "TMS-2"))
    assert again.findtext("item/fieldname/ErrorNumber") == "120001"
    desk.setup("Update", "COMSFM", field_value("C00001", "TOKEN", "TMS-2"))
    assert form_of(desk, "CUS", "C00001")["TOKEN"] == "TMS-2"
    desk.setup("Delete", "COMSFM", field_value("C00001", "TOKEN", ""))
    assert form_of(desk, "CUS", "C00001")["TOKEN"] == ""


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (field_value("C1", "TOKEN", "x"), "Customer 'C1' not found"),
        (field_value("C00001", "NOPE", "x"), "Field 'NOPE' not found on custom form 'CUS'"),
        (field_value("C00001", "TOKEN", "x", form="XYZ"), "Custom form type 'XYZ' not found"),
        (field_value("C00001", "TOKEN", "t" * 61), "XML element 'AlphaValue' is longer than 60"),
    ],
)
def test_a_form_takes_designed_fields_of_known_keys_only(
    desk: Wire, document: str, text: str
) -> None:
    assert first_error(desk.setup("Add", "COMSFM", document)).startswith(text)


def form_document(number: str, **fields: str) -> str:
    key = f"<FormType>ORD</FormType><KeyFields><SalesOrder>{number}</SalesOrder></KeyFields>"
    content = f"<Key>{key}</Key><Fields>{elements(fields)}</Fields>"
    return f"<PostCustomForm><Item>{content}</Item></PostCustomForm>"


def test_several_fields_of_an_order_are_written_at_once(desk: Wire) -> None:
    desk.post("SORTOI", order(), import_parameters())
    add = parameters("PostCustomForm", Function="A")
    document = form_document("15574", PayRef="7654", CapturedAmount="29.00", Unknown="lost")
    reply = desk.post("COMTFM", document, add)
    assert reply.tag == "PostCustomForm"
    assert reply.findtext("Item/Key/KeyFields/SalesOrder") == "000000000015574"
    found = form_of(desk, "ORD", "015574")
    assert (found["PAYREF"], found["CAPAMT"]) == ("7654", "29.00")
    assert "already exists" in first_error(desk.post("COMTFM", document, add))
    update = parameters("PostCustomForm", Function="U")
    desk.post("COMTFM", form_document("15574", RefRef="R-1"), update)
    found = form_of(desk, "ORD", "015574")
    assert (found["PAYREF"], found["REFREF"]) == ("7654", "R-1")
    assert len(desk.done("COMTFM A")) == 1
    option = "<Option><IncludeCustomForms>Y</IncludeCustomForms></Option>"
    key = "<Key><SalesOrder>15574</SalesOrder></Key>"
    reply = desk.query("SORQRY", f"<Query>{key}{option}</Query>")
    assert "R-1" in [field.findtext("Value") for field in reply.findall("CustomForm/Field")]
