"""An address that holds a card number: pages and API refuse it, since proxies log it anyway."""

from fastapi import Request

from include.domain.card_numbers import has_card_number


def place_of_card(request: Request) -> str:
    """Return ``the query`` or ``the path`` where a parameter holds one; ``''``: none does."""
    query = [text for pair in request.query_params.multi_items() for text in pair]
    for place, texts in (("the query", query), ("the path", request.path_params.values())):
        if any(map(has_card_number, texts)):
            return place
    return ""
