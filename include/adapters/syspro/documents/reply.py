"""Read what SYSPRO sends back: bytes in, a tree of lower-case names out.

Tolerated, because seen in recordings: names in any case, a Windows-1252 declaration, single quotes,
a line break and a blank after the root, the whole wrapped as a JSON string or in ``<string>``,
numbers padded with blanks or zeros, dates in three forms. Source: reference, sections 1.4, 2 and 3.
"""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from xml.etree.ElementTree import Element

from include.adapters.safe_xml import DefusedXmlException, ParseError, read_tree
from include.domain.errors import Rejected
from include.domain.money import Money

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_STRING_WRAP = re.compile(r"^\s*<(string)\b[^>]*>(.*)</\1>\s*$", re.DOTALL | re.IGNORECASE)
_ERROR = re.compile(r"^\s*error\b", re.IGNORECASE)
_PAGE = re.compile(r"^\s*(<!doctype\s+html|<html)", re.IGNORECASE)
_BLANK_DATES = {"", "0000-00-00", "00000000", "0000/00/00"}
_DATE = re.compile(r"(\d{4})([-/]?)(\d{2})\2(\d{2})(?:[ T].*)?")
_NUMBER = re.compile(r"(?=.*[0-9])([+-]?) *([0-9]*)(?:\.([0-9]*))?([+-]?)", re.ASCII)
_COUNTER = re.compile(r"[0-9]{1,18}", re.ASCII)
_MAX_WRAPPINGS = 3


class Unreadable(Exception):
    """The answer is no document of SYSPRO: HTML, half a body, a bomb, nothing at all."""


class CallFailed(Exception):
    """The call failed before any document was looked at: text that begins with ``ERROR``."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One complaint about one field."""

    field: str
    number: str  # SYSPRO's, e.g. 240004; may be blank
    text: str

    def __str__(self) -> str:
        return f"{self.field}: {self.text}" + (f" [{self.number}]" if self.number else "")


def unwrap(body: bytes) -> str | bytes:
    """Take off JSON and ``<string>`` wrappings and read plain text; XML stays bytes.

    Raises:
        CallFailed: text beginning with ``ERROR``.
        Unreadable: empty, HTML, or wrapped without end.
    """
    inner: str | bytes = body
    for _ in range(_MAX_WRAPPINGS):
        text = (inner if isinstance(inner, str) else inner.decode("cp1252", "replace")).strip("\0")
        text = text.removeprefix("\u00ef\u00bb\u00bf").removeprefix("\ufeff")
        if not text.strip():
            raise Unreadable("an empty answer")
        if _ERROR.match(text):
            raise CallFailed(" ".join(text.split())[:300])
        if _PAGE.match(text):
            raise Unreadable("an HTML page instead of a document")
        wrapped = _STRING_WRAP.match(_DECLARATION.sub("", text))
        if text.lstrip().startswith('"'):
            inner = _json_string(inner)
        elif wrapped:
            # A wrapper is written by .NET, in UTF-8; only documents are Windows-1252.
            whole = inner if isinstance(inner, str) else inner.decode("utf-8", "replace")
            found = _STRING_WRAP.match(_DECLARATION.sub("", whole.removeprefix("\ufeff")))
            inner = html.unescape(found.group(2) if found else wrapped.group(2))
        else:
            return inner
    raise Unreadable(f"an answer wrapped more than {_MAX_WRAPPINGS} times")


def _json_string(body: str | bytes) -> str:
    try:
        found = json.loads(body if isinstance(body, str) else _utf8_or_cp1252(body))
    except ValueError:
        raise Unreadable("a JSON string without end") from None
    if not isinstance(found, str):
        raise Unreadable("JSON that is not a string")
    return found


