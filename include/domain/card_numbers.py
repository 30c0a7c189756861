"""Card numbers where none may be: found by length, issuer prefix and Luhn, in any writing.

Digits of any script count, circled and raised ones too, in a few pieces or in even groups, whatever
separates them, and over two lines of an address. Longer runs (request ids of 22 digits), epoch
times, and identifiers of 32 hexadecimal digits do not, nor do our own of orders and refunds: a run
of digits in one of 14,000 would be a card's by chance.
A field that is one decimal fraction is the price of a piece, not a number cut in two.
A 13-digit number that checks as a barcode (EAN-13) is one: stock codes often are. Visa issues no
13 digits any more, and 9 % of the German and Austrian mobiles would be such a number: of what
people write they are none. Files of a processor are searched for them all the same, where they
stand in one piece (``in_a_file``).
Source: PCI DSS scope row of the reliability reference, 3.11 check 12.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

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
    r"(?<![0-9A-Za-z])(?:(?:ord|ref)_(?=[0-9]*[a-f])[0-9a-f]{26}"  # ours, of orders and refunds
    r"|(?=[0-9]*[A-Fa-f])(?:[0-9A-Fa-f]{32,64}"
    r"|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}))"
    r"(?![0-9A-Za-z])"
)
# What a shop divides, 2.283333333333333 a piece, alone in its field: 4 % of them would be cards.
_FRACTION = re.compile(r"-?[0-9]{1,6}\.[0-9]{7,17}")
_DIGITS = re.compile(r"[0-9]+")
# Blanks, dashes, dots, of any kind and mixed, may stand between the pieces of a number.
_CHAIN = re.compile(r"[0-9]+(?:[^0-9A-Za-z]{1,5}[0-9]+)*")
# In two or three pieces a number may be cut anywhere; in more only where cards are printed, or
# into groups of one length. Two phone numbers, or a date and a postal code, are four or more.
_ANYHOW = 3
_PRINTED = ({4, 8, 12, 16}, {4, 10}, {6, 10, 14}, {6, 12})  # digits before a cut
_EVEN_GROUPS = (1, 2, 3, 5)  # digits of each group but the last
_MAX_DEPTH = 64  # deeper is no order; the readers refuse it before this does
_SEND_TOKENS = (
    "Send a transient token, a stored token or an authorised payment in its place, and remove the "
    "number from your own logs."
)
_SAY_AGAIN = (
    "Say it again without the number; nothing of it was stored here. Where it answered a question "
    "in Airflow, delete that run there, since Airflow keeps the answer; the question comes again."
)

Judge = Callable[[str, int], bool]  # of plain digits, and of how many pieces they are


class CardNumberRefused(Rejected):
    """A card number where none may be. Nothing of it was kept; the message holds no digit."""


def refuse_card_numbers(value: object, where: str, do: str = _SEND_TOKENS) -> None:
    """Let JSON pass only if no field, name or number of it holds a card number.

    ``do`` is what whoever sent it is told to do.

    Raises:
        CardNumberRefused: one does; the message names the field, never the number.
    """
    for path in card_number_paths(value):
        raise CardNumberRefused(
            f"the field {path} holds a card number" if path else "the text holds a card number",
            where,
            do,
        )


def refuse_in_words(words: Mapping[str, object], where: str) -> None:
    """Let what a person says pass, by the field's name, only if it holds no card number.

    Raises:
        CardNumberRefused: it does; they may say it again.
    """
    refuse_card_numbers(words, where, _SAY_AGAIN)


def card_number_paths(value: object, path: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the dotted path of every field that holds a card number."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        yield from _paths_of(value, path, depth)
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from card_number_paths(inner, f"{path}[{i}]", depth + 1)
            if i and _is_split(value[i - 1], inner):
                yield f"{path}[{i}]"
    elif isinstance(value, bool) or value is None:
        return
    elif has_card_number(_text(value)):
        yield path


def _paths_of(members: Mapping[object, object], path: str, depth: int) -> Iterator[str]:
    above: tuple[str, object] = "", None
    for i, (name, inner) in enumerate(members.items()):
        if has_card_number(str(name)):
            yield f"{path}.<name {i}>".lstrip(".")  # the name itself must not be repeated
            continue
        found = f"{path}.{name}".lstrip(".")
        yield from card_number_paths(inner, found, depth + 1)
        line = str(name).rstrip("0123456789")  # address_1 and address_2
        if line != name and line == above[0] and _is_split(above[1], inner):
            yield found
        above = line, inner


def _is_split(above: object, below: object) -> bool:
    """Say whether two lines that follow each other, as of an address, hold one number.

    Lines of digits alone: of streets with a phone number below, one in 400 would be refused.
    """
    if not isinstance(above, str) or not isinstance(below, str):
        return False
    both = f"{above}\n{below}"
    if len(both) <= _SHORTEST or any(map(str.isalpha, both)):
        return False
    return has_card_number(both) and not (has_card_number(above) or has_card_number(below))


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a number without quotes, already read by somebody as a float
    return str(value)


def has_card_number(text: str, *, in_a_file: bool = False) -> bool:
    """Say whether a text holds a card number."""
    return next(_found(text, _judge(in_a_file)), None) is not None


def has_card_shape(text: str) -> bool:
    """Say whether a text could hold a card number if its digits were others: a date could not."""
    return next(_found(text, lambda _digits, _pieces: True), None) is not None


def mask_card_numbers(text: str, *, in_a_file: bool = False, mask: str = "[card number]") -> str:
    """Return the text with ``mask`` in place of each; for what must be shown."""
    plain = _plain(text)
    found = sorted(_found(text, _judge(in_a_file)), reverse=True)
    if not found:
        return text
    for start, end in found:
        plain = plain[:start] + mask + plain[end:]
    return plain


def _found(text: str, is_card: Judge) -> Iterator[tuple[int, int]]:
    """Yield start and end of each card number in ``_plain(text)``."""
    if len(text) < _SHORTEST or _FRACTION.fullmatch(text):
        return
    searched = _IDENTIFIER.sub(lambda found: "x" * len(found.group()), _plain(text))
    for chain in _CHAIN.finditer(searched):
        start, end = chain.span()
        if end - start >= _SHORTEST:
            groups = [found.span() for found in _DIGITS.finditer(searched, start, end)]
            yield from _cards_of(searched, groups, is_card)


def _cards_of(
    text: str, groups: list[tuple[int, int]], is_card: Judge
) -> Iterator[tuple[int, int]]:
    at = 0
    for first, (start, _) in enumerate(groups):
        end = _end_of_card(text, groups, first, is_card) if start >= at else 0
        if end:
            yield start, end
            at = end


def _end_of_card(text: str, groups: list[tuple[int, int]], first: int, is_card: Judge) -> int:
    """Return where a card ends that begins with this group of digits, or 0."""
    digits, sizes = "", list[int]()
    for start, end in groups[first : first + _LONGEST]:
        digits += text[start:end]
        sizes.append(end - start)
        if len(digits) > _LONGEST:
            return 0
        if len(digits) >= _SHORTEST and _is_grouped(sizes) and is_card(digits, len(sizes)):
            return end
    return 0


def _is_grouped(sizes: list[int]) -> bool:
    if len(sizes) <= _ANYHOW or any(cuts.issuperset(accumulate(sizes[:-1])) for cuts in _PRINTED):
        return True
    is_even = sizes[0] in _EVEN_GROUPS and set(sizes[:-1]) == {sizes[0]}
    return is_even and sizes[-1] <= 5  # six behind 30 04:00:00 are microseconds


def _judge(in_a_file: bool) -> Judge:
    if in_a_file:
        return lambda digits, pieces: is_card_number(digits, in_a_file=pieces == 1)
    return lambda digits, _: is_card_number(digits)


def is_card_number(digits: str, *, in_a_file: bool = False) -> bool:
    """Say whether 13 to 19 plain digits are a card number."""
    if not _SHORTEST <= len(digits) <= _LONGEST or _ISSUER.fullmatch(digits) is None:
        return False
    may_be_other = len(digits) == 13 and not in_a_file
    is_other = may_be_other and (digits[0] == "4" or _is_barcode(digits))  # a mobile, goods
    return passes_luhn(digits) and not is_other


def passes_luhn(digits: str) -> bool:
    """Say whether the last digit checks the others, as on every card."""
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
    if not character.isascii() and character.isdigit():  # circled and raised ones, too
        return str(unicodedata.digit(character))
    return "" if unicodedata.category(character) == "Cf" else character
