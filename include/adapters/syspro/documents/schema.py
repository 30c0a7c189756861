"""What a SYSPRO document may hold, as a table, and the one builder that follows it.

SYSPRO drops an element it does not know in silence, so a name outside the table cannot be built;
it truncates or refuses what is too long, so lengths and number formats are checked here, before
anything is sent. Source: reference, sections 0 (5), 3 and 9.

Read one table and you have read them all::

    Element("LedgerCode", Key(35), is_required=True)    a leaf: name, kind of value, required or not
    Group("JournalDetails", (...), repeats=True)         a container

Values come as a mapping of the same shape; the order in the table is the order on the wire.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from xml.sax.saxutils import escape

from include.adapters.syspro.documents.text import to_cp1252
from include.domain.errors import Rejected
from include.domain.money import Money

Values = Mapping[str, object]
_CONTROL = re.compile("[\x00-\x1f\x7f\x80-\x9f\ufffe\uffff]")


class Kind(Protocol):
    """How one value is checked and written."""

    def write(self, value: object, where: str) -> str:
        """Return the element's text, not yet escaped; raises ``Rejected``."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """An identifier: sent exactly, or not at all."""

    max_length: int

    def write(self, value: object, where: str) -> str:
        text = _string(value, where)
        if len(text) > self.max_length:
            raise Rejected(
                f"{text!r} has {len(text)} characters, SYSPRO takes {self.max_length}",
                where,
                "Shorten the code in the mappings; a cut code would name something else.",
            )
        if to_cp1252(text) != text or _CONTROL.search(text):
            raise Rejected(
                f"{text!r} has a character that SYSPRO (Windows-1252) cannot hold",
                where,
                "Correct the code in the mappings.",
            )
        return text


@dataclass(frozen=True, slots=True)
class Note:
    """Words for people: transliterated to Windows-1252 and cut to length, never refused."""

    max_length: int

    def write(self, value: object, where: str) -> str:
        return _CONTROL.sub(" ", to_cp1252(_string(value, where)))[: self.max_length]


@dataclass(frozen=True, slots=True)
class Amount:
    """Money as SYSPRO's 12.2 value; the sign leads. Source: reference, section 3."""

    is_signed: bool = True

    def write(self, value: object, where: str) -> str:
        if not isinstance(value, Money):
            raise TypeError(f"{where}: an amount is Money, not {value!r}")
        text = value.decimal
        whole, _, fraction = text.lstrip("-").partition(".")
        if len(whole) > 12 or len(fraction.rstrip("0")) > 2:
            raise Rejected(
                f"{value} does not fit SYSPRO's 12 digits and 2 decimals",
                where,
                "Post it by hand, or in a currency that SYSPRO can keep.",
            )
        if value.minor < 0 and not self.is_signed:
            raise Rejected(
                f"{value} is negative", where, "Post the document by hand, turned round."
            )
        return text[: len(text) - max(0, len(fraction) - 2)]  # 1.230 KWD is 1.23


@dataclass(frozen=True, slots=True)
class Price:
    """A unit price in 1/100,000 of the major unit, as SYSPRO's 10.5.

    A price with more decimals was refused by a live SYSPRO, so it is quantised before it gets here.
    """

    def write(self, value: object, where: str) -> str:
        return _decimal(value, where, whole_digits=10, digits=5)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity in millionths, as SYSPRO's 12.6."""

    def write(self, value: object, where: str) -> str:
        return _decimal(value, where, whole_digits=12, digits=6)


@dataclass(frozen=True, slots=True)
class Rate:
    """An exchange rate in millionths, written with six decimals."""

    def write(self, value: object, where: str) -> str:
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            raise TypeError(f"{where}: a rate is a positive count of millionths, not {value!r}")
        whole, fraction = divmod(value, 1_000_000)
        return f"{whole}.{fraction:06d}"


@dataclass(frozen=True, slots=True)
class Whole:
    """A count or number, zero-padded to ``digits`` where SYSPRO shows it so."""

    digits: int = 0
    maximum: int = 999_999_999

    def write(self, value: object, where: str) -> str:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= self.maximum:
            raise TypeError(f"{where}: a whole number up to {self.maximum}, not {value!r}")
        return str(value).rjust(self.digits, "0")


