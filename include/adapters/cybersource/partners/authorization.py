"""Authorizations with Decision Manager in the same call, and what their answers and rows mean."""

from dataclasses import replace

from include.adapters.cybersource.answers import Json, read_time, text_of
from include.adapters.cybersource.card_types import brand_of
from include.adapters.cybersource.fraud_checks import checks_of
from include.adapters.cybersource.partners.checkout import authorization_body
from include.adapters.cybersource.partners.common import (
    LOOK,
    Answer,
    Gateway,
    RefusalRule,
    command_of,
    difference,
    money_of,
)
from include.adapters.cybersource.rows import Row, Rows
from include.domain.canonical import to_plain
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.money import Money
from include.domain.payment_meanings import Meaning
from include.domain.payments import (
    STATUS_OF,
    Authorize,
    Authorized,
    PaymentStatus,
    StoredToken,
)
from include.services.effects.ports import Difference, Effect, Found, Receipt

OPERATION = "authorization"
_PATH = "/pts/v2/payments"
_AUTH, _REVERSAL = "ics_auth", "ics_auth_reversal"
_DECISIONS = ("ics_decision", "ics_decision_early")
_PAYER = ("ics_pa_enroll", "ics_pa_validate")
APPLICATIONS = (_AUTH, *_DECISIONS, *_PAYER)
HOLDS = (Meaning.approved, Meaning.partial, Meaning.review, Meaning.risk_declined)
_CHECKS = ("200", "230")  # AVS, CVN
_NOTHING_HELD = (Meaning.authentication, Meaning.declined, Meaning.invalid)
# A shopper waits: a refused key is told at once, instead of waiting for its correction.
_REFUSALS = RefusalRule(parks=False, takes_lone_refusal=True)
_AMOUNTS = ("orderInformation", "amountDetails")


class AuthorizationPartner:
    """``POST /pts/v2/payments``; the MTI finds it again, and lets a lost one be reversed."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """See ``Partner.look``."""
        it, rows = command_of(Authorize, effect), self._gateway.rows
        mine = rows.carrying(
            effect, it.code, effect.reference, APPLICATIONS, it.amount, it.known_reference
        )
        full = [rows.in_full(row) for row in mine]
        meanings = {row.request_id: meaning_of(rows, row) for row in full}
        counting = rows.decided(
            full, effect, lambda row: meanings[row.request_id], lambda row: _code_of(row)
        )
        return tuple(_found(row, meanings[row.request_id], it.source.keep) for row in counting)

    def send(self, effect: Effect) -> Receipt:
        """See ``Partner.send``."""
        it, settings = command_of(Authorize, effect), self._gateway.client.settings
        body = authorization_body(it, effect.reference)
        limits = settings.authorizations
        answer = self._gateway.post(OPERATION, _PATH, body, effect, limits, _REFUSALS)
        # A token that failed is refused so, and so is the second copy of a call that went well.
        may_be_repeat = answer.meaning is Meaning.look
        meaning = Meaning.invalid if may_be_repeat else _with_approval(answer.meaning, answer.body)
        evidence = to_plain(_authorized(it, answer, meaning))
        return Receipt(
            answer.request_id,
            evidence if isinstance(evidence, dict) else {},
            is_no=meaning in _NOTHING_HELD,
            may_be_repeat=may_be_repeat,
        )

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare what was asked; what a bank approved in part is an answer, not a difference."""
        it, facts = command_of(Authorize, effect), found.facts
        is_partial = facts.get("status") == PaymentStatus.partial.value
        approved = None if is_partial else facts.get("approved_minor")
        return (
            *difference("currency", it.amount.currency, facts.get("currency")),
            *difference("amount in minor units", it.amount.minor, facts.get("asked_minor")),
            *difference("authorized in minor units", it.amount.minor, approved),
            *difference("merchant reference", it.code, facts.get("code")),
        )


def meaning_of(rows: Rows, row: Row) -> Meaning:
    """Say what became of an authorization, from its row in transaction search."""
    decision = _worst(rows, row, _DECISIONS)
    if _AUTH not in row.applications:
        payer = _worst(rows, row, _PAYER)
        return next((one for one in (payer, decision) if one is not Meaning.approved), Meaning.look)
    if _REVERSAL in row.applications:
        taken_back = rows.meaning(row, "reversal", _REVERSAL)
        if taken_back is Meaning.approved:
            return Meaning.declined  # the service released it itself, within the same request
    bank = _with_approval(rows.meaning(row, OPERATION, _AUTH), row.body)
    if bank is Meaning.risk_declined and row.applications[_AUTH].code in _CHECKS:
        return Meaning.review  # approved by the bank; our check of address or CVN holds it
    if bank not in (Meaning.approved, Meaning.partial):
        return bank
    if decision is Meaning.review_first:
        return Meaning.review
    return Meaning.risk_declined if decision is Meaning.declined else bank


def has_no_case(row: Row) -> bool:
    """Say whether our check of address or CVN holds it and Decision Manager never saw it.

    Such a hold has no case that anybody could decide at the gateway: our analyst's word is enough.
    """
    is_checked = _AUTH in row.applications and row.applications[_AUTH].code in _CHECKS
    return is_checked and row.applications.keys().isdisjoint(_DECISIONS)


