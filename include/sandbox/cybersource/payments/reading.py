"""What a payment request says, and the refusals of what it says wrongly."""

import json
import re
from dataclasses import dataclass
from typing import Any

from include.sandbox.server import Request
from include.sandbox.world.facts import DIGITS, MERCHANTS

_AMOUNT = re.compile(r"[0-9]+(?:\.([0-9]+))?|\.([0-9]+)")
_LONGEST_AMOUNT = 19
LONGEST_CODE = 50
LONGEST_TRANSACTION_ID = 30
_AMOUNTS = "orderInformation.amountDetails"
_CODE = "clientReferenceInformation.code"
_BILL_TO = ("firstName", "lastName", "email", "country", "postalCode")


class Problem(Exception):
    """A request is refused with 400: nothing was executed."""

    def __init__(self, reason: str, *fields: str) -> None:
        super().__init__(reason, fields)
        self.reason, self.fields = reason, fields


@dataclass(frozen=True, slots=True)
class Reference:
    """Whose request it is, by the caller's own names."""

    code: str
    transaction_id: str
    comments: str = ""


def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object sent; an empty body is an empty object."""
    try:
        found = read_json(request)
    except ValueError:
        raise Problem("INVALID_DATA") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Problem("INVALID_DATA")
    return found


def read_json(request: Request) -> Any:
    """Return the body as JSON that can be written again.

    Raises:
        ValueError: not UTF-8, not JSON, nested too deeply, or a half of a surrogate pair.
    """
    try:
        found = json.loads(request.body.decode() or "null", parse_constant=_no_number)
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None
    if b"\\ud" in request.body.lower():
        json.dumps(found, ensure_ascii=False).encode()
    return found


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def part(body: dict[str, Any], path: str) -> Any:
    """Return what lies at a dotted path, or ``None``; a wrong shape on the way is refused."""
    found: Any = body
    names = path.split(".")
    for at, name in enumerate(names):
        if not isinstance(found, dict):
            raise Problem("INVALID_DATA", ".".join(names[:at]))
        found = found.get(name)
        if found is None:
            return None
    return found


def section(body: dict[str, Any], path: str) -> dict[str, Any]:
    """Return an object member, or an empty one where there is none."""
    found = part(body, path)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Problem("INVALID_DATA", path)
    return found


def text(body: dict[str, Any], path: str, longest: int = 255) -> str:
    """Return a text member, or ``""`` where there is none."""
    found = part(body, path)
    if found is None:
        return ""
    if not isinstance(found, str) or len(found) > longest:
        raise Problem("INVALID_DATA", path)
    return found


def words(body: dict[str, Any], path: str) -> list[str]:
    found = part(body, path)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise Problem("INVALID_DATA", path)
    return found


def flag(body: dict[str, Any], path: str) -> bool:
    """Return a true or false member; the vendor's clients also write it as a text."""
    found = part(body, path)
    if found in (None, False, "false"):
        return False
    if found in (True, "true"):
        return True
    raise Problem("INVALID_DATA", path)


def reference_of(body: dict[str, Any]) -> Reference:
    path = "clientReferenceInformation.transactionId"
    return Reference(
        text(body, _CODE, LONGEST_CODE),
        text(body, path, LONGEST_TRANSACTION_ID),
        text(body, "clientReferenceInformation.comments"),
    )


def money(body: dict[str, Any], merchant: str, member: str = "totalAmount") -> tuple[int, str]:
    """Return (minor units, currency) of the order; both are required."""
    currency = text(body, f"{_AMOUNTS}.currency").upper()
    missing = [
        f"{_AMOUNTS}.{name}"
        for name in (member, "currency")
        if part(body, f"{_AMOUNTS}.{name}") in (None, "")
    ]
    if missing:
        raise Problem("MISSING_FIELD", *missing)
    if currency not in DIGITS:
        raise Problem("INVALID_DATA", f"{_AMOUNTS}.currency")
    if currency not in MERCHANTS[merchant].currencies:
        raise Problem("INVALID_MERCHANT_CONFIGURATION")
    return minor(body, f"{_AMOUNTS}.{member}", currency), currency


def minor(body: dict[str, Any], path: str, currency: str) -> int:
    """Return an amount in minor units. Decimals beyond the currency's are cut off, as documented.

    Raises:
        Problem: not a JSON string with a plain decimal of at most 19 characters.
    """
    found = part(body, path)
    if not isinstance(found, str) or len(found) > _LONGEST_AMOUNT or not found.isascii():
        raise Problem("INVALID_DATA", path)
    if not _AMOUNT.fullmatch(found):
        raise Problem("INVALID_DATA", path)
    whole, _, fraction = found.partition(".")
    digits = DIGITS[currency]
    return int((whole or "0") + fraction[:digits].ljust(digits, "0"))


def bill_to_of(body: dict[str, Any]) -> dict[str, str]:
    """Return the few facts of the buyer that a search shows."""
    found = section(body, "orderInformation.billTo")
    kept = {name: found[name] for name in _BILL_TO if found.get(name)}
    for name, value in kept.items():
        if not isinstance(value, str) or len(value) > 255:
            raise Problem("INVALID_DATA", f"orderInformation.billTo.{name}")
    return kept