@dataclass(frozen=True, slots=True)
class Day:
    """A date, CCYY-MM-DD."""

    def write(self, value: object, where: str) -> str:
        if type(value) is not date:
            raise TypeError(f"{where}: a date, not {value!r}")
        return value.isoformat()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that the vendor's annotation lists."""

    allowed: str  # separated by blanks

    def write(self, value: object, where: str) -> str:
        if value not in self.allowed.split():
            raise ValueError(f"{where}: one of {self.allowed!r}, not {value!r}")
        return str(value)


@dataclass(frozen=True, slots=True)
class Element:
    """A leaf of a document; a repeating one takes a sequence of values."""

    name: str
    kind: Kind
    is_required: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A container; a repeating one takes a sequence of mappings."""

    name: str
    parts: "tuple[Part, ...]"
    repeats: bool = False
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Mixed:
    """Containers of several names in the order of their values, which are (name, mapping) pairs.

    ``name`` is the key in the values alone: nothing of that name is written.
    """

    name: str
    groups: tuple[Group, ...]
    is_required: bool = True


Part = Element | Group | Mixed


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a business object: XmlIn or XmlParameters."""

    business_object: str  # e.g. GENTJL
    root: str
    schema_name: str  # e.g. GENTJLDOC.XSD
    parts: tuple[Part, ...]

    def build(self, values: Values) -> str:
        """Return the document as ASCII text; other Windows-1252 letters are character references.

        ASCII survives both the query string, which is read as UTF-8, and the declaration, which
        says Windows-1252.

        Raises:
            Rejected: a value of the outside world does not fit; the message names the element.
            ValueError: a name that the table does not declare: our own bug.
        """
        body = _write(self.parts, values, f"{self.business_object} {self.root}")
        text = (
            '<?xml version="1.0" encoding="Windows-1252"?>'
            f'<{self.root} xmlns:xsd="http://www.w3.org/2001/XMLSchema-instance"'
            f' xsd:noNamespaceSchemaLocation="{self.schema_name}">{body}</{self.root}>'
        )
        return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _write(parts: Sequence[Part], values: Values, where: str) -> str:
    names = [part.name for part in parts]
    for name in values:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{where}: element {name!r} is not declared{hint}")
    return "".join(
        _write_part(part, values.get(part.name), f"{where}/{part.name}") for part in parts
    )


def _write_part(part: Part, value: object, where: str) -> str:
    if value is None:
        if part.is_required:
            raise ValueError(f"{where}: required, not given")
        return ""
    if isinstance(part, Mixed):
        return _write_mixed(part, value, where)
    items = value if part.repeats else [value]
    if not isinstance(items, Sequence) or isinstance(items, str) or not items:
        raise ValueError(f"{where}: a sequence of at least one, not {value!r}")
    if isinstance(part, Group):
        return "".join(_write_group(part, item, where) for item in items)
    texts = (escape(part.kind.write(item, where)) for item in items)
    return "".join(f"<{part.name}>{text}</{part.name}>" for text in texts)


def _write_mixed(part: Mixed, value: object, where: str) -> str:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ValueError(f"{where}: a sequence of at least one, not {value!r}")
    groups = {group.name: group for group in part.groups}
    texts = []
    for name, item in value:
        if name not in groups:
            raise ValueError(f"{where}: element {name!r} is not declared")
        texts.append(_write_group(groups[name], item, f"{where}/{name}"))
    return "".join(texts)


def _write_group(group: Group, value: object, where: str) -> str:
    if not isinstance(value, Mapping):
        raise TypeError(f"{where}: a mapping of elements, not {value!r}")
    return f"<{group.name}>{_write(group.parts, value, where)}</{group.name}>"


def _decimal(value: object, where: str, whole_digits: int, digits: int) -> str:
    """Write a count of the smallest part as a plain decimal; never negative."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{where}: a whole count of 1/{10**digits}, not {value!r}")
    whole, fraction = divmod(value, 10**digits)
    text = f"{whole}.{fraction:0{digits}d}"
    if value < 0 or len(str(whole)) > whole_digits:
        raise Rejected(
            f"{text if value >= 0 else value} does not fit SYSPRO's {whole_digits} digits and "
            f"{digits} decimals, unsigned",
            where,
            "Correct the line; a negative one belongs in a charge line.",
        )
    return text


def _string(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{where}: text, not {value!r}")
    return value
