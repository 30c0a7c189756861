"""What SORTOI finds wrong with an order, kept by the part of the document it belongs to.

A refused document comes back whole, with the texts at the end of the part concerned.
Source: SYSPRO reference, sections 2 and 4.1.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from xml.etree.ElementTree import Element

from include.sandbox.syspro import messages
from include.sandbox.syspro.documents import FieldError, Node

T = TypeVar("T")


class Trouble:
    """Errors by part, and warnings of the whole order."""

    def __init__(self) -> None:
        self._errors: dict[int, list[str]] = {}
        self.warnings: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._errors)

    def check(self, part: Element, read: Callable[..., T], *args: Any, **more: Any) -> T | None:
        """Run one reader on a part; a refused field is kept and gives ``None``."""
        try:
            return read(part, *args, **more)
        except FieldError as refused:
            name, _, number = refused.args
            if number == messages.NOT_NUMERIC:  # this object writes the element in lower case
                self.refuse(part, number, str(name).lower())
            else:
                self._add(part, _description(refused.node))
            return None

    def refuse(self, part: Element, number: int, *parameters: object) -> None:
        self._add(part, messages.text_of(number, *parameters))

    def refuse_with(self, part: Element, text: str) -> None:
        """Refuse with the caller's own text, as a failed credit check does."""
        self._add(part, text)

    def warn(self, number: int, *parameters: object) -> None:
        self.warnings.append(messages.text_of(number, *parameters))

    def texts(self) -> list[str]:
        return [text for found in self._errors.values() for text in found]

    def document(self, element: Element) -> Node:
        """Return the part as it came, with its errors at the end."""
        children = [self.document(child) for child in element]
        texts = self._errors.get(id(element), [])
        if texts:
            found = [Node("ErrorDescription", text) for text in texts]
            children.append(Node("ErrorMessages", found))
        return Node(element.tag, children or (element.text or "").strip())

    def _add(self, part: Element, text: str) -> None:
        self._errors.setdefault(id(part), []).append(text)


def _description(node: Node) -> str:
    if isinstance(node.content, str):
        return node.content
    return next((str(c.content) for c in node.content if c.name == "ErrorDescription"), "")


def warning_block(warnings: list[str]) -> list[Node]:
    if not warnings:
        return []
    return [Node("WarningMessages", [Node("WarningDescription", text) for text in warnings])]