def _utf8_or_cp1252(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def read_text(body: bytes) -> str:
    """Return a plain-text answer such as a session id; trailing blanks are kept."""
    inner = unwrap(body)
    return inner if isinstance(inner, str) else inner.decode("cp1252", "replace")


def read_document(body: bytes, root: str) -> Element:
    """Return the tree, every name in lower case and without prefix; the root must be ``root``.

    Raises:
        CallFailed: text beginning with ``ERROR``.
        Unreadable: anything else that is not this document, entities and bombs included.
    """
    tree = _parse(unwrap(body))
    for element in tree.iter():
        name = element.tag if isinstance(element.tag, str) else ""
        element.tag = name.rpartition("}")[2].lower()
    if tree.tag != root.lower():
        raise Unreadable(f"a document {tree.tag[:40]!r} where {root!r} was due")
    return tree


def _parse(body: str | bytes) -> Element:
    attempts: list[str | bytes] = [body]
    if isinstance(body, bytes):
        # A missing or false declaration: read it as what SYSPRO speaks.
        attempts.append(_DECLARATION.sub("", body.decode("cp1252", "replace")))
    else:
        attempts = [_DECLARATION.sub("", body)]
    for attempt in attempts:
        try:
            return read_tree(attempt)
        except DefusedXmlException:
            raise Unreadable("XML with declarations, which SYSPRO never sends") from None
        except (ParseError, ValueError, LookupError):
            continue
    raise Unreadable("broken XML, perhaps half an answer")


def problems(tree: Element) -> tuple[Problem, ...]:
    """Return every complaint, wherever in the document it stands."""
    return tuple(_problems(tree))


def _problems(tree: Element) -> Iterator[Problem]:
    for element in tree.iter():
        # One container may hold several: SORTOI keeps all texts of a part in one.
        for text, number in zip_longest(
            _texts(element, "errordescription"), _texts(element, "errornumber"), fillvalue=""
        ):
            if text or number.strip("0"):
                yield Problem(element.tag, number, text or "no description")


def demand_no_problem(tree: Element) -> None:
    """Return only if nothing is complained of: a refused question is no answer of 'none'.

    Raises:
        Unreadable: SYSPRO complains, in the words that are repeated.
    """
    for problem in _problems(tree):
        raise Unreadable(f"SYSPRO complains: {problem}")


def _texts(element: Element, name: str) -> list[str]:
    return [(one.text or "").strip() for one in element.findall(name)]


def field(element: Element | None, path: str) -> str:
    """Return the stripped text at a lower-case path, ``''`` where there is none."""
    found = None if element is None else element.find(path)
    return (found.text or "").strip() if found is not None else ""


def count(element: Element | None, path: str) -> int | None:
    """Return a counter; SYSPRO writes zero as an *empty* element, and absence is ``None``."""
    found = None if element is None else element.find(path)
    if found is None:
        return None
    text = (found.text or "").strip().replace(",", "")
    return int(text) if _COUNTER.fullmatch(text) else 0 if not text else None


def read_amount(text: str, currency: str, where: str) -> Money:
    """Read a padded number; the sign may stand before or after it.

    Raises:
        Rejected: not a plain number, or finer than the currency.
    """
    plain = text.strip()
    if plain.endswith("-"):
        plain = f"-{plain[:-1].strip()}"
    plain = plain.removeprefix("+")
    if plain.startswith("."):
        plain = f"0{plain}"
    return Money.parse(plain.replace("-.", "-0."), currency, where)


def read_millionths(text: str, where: str, digits: int = 6) -> int:
    """Read a padded quantity or price as a whole count of its last decimal; never by a float.

    Raises:
        Rejected: not a plain number, or finer than ``digits`` decimals.
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise Rejected(f"{text!r} is not a number of SYSPRO", where, "Report it with the log.")
    before, whole, fraction, after = found.groups(default="")
    fraction = fraction.rstrip("0")
    if len(fraction) > digits:
        raise Rejected(f"{text!r} has more than {digits} decimals", where, "Report it.")
    size = int((whole or "0") + fraction.ljust(digits, "0"))
    return -size if "-" in (before, after) else size


def read_date(text: str, where: str) -> date | None:
    """Read ``2006-09-12``, ``20060912`` or ``2017/08/02``; zeros and blank are no date.

    Raises:
        Rejected: something else.
    """
    text = text.strip()
    if text[:10] in _BLANK_DATES:
        return None
    found = _DATE.fullmatch(text)
    try:
        if found is not None:
            return date(int(found.group(1)), int(found.group(3)), int(found.group(4)))
    except ValueError:
        pass  # 2026-02-30 has the form of a date; the sentence below says so
    raise Rejected(f"{text!r} is not a date of SYSPRO", where, "Report it with the log.")
