"""SORQDN: one dispatch note. Source: reference, section 4.1; the published reply is cut short."""

from dataclasses import dataclass

from include.adapters.syspro.documents.reply import Unreadable, field, read_document
from include.adapters.syspro.documents.schema import Choice, Document, Element, Group, Key

_FLAGS = (
    "IncludeStockedLines", "IncludeNonStockedLines", "IncludeFreightLines",
    "IncludeMiscellaneousLines", "IncludeCommentLines", "IncludeLots", "IncludeBins",
    "IncludeSerials", "IncludeCustomForms",
)  # fmt: skip
QUERY = Document(
    "SORQDN",
    "Query",
    "SORQDN.XSD",
    (
        Group("Key", (Element("DispatchNote", Key(20), is_required=True),)),
        Group("Option", tuple(Element(f, Choice("Y N"), is_required=True) for f in _FLAGS)),
    ),
)


@dataclass(frozen=True, slots=True)
class DispatchNote:
    """The head of a note."""

    note: str
    sales_order: str
    shipping_instructions: str


def build(note: str) -> str:
    return QUERY.build({"Key": {"DispatchNote": note}, "Option": dict.fromkeys(_FLAGS, "N")})


def parse(body: bytes) -> DispatchNote:
    """Read the head.

    Raises:
        CallFailed, Unreadable: it is no answer about a note.
    """
    tree = read_document(body, "dispatchnotedetail")
    found = DispatchNote(
        note=field(tree, "dispatchnote"),
        sales_order=field(tree, "salesorder"),
        shipping_instructions=field(tree, "shippinginstrs"),
    )
    if not found.note or not found.sales_order:
        raise Unreadable("a dispatch note query that is about no note")
    return found
