"""Read single values of an order request; each fault names the field and what to send."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from include.domain.errors import Rejected
from include.domain.money import MINOR_UNIT_DIGITS, Money
from include.domain.orders import PRICE_DIGITS, QUANTITY_DIGITS

Table = Mapping[str, Any]
_QUANTITY = re.compile(r"([0-9]{1,8})(?:\.([0-9]{1,6}))?")
_PRICE = re.compile(r"(-?)([0-9]{1,10})(?:\.([0-9]{1,5}))?")
_MAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")
_SHOWN = 40  # characters of a value that a message repeats


class Fields:
    """One table of a request, and where it stands."""

    def __init__(self, table: object, path: str, where: str) -> None:
        if not isinstance(table, Mapping):
            raise Rejected(f"{path or 'the order'} is no object", where, "Send an object there.")
        self._table, self._path, self.where = table, path, where

    def inside(self, name: str) -> "Fields":
        return Fields(self._table.get(name), self._name(name), self.where)

    def rows(self, name: str) -> Sequence[Any]:
        found = self._table.get(name)
        if not isinstance(found, list | tuple):
            raise self.no(name, "is no list", "Send a list there.")
        return found

    def text(self, name: str, longest: int, default: str | None = None) -> str:
        """Return a trimmed text of one line; without a default it must say something."""
        found = self._table.get(name)
        if isinstance(found, int) and not isinstance(found, bool):
            found = str(found)
        if found is None or found == "":
            if default is not None:
                return default
            raise self.no(name, "is missing", f"Send the order again with {self._name(name)}.")
        if not isinstance(found, str):
            raise self.no(name, "is no text", "Send it as a text.")
        if any(ord(character) < 32 or ord(character) == 127 for character in found):
            raise self.no(name, "holds a control character", "Send it on one line.")
        if len(found) > longest:
            raise self.no(name, f"has {len(found)} characters", f"Send at most {longest}.")
        trimmed = found.strip()
        if not trimmed and default is None:
            raise self.no(name, "is blank", f"Send the order again with {self._name(name)}.")
        return trimmed

    def matching(self, name: str, pattern: str, form: str, default: str | None = None) -> str:
        """Return a text of a form, e.g. ``22 digits``."""
        found = self.text(name, 255, default)
        if found and re.fullmatch(pattern, found) is None:
            raise self.no(name, f"is {found[:_SHOWN]!r}", f"Send {form}.")
        return found

    def flag(self, name: str) -> bool:
        found = self._table.get(name)
        if found in (None, "", False, "false"):
            return False
        if found in (True, "true"):
            return True
        raise self.no(name, f"is {str(found)[:_SHOWN]!r}", "Send true or false.")

    def currency(self, name: str, known: Sequence[str]) -> str:
        found = self.text(name, 8)
        if found not in MINOR_UNIT_DIGITS or found not in known:
            raise self.no(
                name, f"is {found!r}", f"Send one of {', '.join(known)}, which this shop sells in."
            )
        return found

    def money(self, name: str, currency: str) -> Money:
        """Return an amount; a number without quotes could be minor units, so it is refused."""
        if self.has(name) and not isinstance(self._table[name], str):
            raise self.no(name, "is no text", 'Send the amount as a text, such as "12.34".')
        text = self.text(name, 24)
        try:
            return Money.parse(text, currency, self.where)
        except Rejected as fault:
            do = f"Send a plain decimal of at most {MINOR_UNIT_DIGITS[currency]} places."
            raise self.no(name, f"is {text!r}: {fault.what}", do) from None

    def has(self, name: str) -> bool:
        return self._table.get(name) not in (None, "")

    def quantity(self, name: str, most: int) -> int:
        """Return millionths, above zero."""
        text = self.text(name, 24, default="1")
        found = _QUANTITY.fullmatch(text)
        if found is None:
            do = f"Send a plain number above zero, of at most {QUANTITY_DIGITS} places."
            raise self.no(name, f"is {text!r}", do)
        millionths = int(found[1] + (found[2] or "").ljust(QUANTITY_DIGITS, "0"))
        if not 0 < millionths <= most * 10**QUANTITY_DIGITS:
            raise self.no(name, f"is {text!r}", f"Send more than zero and at most {most}.")
        return millionths

    def price(self, name: str) -> int:
        """Return hundred-thousandths of the major unit."""
        text = self.text(name, 24)
        found = _PRICE.fullmatch(text)
        if found is None:
            do = f"Send a plain decimal of at most {PRICE_DIGITS} places."
            raise self.no(name, f"is {text!r}", do)
        value = int(found[2] + (found[3] or "").ljust(PRICE_DIGITS, "0"))
        return -value if found[1] else value

    def mail(self, name: str) -> str:
        found = self.text(name, 255)
        if _MAIL.fullmatch(found) is None:
            raise self.no(name, f"is {found[:_SHOWN]!r}", "Send it as name@example.com.")
        return found

    def ip_address(self, name: str) -> str:
        found = self.text(name, 45, default="")
        try:
            return str(ipaddress.ip_address(found)) if found else ""
        except ValueError:
            raise self.no(name, f"is {found!r}", "Send an IPv4 or IPv6 address.") from None

    def no(self, name: str, what: str, do: str) -> Rejected:
        return Rejected(f"{self._name(name)} {what}", self.where, do)

    def _name(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name
