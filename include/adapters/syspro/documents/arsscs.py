"""ARSSCS: add a customer. Source: reference, section 4.2.

The key is ours, which makes it SYSPRO's guard against a second add (number 120001, inferred).
"""

from dataclasses import dataclass

from include.adapters.syspro.documents.reply import field, read_document
from include.adapters.syspro.documents.schema import (
    Choice,
    Document,
    Element,
    Group,
    Key,
    Note,
    Whole,
)
from include.adapters.syspro.documents.verdict import Verdict, judge_setup

PARAMETERS = Document(
    "ARSSCS",
    "SetupArCustomer",
    "ARSSCS.XSD",
    (
        Group(
            "Parameters",
            (
                Element("IgnoreWarnings", Choice("N Y W"), is_required=True),
                Element("ApplyIfEntireDocumentValid", Choice("Y N"), is_required=True),
                Element("ValidateOnly", Choice("N Y"), is_required=True),
            ),
        ),
    ),
)
CUSTOMER = Document(
    "ARSSCS",
    "SetupArCustomer",
    "ARSSCSDOC.XSD",
    (
        Group(
            "Item",
            (
                Group("Key", (Element("Customer", Key(15), is_required=True),)),
                Element("Name", Note(50), is_required=True),
                Element("ShortName", Note(20)),
                Element("CreditLimit", Whole(maximum=999_999_999_999)),
                Element("Salesperson", Key(20)),
                Element("CustomerClass", Key(10)),
                Element("Branch", Key(10), is_required=True),
                Element("TermsCode", Key(2), is_required=True),
                Element("Area", Key(10)),
                Element("TaxStatus", Choice("E N O")),
                Element("Telephone", Note(20)),
                Element("Currency", Key(3)),
                Element("UserField1", Key(10)),
                Element("CustomerOnHold", Choice("N Y"), is_required=True),
                Element("Email", Note(255)),
                Element("SoldToAddr1", Note(40)),
                Element("SoldToAddr2", Note(40)),
                Element("SoldToAddr3", Note(40)),
                Element("SoldToAddr4", Note(40)),
                Element("SoldToAddr5", Note(40)),
                Element("SoldPostalCode", Note(10)),
                Element("ShipToAddr1", Note(40)),
                Element("ShipToAddr2", Note(40)),
                Element("ShipToAddr3", Note(40)),
                Element("ShipToAddr4", Note(40)),
                Element("ShipToAddr5", Note(40)),
                Element("ShipPostalCode", Note(10)),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class AddedCustomer:
    """What ARSSCS answers."""

    customer: str
    verdict: Verdict


def parameters() -> str:
    return PARAMETERS.build(
        {
            "Parameters": {
                "IgnoreWarnings": "Y",
                "ApplyIfEntireDocumentValid": "Y",
                "ValidateOnly": "N",
            }
        }
    )


def parse(body: bytes) -> AddedCustomer:
    """Read the reply.

    Raises:
        CallFailed, Unreadable: it is not one.
    """
    tree = read_document(body, "setuparcustomer")
    return AddedCustomer(field(tree, "item/key/customer"), judge_setup(tree))
