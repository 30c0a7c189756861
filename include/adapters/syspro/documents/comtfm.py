"""COMTFM: set one field of a custom form by the form's column (SYSPRO 7 and later).

The element below ``Fields`` is the column's own name, so the document's table is made for each
field. The published reply has no counters: what is set is read back. Source: reference, 4.7.
"""

import re

from include.adapters.syspro.documents.reply import count, field, problems, read_document
from include.adapters.syspro.documents.schema import Choice, Document, Element, Group, Key
from include.adapters.syspro.documents.verdict import Answer, Verdict
from include.domain.errors import Rejected

KEY_COLUMNS = {"ORD": "SalesOrder", "CUS": "Customer", "STK": "StockCode"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,29}", re.ASCII)
PARAMETERS = Document(
    "COMTFM",
    "PostCustomForm",
    "COMTFM.XSD",
    (
        Group(
            "Parameters",
            (
                Element("Function", Choice("A U D"), is_required=True),
                Element("ValidateOnly", Choice("N Y"), is_required=True),
                Element("ApplyIfEntireDocumentValid", Choice("Y N"), is_required=True),
            ),
        ),
    ),
)


def parameters(function: str) -> str:
    return PARAMETERS.build(
        {
            "Parameters": {
                "Function": function,
                "ValidateOnly": "N",
                "ApplyIfEntireDocumentValid": "Y",
            }
        }
    )


def build(form: str, key: str, name: str, value: str) -> str:
    """Return the document for one field.

    Raises:
        Rejected: no key column is known for the form, or the field's name is no column.
    """
    column = KEY_COLUMNS.get(form)
    if column is None or _NAME.fullmatch(name) is None:
        raise Rejected(
            f"field {name!r} of custom form {form!r} cannot be named to SYSPRO",
            "COMTFM PostCustomForm",
            f"Use a form of {', '.join(KEY_COLUMNS)} and the field's column name.",
        )
    document = Document(
        "COMTFM",
        "PostCustomForm",
        "COMTFMDOC.XSD",
        (
            Group(
                "Item",
                (
                    Group(
                        "Key",
                        (
                            Element("FormType", Key(6), is_required=True),
                            Group("KeyFields", (Element(column, Key(50), is_required=True),)),
                        ),
                    ),
                    Group("Fields", (Element(name, Key(100), is_required=True),)),
                ),
            ),
        ),
    )
    item = {"Key": {"FormType": form, "KeyFields": {column: key}}, "Fields": {name: value}}
    return document.build({"Item": item})


def parse(body: bytes) -> Verdict:
    """Read the reply.

    Raises:
        CallFailed, Unreadable: it is not one.
    """
    tree = read_document(body, "postcustomform")
    found, form = problems(tree), field(tree, "item/key/formtype")
    wrong = count(tree.find("statusofitems"), "itemsinvalid")
    answer = Answer.refused if found else Answer.taken if form and not wrong else Answer.unclear
    return Verdict(answer, found)
