"""Stored payments at the gateway (TMS), read side: what a customer has, and what is there twice.

Only what may be kept of a card is read: ids, the last four digits, expiry, type.
Source: Cybersource reference, section 4.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from include.adapters.cybersource.answers import Json, read_list, text_of
from include.adapters.cybersource.card_types import brand_of
from include.adapters.cybersource.client import JSON_TYPE, Client
from include.adapters.cybersource.reporting import safe_id
from include.adapters.http.status import Refused
from include.adapters.http.wire import Request
from include.domain.errors import Retryable
from include.domain.payments import StoredToken
from include.services.profiles.ports import Buyer

_PAGE = 100
_GONE = 410
_CLOSED = "CLOSED"  # "The account has been closed": the other state is ACTIVE
_MOST_PAGES = 1000
_FOUR_DIGITS = re.compile(r"[0-9]{4}")


class Tokens:
    """The token vault of one account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def buyer(self, customer_token: str) -> Buyer | None:
        """Say whose a customer is; ``None``: no such customer, or none any more."""
        path = f"/tms/v2/customers/{safe_id(customer_token)}"
        found = self._fetch(self._request(path, {}, "read a customer"))
        if found is None:
            return None
        # Spelt in both ways: with ID in the vault's own calls, with Id in payments.
        names = ("merchantCustomerID", "merchantCustomerId")
        told = (text_of(found, "buyerInformation", name) for name in names)
        reference = next((one for one in told if one), "")
        return Buyer(reference, text_of(found, "buyerInformation", "email") or "")

    def customer(self, customer_token: str) -> tuple[StoredToken, ...] | None:
        """Return a customer's payment instruments, the default first; ``None``: no such customer.

        Raises:
            Retryable, Rejected: could not ask.
        """
        path = f"/tms/v2/customers/{safe_id(customer_token)}"
        request = self._request(path, {}, "read a customer")
        found = self._fetch(request)
        if found is None:
            return None
        default = text_of(found, "defaultPaymentInstrument", "id") or ""
        listed = [
            self._completed(_token(row, customer_token))
            for row in self._pages(f"{path}/payment-instruments")
        ]
        return tuple(sorted(listed, key=lambda one: one.instrument_token != default))

    def instrument(self, customer_token: str, instrument_token: str) -> StoredToken | None:
        """Return one payment instrument; ``None``: it is gone."""
        path = (
            f"/tms/v2/customers/{safe_id(customer_token)}/payment-instruments/"
            f"{safe_id(instrument_token)}"
        )
        found = self._fetch(self._request(path, {}, "read a payment instrument"))
        return None if found is None else self._completed(_token(found, customer_token))

    def _completed(self, token: StoredToken) -> StoredToken:
        """Ask the card's identifier for the last digits where the instrument does not show them."""
        if token.suffix or not token.identifier_token:
            return token
        path = f"/tms/v1/instrumentidentifiers/{safe_id(token.identifier_token)}"
        found = self._fetch(self._request(path, {}, "read an instrument identifier"))
        if found is None:
            return token
        is_closed = token.is_closed or _is_closed(found)
        return replace(token, suffix=_suffix(found), is_closed=is_closed)

    def _pages(self, path: str) -> Iterator[Json]:
        """Yield every row; a list that is not whole would have a customer deleted for its last."""
        seen = 0
        for _ in range(_MOST_PAGES):
            query = {"offset": str(seen), "limit": str(_PAGE)}
            request = self._request(path, query, "list payment instruments")
            found = self._fetch(request)
            if found is None:
                return
            embedded, total = found.get("_embedded"), found.get("total")
            if embedded is None and total == 0:
                return
            inner = embedded if isinstance(embedded, dict) else {}
            rows = read_list(inner, "paymentInstruments", request)
            yield from rows
            seen += len(rows)
            if seen >= total if isinstance(total, int) else len(rows) < _PAGE:
                return
            if not rows:
                break
        raise Retryable("the list of payment instruments has no end", path, "Ask again.")

    def _fetch(self, request: Request) -> Json | None:
        """Return the object; ``None`` where there is none, or none any more (410)."""
        try:
            return self._client.fetch(request)
        except Refused as fault:
            if fault.status == _GONE:
                return None
            raise

    def _request(self, path: str, query: Mapping[str, str], what: str) -> Request:
        return self._client.request(path, query, what, accept=JSON_TYPE)


def duplicates(tokens: Iterable[StoredToken]) -> Sequence[tuple[StoredToken, ...]]:
    """Return the instruments that are the same card, the one to keep first.

    The one that expires last is kept; of equals, the first given, so give the default first.
    """
    groups: dict[tuple[str, str], list[StoredToken]] = defaultdict(list)
    for token in tokens:
        if token.identifier_token:
            groups[token.customer_token, token.identifier_token].append(token)
    return [
        tuple(sorted(group, key=lambda one: one.expiry, reverse=True))
        for group in groups.values()
        if len(group) > 1
    ]


def _token(row: Json, customer_token: str) -> StoredToken:
    month, year = text_of(row, "card", "expirationMonth"), text_of(row, "card", "expirationYear")
    embedded = row.get("_embedded")
    shown = embedded.get("instrumentIdentifier") if isinstance(embedded, dict) else None
    identifier = shown if isinstance(shown, dict) else {}
    return StoredToken(
        customer_token,
        text_of(row, "id") or "",
        text_of(row, "instrumentIdentifier", "id")
        or text_of(row, "_embedded", "instrumentIdentifier", "id")
        or "",
        _suffix(identifier) or _suffix(row),
        f"{year}-{month:>02}" if year and month else "",
        brand_of(text_of(row, "card", "type")),
        # The state is the issuer's, of the card's number: either of the two may show it.
        _is_closed(row) or _is_closed(identifier),
    )


def _is_closed(row: Json) -> bool:
    return text_of(row, "state") == _CLOSED


def _suffix(row: Json) -> str:
    """Return the last four digits; the number comes masked, e.g. 411111XXXXXX1111."""
    for name in ("number", "suffix"):
        found = (text_of(row, "card", name) or "")[-4:]
        if _FOUR_DIGITS.fullmatch(found):
            return found
    return ""
