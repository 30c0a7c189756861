"""The one reader of other people's XML: a DOCTYPE may be named, nothing may be declared in it.

Genuine reports carry ``<!DOCTYPE Report SYSTEM "https://...">``; it is never fetched. What a
document declares for itself makes much of little: entities, attributes that every element is given
(``<!ATTLIST``), and the name of a namespace, which is written out in each name within it.
Source: reliability reference, F10; tried: 170 kB of a statement took 1.6 GB.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.etree.ElementTree import iterparse as iterparse_with

from defusedxml import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import DefusedXMLParser

_LONGEST_NAMESPACE = 200  # genuine ones have about fifty characters

__all__ = ["DefusedXmlException", "NamespaceTooLong", "ParseError", "read_events", "read_tree"]


class NamespaceTooLong(DefusedXmlException):
    """Every name within it would hold it."""


class _Parser(DefusedXMLParser):
    def __init__(self) -> None:
        super().__init__(target=TreeBuilder(), forbid_entities=True, forbid_external=True)
        self.parser.StartDoctypeDeclHandler = _refuse_declarations
        self.parser.StartNamespaceDeclHandler = _refuse_long_namespace


def _refuse_declarations(
    name: str, system: str | None, public: str | None, has_internal_subset: bool
) -> None:
    if has_internal_subset:
        raise DTDForbidden(name, system, public)


def _refuse_long_namespace(_prefix: str | None, uri: str | None) -> None:
    if len(uri or "") > _LONGEST_NAMESPACE:
        raise NamespaceTooLong


def read_tree(text: str | bytes) -> Element:
    """Read a whole document.

    Raises:
        DefusedXmlException: it declares what it must not, or names a part outside.
        ParseError, ValueError, LookupError: it is no XML, or in an encoding unknown here.
    """
    parser = _Parser()
    parser.feed(text)
    return parser.close()


def read_events(file: BinaryIO) -> Iterator[tuple[str, Element]]:
    """Read a document piece by piece: ``start`` and ``end`` of each element, in its order.

    Raises:
        as ``read_tree``, and what reading ``file`` raises.
    """
    parser: Any = _Parser()
    yield from iterparse_with(file, ("start", "end"), parser)  # noqa: S314 - that parser is safe