def authorized_of(row: Row, meaning: Meaning) -> Authorized:
    """Return the evidence of an authorization as transaction search shows it.

    Raises:
        Retryable: money is held and the row does not say how much.
    """
    asked, approved = row.amount("totalAmount"), row.amount("authorizedAmount")
    if meaning in HOLDS and approved is None:
        approved = asked if _code_of(row) == "100" else None  # 100 is approval in full
        if approved is None:
            raise Retryable(
                f"the gateway does not say what {row.request_id} holds",
                row.where,
                "Read the transaction by hand.",
            )
    return Authorized(
        row.request_id,
        STATUS_OF[meaning],
        row.status,
        _code_of(row),
        approved if meaning in HOLDS else None,
        _network_id_of(row.body),
        stored_of(row.body),
        "",
        (),
        row.at,
        _brand(row.body),
        _indicator(row.body) or _label(row),
        checks_of(row.body),
    )


def _worst(rows: Rows, row: Row, names: tuple[str, ...]) -> Meaning:
    found = [rows.meaning(row, OPERATION, name) for name in names if name in row.applications]
    return next((one for one in found if one is not Meaning.approved), Meaning.approved)


def _with_approval(meaning: Meaning, body: Json) -> Meaning:
    """A decline that carries the bank's approval code still holds the shopper's money."""
    if meaning is Meaning.declined and text_of(body, "processorInformation", "approvalCode"):
        return Meaning.risk_declined
    return meaning


def _code_of(row: Row) -> str:
    for name in (_AUTH, *_DECISIONS, *_PAYER):
        if name in row.applications:
            return row.applications[name].code
    return ""


def _found(row: Row, meaning: Meaning, keeps: bool) -> Found:
    """Return one that was found; ``keeps``: its card was to be stored."""
    authorized, asked = authorized_of(row, meaning), row.amount("totalAmount")
    is_lost = keeps and authorized.stored is None and meaning in HOLDS
    authorized = replace(
        authorized,
        stored=authorized.stored if keeps else None,
        token_failure="the gateway shows no token" if is_lost else "",
    )
    plain = to_plain(authorized)
    facts = (plain if isinstance(plain, dict) else {}) | {
        "currency": asked.currency if asked else "",
        "asked_minor": asked.minor if asked else None,
        "approved_minor": authorized.authorized.minor if authorized.authorized else None,
        "code": row.code,
    }
    return Found(row.request_id, facts, is_no=meaning in _NOTHING_HELD)


def _authorized(it: Authorize, answer: Answer, meaning: Meaning) -> Authorized:
    """Read an answer; one that holds money must say how much, in the currency asked for."""
    approved = _approved(it.amount, answer) if meaning in HOLDS else None
    if meaning is Meaning.approved and approved is not None and approved.minor < it.amount.minor:
        meaning = Meaning.partial
    stored = stored_of(answer.body) if it.source.keep else None
    made = Authorized(
        answer.request_id,
        STATUS_OF[meaning],
        answer.status,
        answer.reason,
        approved,
        _network_id_of(answer.body),
        stored,
        "",
        answer.fields,
        read_time(text_of(answer.body, "submitTimeUtc")),
        _brand(answer.body),
        _indicator(answer.body),
        checks_of(answer.body),
    )
    is_lost = it.source.keep and meaning in HOLDS
    return replace(made, token_failure=_token_failure(answer.body, stored)) if is_lost else made


def _approved(asked: Money, answer: Answer) -> Money:
    try:
        found = money_of(answer.body, answer.where, *_AMOUNTS, "authorizedAmount")
    except Rejected as fault:
        raise OutcomeUnknown(fault.what, answer.where, LOOK) from None
    if found is None or found.currency != asked.currency:
        raise OutcomeUnknown(
            f"the answer {answer.status} does not say what is held in {asked.currency}",
            answer.where,
            LOOK,
        )
    return found


def _network_id_of(body: Json) -> str:
    return text_of(body, "processorInformation", "transactionId") or ""


def _indicator(body: Json) -> str:
    """Return how well a proof was validated, as an answer says it."""
    return text_of(body, "consumerAuthenticationInformation", "indicator") or ""


def _label(row: Row) -> str:
    """Return the same of a row, which names the kind of every payment: of one that was asked."""
    label = text_of(row.body, "processingInformation", "commerceIndicatorLabel") or ""
    return label if row.did_one(_PAYER) else ""


def _token_failure(body: Json, stored: StoredToken | None) -> str:
    status = text_of(body, "embeddedActions", "TOKEN_CREATE", "status")
    if status not in (None, "SUCCESS"):
        reason = text_of(body, "embeddedActions", "TOKEN_CREATE", "reason")
        return reason or status or ""
    return "" if stored is not None else "the answer holds no token"


def stored_of(body: Json) -> StoredToken | None:
    """Read the tokens: of a new one under ``tokenInformation``, of a used one under the payment."""

    def token(name: str) -> str:
        return next(
            (
                found
                for place in ("tokenInformation", "paymentInformation")
                if (found := text_of(body, place, name, "id"))
            ),
            "",
        )

    customer, instrument = token("customer"), token("paymentInstrument")
    if not customer or not instrument:
        return None
    return StoredToken(
        customer,
        instrument,
        token("instrumentIdentifier"),
        (text_of(body, "paymentInformation", "card", "suffix") or "")[-4:],
        "",
        _brand(body),
    )


def _brand(body: Json) -> str:
    """Return the card's brand: a wallet's card may be named below its token alone."""
    places = (("paymentInformation", "card"), ("paymentInformation", "tokenizedCard"))
    named = (text_of(body, *place, "type") for place in places)
    return brand_of(next((one for one in named if one), None))
