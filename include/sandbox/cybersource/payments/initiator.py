"""Who is said to have begun a payment, and whether a merchant may: with a card on file only."""

from typing import Any

from include.sandbox.cybersource.payments.book import Book
from include.sandbox.cybersource.payments.payer import Payer
from include.sandbox.cybersource.payments.reading import Problem, flag, text
from include.sandbox.cybersource.tokens.vault import IDENTIFIER, INSTRUMENT

_INITIATOR = "processingInformation.authorizationOptions.initiator"
_MERCHANT = f"{_INITIATOR}.merchantInitiatedTransaction"
_REASONS = tuple(map(str, range(1, 11)))
_LONGEST_DAYS = {"1": 14, "2": 30, "3": 30}  # since the payment that is referred to, with a token


def check_initiator(body: dict[str, Any], merchant: str, payer: Payer, book: Book) -> None:
    """Refuse a charge by the merchant that is not founded on an earlier payment with this card.

    Which checks the service makes is not published; these are what its field texts demand.
    """
    who = text(body, f"{_INITIATOR}.type")
    if who not in ("", "customer", "merchant"):
        raise Problem("INVALID_DATA", f"{_INITIATOR}.type")
    if who != "merchant":
        return
    reason = text(body, f"{_MERCHANT}.reason")
    if not reason:
        raise Problem("MISSING_FIELD", f"{_MERCHANT}.reason")
    if reason not in _REASONS:
        raise Problem("INVALID_DATA", f"{_MERCHANT}.reason")
    if payer.jti or not flag(body, f"{_INITIATOR}.storedCredentialUsed"):
        raise Problem("INVALID_DATA", f"{_INITIATOR}.storedCredentialUsed")
    path = f"{_MERCHANT}.previousTransactionId"
    named = text(body, path)
    if not named:
        if not ({INSTRUMENT, IDENTIFIER} & set(payer.tokens)):  # nothing to have kept it with
            raise Problem("MISSING_FIELD", path)
        return
    oldest = book.now() - _LONGEST_DAYS.get(reason, 36_500) * 86_400
    is_founded = any(
        entry.network_id == named and entry.card == payer.card and entry.executed_at > oldest
        for entry in book.everything(merchant)
        if entry.kind == "authorization" and entry.authorized_minor
    )
    if not is_founded:
        raise Problem("INVALID_DATA", path)
