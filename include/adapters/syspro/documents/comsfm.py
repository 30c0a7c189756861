"""COMSFM: set one field of a custom form. Source: reference, section 4.7 and the recorded call.

The form and the field must have been designed in SYSPRO first.
"""

from include.adapters.syspro.documents.reply import read_document
from include.adapters.syspro.documents.schema import Choice, Document, Element, Group, Key
from include.adapters.syspro.documents.verdict import Verdict, judge_setup

PARAMETERS = Document(
    "COMSFM",
    "SetupCustomForm",
    "COMSFM.XSD",
    (Group("Parameters", (Element("ValidateOnly", Choice("N Y"), is_required=True),)),),
)
FORM = Document(
    "COMSFM",
    "SetupCustomForm",
    "COMSFMDOC.XSD",
    (
        Group(
            "Item",
            (
                Group(
                    "Key",
                    (
                        Element("FormType", Key(6), is_required=True),
                        Element("KeyField", Key(50), is_required=True),
                        Element("FieldName", Key(30), is_required=True),
                    ),
                ),
                Element("AlphaValue", Key(100), is_required=True),
            ),
        ),
    ),
)


def parameters() -> str:
    return PARAMETERS.build({"Parameters": {"ValidateOnly": "N"}})


def build(form: str, key: str, name: str, value: str) -> str:
    item = {
        "Key": {"FormType": form, "KeyField": key, "FieldName": name},
        "AlphaValue": value,
    }
    return FORM.build({"Item": item})


def parse(body: bytes) -> Verdict:
    """Read the reply.

    Raises:
        CallFailed, Unreadable: it is not one.
    """
    return judge_setup(read_document(body, "setupcustomform"))
