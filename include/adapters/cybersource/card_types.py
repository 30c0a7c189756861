"""The names of card types: the gateway answers with codes, rules and people use names.

Source: field texts of ``card.type`` in the vendor's models (Cybersource reference, derived spec).
"""

_NAMES = {
    "001": "Visa",
    "002": "MasterCard",
    "003": "American Express",
    "004": "Discover",
    "005": "Diners Club",
    "006": "Carte Blanche",
    "007": "JCB",
    "042": "Maestro International",
    "062": "China UnionPay",
}
_BY_WORD = {name.casefold(): name for name in _NAMES.values()}  # the vault may answer with words


def brand_of(card_type: str | None) -> str:
    """Return the brand of a card type; one that is not known as it is, none as ``""``."""
    found = card_type or ""
    return _NAMES.get(found) or _BY_WORD.get(found.casefold(), found)
