"""Who pays: the token of a payment, and the tokens that ``TOKEN_CREATE`` makes of it."""

from dataclasses import dataclass, field
from typing import Any

from include.sandbox.cybersource.payments.cards import Card, Transient, read_transient
from include.sandbox.cybersource.payments.reading import Problem, section, text, words
from include.sandbox.cybersource.tokens.vault import (
    ADDRESS,
    CUSTOMER,
    IDENTIFIER,
    INSTRUMENT,
    Vault,
)

_TRANSIENT = ("tokenInformation.transientTokenJwt", "tokenInformation.jti")
_BUYER = ("merchantCustomerID", "merchantCustomerId", "email")
_STORED = (INSTRUMENT, IDENTIFIER, CUSTOMER)  # the narrower one decides which card is used


@dataclass(frozen=True, slots=True)
class Payer:
    """The card a request pays with, and the tokens it named."""

    card: Card
    jti: str = ""  # of a transient token
    is_closed: bool = False  # the issuer has closed the account of the stored card
    tokens: dict[str, str] = field(default_factory=dict)  # kind to id


def payer_of(body: dict[str, Any], merchant: str, vault: Vault) -> Payer:
    """Return who pays.

    Raises:
        Problem: no token at all (a card number is none here), or one that is not known.
    """
    tokens: dict[str, str] = {}
    card, is_closed = None, False
    for kind in _STORED:
        path = f"paymentInformation.{kind}.id"
        named = text(body, path, 40)
        if not named:
            continue
        token = vault.alive(merchant, kind, named)
        tokens[kind] = named
        if card is None and token is not None:
            card, is_closed = vault.card_of(token), vault.is_closed(token)
        is_usable = token is not None and (kind == CUSTOMER or vault.card_of(token))
        if not is_usable:
            raise Problem("INVALID_DATA", path)
    transient = _transient(body)
    if transient is not None:
        return Payer(transient.card, transient.jti, tokens=tokens)
    if not tokens:
        raise Problem("MISSING_FIELD", _TRANSIENT[0])
    if card is None:
        raise Problem("INVALID_DATA", f"paymentInformation.{CUSTOMER}.id")
    return Payer(card, "", is_closed, tokens)


def _transient(body: dict[str, Any]) -> Transient | None:
    for path in _TRANSIENT:
        named = text(body, path, 8192)
        if named:
            found = read_transient(named)
            if found is None:
                raise Problem("INVALID_DATA", path)
            return found
    return None


def keep_tokens(
    body: dict[str, Any], merchant: str, payer: Payer, vault: Vault
) -> tuple[dict[str, str], bool]:
    """Make the tokens that a payment asks for; return them and whether the card was new."""
    # Everything is read before anything is made, so that a refusal leaves no token behind.
    wanted = words(body, "processingInformation.actionTokenTypes") or [
        CUSTOMER,
        INSTRUMENT,
        ADDRESS,
    ]
    bill_to = section(body, "orderInformation.billTo")
    ship_to = section(body, "orderInformation.shipTo")
    buyer = section(body, "buyerInformation")
    identifier, is_new = vault.identifier_of(merchant, payer.card)
    made = {IDENTIFIER: identifier.token_id}
    customer = payer.tokens.get(CUSTOMER, "")
    if CUSTOMER in wanted and not customer:
        kept = {k: buyer[k] for k in _BUYER if k in buyer}
        email = bill_to.get("email")
        facts = {"buyerInformation": {**({"email": email} if email else {}), **kept}}
        customer = made[CUSTOMER] = vault.create(merchant, CUSTOMER, facts).token_id
    if INSTRUMENT in wanted:
        facts = {
            "card": {
                "expirationMonth": payer.card.month,
                "expirationYear": payer.card.year,
                "type": payer.card.code,
            },
            "billTo": dict(bill_to),
        }
        token = vault.create(merchant, INSTRUMENT, facts, customer, identifier.token_id)
        made[INSTRUMENT] = token.token_id
    if ADDRESS in wanted and customer and ship_to:
        facts = {"shipTo": dict(ship_to)}
        made[ADDRESS] = vault.create(merchant, ADDRESS, facts, customer).token_id
    return made, is_new
