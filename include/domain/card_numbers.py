"""Card numbers where none may be: found by length, issuer prefix and Luhn, in any writing.

Digits of any script count, in one piece or in even groups with separators between them. Longer
runs (request ids of 22 digits), epoch times, and identifiers of 32 hexadecimal digits do not.
A 13-digit number that checks as a barcode (EAN-13) is one: stock codes often are.
Source: PCI DSS scope row of the reliability reference, 3.11 check 12.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from include.domain.errors import Rejected

_SHORTEST, _LONGEST = 13, 19
ISSUERS = (  # lengths included
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})",  # Visa
    r"(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}",  # MC
    r"3[47][0-9]{13}",  # American Express
    r"(?:6011[0-9]{2}|64[4-9][0-9]{3}|(?:65|62|81)[0-9]{4})[0-9]{10,13}",  # Discover, UnionPay
    r"35(?:2[89]|[3-8][0-9])[0-9]{12,15}",  # JCB
    r"(?:36|38|39)[0-9]{12,17}|30[0-5][0-9]{11,16}",  # Diners
    r"(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{9,15}",  # Maestro
)
_ISSUER = re.compile("|".join(ISSUERS))
_IDENTIFIER = re.compile(
    r"(?<![0-9A-Za-z])(?=[0-9]*[A-Fa-f])(?:[0-9A-Fa-f]{32,64}"
    r"|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})"
    r"(?![0-9A-Za-z])"
)
# Groups of digits with at most three other signs between them; the same between all of them.
_SERIES = re.compile(r"[0-9]+(?:([^0-9A-Za-z]{1,3})[0-9]+(?:\1[0-9]+){0,17})?")
_EVEN_GROUPS = (4, 6, 5, 3, 2, 1, 8)  # digits of each group but the last
_UNEVEN = {(4, 6, 5), (4, 6, 4)}  # as American Express and Diners print them
_MAX_DEPTH = 64  # deeper is no order; the readers refuse it before this does


class CardNumberRefused(Rejected):
    """A card number where none may be. Nothing of it was kept; the message holds no digit."""


def refuse_card_numbers(value: object, where: str) -> None:
    """Let JSON pass only if no field, name or number of it holds a card number.

    Raises:
        CardNumberRefused: one does; the message names the field, never the number.
    """
    for path in card_number_paths(value):
        raise CardNumberRefused(
            f"the field {path} holds a card number" if path else "the text holds a card number",
            where,
            "Send a transient token, a stored token or an authorised payment in its place, and "
            "remove the number from your own logs.",
        )


def card_number_paths(value: object, path: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the dotted path of every field that holds a card number."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for i, (name, inner) in enumerate(value.items()):
            if has_card_number(str(name)):
                yield f"{path}.<name {i}>".lstrip(".")  # the name itself must not be repeated
                continue
            yield from card_number_paths(inner, f"{path}.{name}".lstrip("."), depth + 1)
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from card_number_paths(inner, f"{path}[{i}]", depth + 1)
    elif isinstance(value, bool) or value is None:
        return
    elif has_card_number(_text(value)):
        yield path


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a number without quotes, already read by somebody as a float
    return str(value)


def has_card_number(text: str) -> bool:
    """Say whether a text holds a card number."""
    return next(_found(text), None) is not None


def mask_card_numbers(text: str) -> str:
    """Return the text with ``[card number]`` in place of each; for what must be shown."""
    plain = _plain(text)
    found = sorted(_found(text), reverse=True)
    if not found:
        return text
    for start, end in found:
        plain = plain[:start] + "[card number]" + plain[end:]
    return plain


def _found(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each card number in ``_plain(text)``."""
    if len(text) < _SHORTEST:
        return
    plain = _plain(text)
    if sum(map(str.isdigit, plain)) < _SHORTEST:
        return
    searched = _IDENTIFIER.sub(lambda found: "x" * len(found.group()), plain)
    at = 0
    while (series := _SERIES.search(searched, at)) is not None:
        separator = series.group(1) or ""
        card = _in_series(series, separator)
        if card is not None:
            yield card
            at = card[1]
        elif separator:  # another series may begin at the next group
            at = series.start() + len(re.match("[0-9]+", series.group())[0])  # type: ignore[index]
        else:
            at = series.end()


def _in_series(series: re.Match[str], separator: str) -> tuple[int, int] | None:
    """Return the first card at the beginning of a series of groups."""
    groups = series.group().split(separator) if separator else [series.group()]
    digits, length = "", 0
    for count, group in enumerate(groups, 1):
        digits += group
        length += len(group) + (len(separator) if count > 1 else 0)
        if len(digits) > _LONGEST:
            return None
        sizes = tuple(len(one) for one in groups[:count])
        if len(digits) >= _SHORTEST and _is_grouped(sizes) and is_card_number(digits):
            return series.start(), series.start() + length
    return None


def _is_grouped(sizes: tuple[int, ...]) -> bool:
    if len(sizes) == 1 or sizes in _UNEVEN:
        return True
    first = sizes[0]
    return first in _EVEN_GROUPS and set(sizes[:-1]) == {first} and sizes[-1] <= max(first, 7)


def is_card_number(digits: str) -> bool:
    """Say whether 13 to 19 plain digits are a card number."""
    if not _SHORTEST <= len(digits) <= _LONGEST or _ISSUER.fullmatch(digits) is None:
        return False
    return _luhn(digits) and not (len(digits) == 13 and _is_barcode(digits))


def _luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _is_barcode(digits: str) -> bool:
    return sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10 == 0


def _plain(text: str) -> str:
    """Write every digit in ASCII and drop what is not seen: soft hyphens, joiners, marks."""
    if text.isascii():
        return text
    return "".join(_letter(character) for character in text)


def _letter(character: str) -> str:
    if character.isdecimal() and not character.isascii():
        return str(unicodedata.decimal(character))
    return "" if unicodedata.category(character) == "Cf" else character
