"""Reading and writing e.net documents, with the service's own manners.

In: elements we do not ask for are ignored, as SYSPRO ignores them. Out: Windows-1252, attributes in
single quotes, one element a line, and after the root a line break and one blank.
Source: SYSPRO reference, sections 1.4, 2 and 3.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element, ParseError  # types only; parsing is defusedxml's

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from include.sandbox.syspro import messages

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"""\A\s*<\?xml[^>]*encoding=["']([A-Za-z0-9_.-]+)""")
_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([+-]?)")


@dataclass(frozen=True, slots=True)
class Node:
    """One element to write: text, or children, and attributes for the root."""

    name: str
    content: "str | list[Node]" = ""
    attributes: tuple[tuple[str, str], ...] = ()


class CallFailed(Exception):
    """The whole call fails: the reply is this ``ERROR`` text, not a document."""


class FieldError(Exception):
    """One field is refused; the reply shows it as Value, ErrorNumber, ErrorDescription."""

    def __init__(self, name: str, value: str, number: int, *parameters: object) -> None:
        super().__init__(name, value, number)
        self.node = error_node(name, value, number, messages.text_of(number, *parameters))


def error_node(name: str, value: str, number: int, text: str) -> Node:
    """Return the error container that takes the place of a refused field."""
    parts = [("Value", value), ("ErrorNumber", str(number)), ("ErrorDescription", text)]
    return Node(name, [Node(*part) for part in parts])


def parse(text: str) -> Element:
    """Read a document that came as decoded text.

    Characters outside Windows-1252 become question marks, as they do on the way into SYSPRO.

    Raises:
        CallFailed: not well-formed, or with entities or a DTD bomb in it.
    """
    body = _DECLARATION.sub("", text.lstrip("\ufeff"))
    as_stored = body.encode("cp1252", "replace").decode("cp1252")
    try:
        root: Element = fromstring(as_stored)
    except (ParseError, DefusedXmlException, ValueError) as fault:
        raise CallFailed(messages.BAD_XML.format(fault)) from fault
    return root


def decode(data: bytes) -> str:
    """Decode a posted document by its own declaration; UTF-8 where it has none we know."""
    found = _ENCODING.search(data[:200])
    try:
        return data.decode(found[1].decode("ascii") if found else "utf-8", "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def field(parent: Element | None, path: str, default: str = "") -> str:
    """Return the trimmed text of a descendant, or the default where it is absent or blank."""
    found = parent.find(path) if parent is not None else None
    return ((found.text or "").strip() if found is not None else "") or default


def int_field(parent: Element | None, path: str, default: int) -> int:
    """Return an option that must be a whole number; it fails the call where it is not."""
    text = field(parent, path, str(default))
    if not (text.isascii() and text.isdigit()):
        name = path.rpartition("/")[2]
        raise CallFailed(f"ERROR: {messages.text_of(messages.NOT_NUMERIC, name)}")
    return int(text)


def text_field(parent: Element, name: str, *, longest: int, is_needed: bool = False) -> str:
    """Read a text element and hold it to its length."""
    value = field(parent, name)
    if is_needed and not value:
        raise FieldError(name, value, messages.IS_SPACES, f"{{{parent.tag}}}{{{name}}}")
    if len(value) > longest:
        raise FieldError(name, value, messages.TOO_LONG, name, longest)
    return value


def choice_field(parent: Element, name: str, allowed: str, default: str) -> str:
    """Read a one-letter code."""
    value = field(parent, name, default)
    if value not in tuple(allowed):
        raise FieldError(name, value, messages.NOT_ALLOWED, value, name)
    return value


def date_field(parent: Element, name: str, default: date | None) -> date:
    """Read a CCYY-MM-DD date; blank takes the default, and is refused where there is none."""
    value = field(parent, name)
    if not value and default is not None:
        return default
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise FieldError(name, value, messages.NOT_A_DATE, value, name)
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise FieldError(name, value, messages.NOT_A_DATE, value, name) from None


def value_field(parent: Element, name: str, *, whole: int = 12, decimals: int = 2) -> Decimal:
    """Read a number of at most ``whole`` and ``decimals`` digits; the sign may lead or trail."""
    value = field(parent, name)
    found = _NUMBER.fullmatch(value)
    lead, integer, fraction, trail = found.groups(default="") if found else ("", "", "", "")
    is_bad = not (integer or fraction) or (lead and trail)
    if is_bad or len(integer.lstrip("0")) > whole or len(fraction) > decimals:
        raise FieldError(name, value, messages.NOT_NUMERIC, name)
    return Decimal(f"{lead or trail}{integer or '0'}.{fraction or '0'}")


def int_text_field(parent: Element, name: str, low: int, high: int) -> int | None:
    """Read a whole number within bounds; ``None`` where it is blank."""
    value = field(parent, name)
    if not value:
        return None
    if not (value.isascii() and value.isdigit()):
        raise FieldError(name, value, messages.NOT_NUMERIC, name)
    if not low <= int(value) <= high:
        raise FieldError(name, value, messages.NOT_ALLOWED, value, name)
    return int(value)


def lowered(node: Node) -> Node:
    """Return an error container named in lower case, as Setup objects show it."""
    return Node(node.name.lower(), node.content, node.attributes)


def root_node(
    name: str, version: str, children: list[Node], more: tuple[tuple[str, str], ...] = ()
) -> Node:
    """Return a reply root with the attributes that every e.net reply carries."""
    given = (
        ("Language", "05"),
        ("Language2", "EN"),
        ("CssStyle", ""),
        ("DecFormat", "1"),
        ("DateFormat", "01"),
        ("Role", "01"),
        ("Version", version),
        ("OperatorPrimaryRole", "   "),
    )
    return Node(name, children, given + more)


def render(root: Node) -> bytes:
    """Write a reply, in the bytes that leave the service."""
    lines = ['<?xml version="1.0" encoding="Windows-1252"?>', *_lines(root)]
    return ("\n".join(lines) + "\n ").encode("cp1252", "replace")


def nodes(pairs: Iterable[tuple[str, object]]) -> list[Node]:
    """Return leaf nodes for name and value pairs."""
    return [Node(name, str(value)) for name, value in pairs]


def _lines(node: Node) -> Iterator[str]:
    attributes = "".join(
        f" {name}='{_escape(value).replace(chr(39), '&apos;')}'" for name, value in node.attributes
    )
    if isinstance(node.content, str):
        text = _escape(node.content)
        empty = f"<{node.name}{attributes}/>"
        yield f"<{node.name}{attributes}>{text}</{node.name}>" if text else empty
        return
    yield f"<{node.name}{attributes}>"
    for child in node.content:
        yield from _lines(child)
    yield f"</{node.name}>"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
