"""Card numbers where none may be: found by Luhn, length and issuer prefix, and masked.

Source: PCI DSS scope row of the reliability reference, 3.11 check 12. Request ids have 22 digits
and are longer runs; epoch milliseconds and dates carry no issuer prefix.
"""

import re

# A cheap superset for whole columns: 13 digits, perhaps grouped by a blank or hyphen.
PREFILTER = r"[0-9](?:[ -]?[0-9]){12}"
_RUN = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")
_LENGTHS_BY_PREFIX = (
    (re.compile(r"4"), (13, 16, 19)),  # Visa
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile(r"3[47]"), (15,)),  # American Express
    (re.compile(r"6011|64[4-9]|65|622"), (16, 17, 18, 19)),  # Discover, UnionPay co-brand
    (re.compile(r"62|81"), (16, 17, 18, 19)),  # UnionPay
    (re.compile(r"35(?:2[89]|[3-8])"), (16, 17, 18, 19)),  # JCB
    (re.compile(r"36|38|39|30[0-5]|3095"), (14, 16, 17, 18, 19)),  # Diners
    (re.compile(r"50(?:18|20|38)|5893|6304|6759|676[1-3]"), tuple(range(13, 20))),  # Maestro
)


def _is_card(digits: str) -> bool:
    if len(set(digits)) == 1 or not _has_issuer(digits):
        return False
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _has_issuer(digits: str) -> bool:
    return any(
        prefix.match(digits) and len(digits) in lengths for prefix, lengths in _LENGTHS_BY_PREFIX
    )


def _mask(found: re.Match[str]) -> str:
    digits = re.sub(r"[ -]", "", found.group())
    return f"[card number ending {digits[-4:]}]" if _is_card(digits) else found.group()


def mask_cards(text: str) -> str:
    """Replace every card number by a note that keeps its last four digits."""
    return _RUN.sub(_mask, text)


def has_card(text: str | None) -> bool:
    """Say whether a text holds a card number."""
    return text is not None and any(
        _is_card(re.sub(r"[ -]", "", run.group())) for run in _RUN.finditer(text)
    )
