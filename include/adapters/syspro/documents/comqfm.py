"""COMQFM: the fields of a custom form with their values. Source: reference, section 4.7.

The published reply is cut before a field's value; its name ``Value`` is that of the custom forms
inside other replies (inferred).
"""

from include.adapters.syspro.documents.reply import (
    Problem,
    Unreadable,
    field,
    problems,
    read_document,
)
from include.adapters.syspro.documents.schema import Document, Element, Group, Key
from include.domain.erp_orders import same_key

QUERY = Document(
    "COMQFM",
    "Query",
    "COMQFM.XSD",
    (
        Group(
            "Key",
            (
                Element("FormType", Key(6), is_required=True),
                Element("KeyField", Key(50), is_required=True),
            ),
        ),
    ),
)


def build(form: str, key: str) -> str:
    return QUERY.build({"Key": {"FormType": form, "KeyField": key}})


def parse(body: bytes, form: str, key: str) -> dict[str, str] | tuple[Problem, ...]:
    """Return the values by field name and by column, in lower case, or SYSPRO's complaints.

    Raises:
        CallFailed, Unreadable: it is no answer about this form and key.
    """
    tree = read_document(body, "query")
    found = problems(tree)
    if found:
        return found
    theirs = tree.find("key")
    if field(theirs, "formtype").upper() != form.upper() or not same_key(
        key, field(theirs, "keyfield")
    ):
        raise Unreadable(f"a custom form that is not {form} of {key!r}")
    values: dict[str, str] = {}
    for one in tree.findall("field"):
        value = field(one, "value")
        for name in (field(one, "name"), field(one, "column")):
            if name:
                values[name.lower()] = "" if value == "{Spaces}" else value
    return values
