"""What the partners share: one write, and which family of outcome each answer comes to.

The status decides first, then the reason; what a reason means is data (``reasons.py``).
Source: Cybersource reference 2.1 to 2.5; reliability reference F3 to F5, 2.4 (5 to 12, 31).
"""

from dataclasses import dataclass
from typing import TypeVar

from include.adapters.cybersource.answers import Json, error_words, text_of
from include.adapters.cybersource.client import Client
from include.adapters.cybersource.reasons import ReasonTable
from include.adapters.cybersource.rows import Rows
from include.adapters.http.redact import redact
from include.adapters.http.status import judge
from include.adapters.http.strict_json import NotStrictJsonError, parse
from include.adapters.http.wire import Limits, Request, Response
from include.domain.canonical import from_json
from include.domain.errors import OutcomeUnknown, Parked, Rejected
from include.domain.money import Money
from include.domain.payment_meanings import Meaning
from include.services.effects.ports import Difference, Effect

T = TypeVar("T")
LOOK = "It may have happened: look for the reference at the gateway before any resend."
_KEY_REFUSED = (401, 403)
_INVALID = "INVALID_DATA"
_MOST_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read whole, and what it means."""

    meaning: Meaning
    request_id: str
    status: str  # theirs
    reason: str  # theirs
    fields: tuple[str, ...]  # names of refused fields
    body: Json
    where: str

    @property
    def named(self) -> str:
        """Name the refused fields, after a blank, for a message."""
        return f" in {', '.join(self.fields)}" if self.fields else ""

    @property
    def is_lone_refusal(self) -> bool:
        """Say whether it is as recorded of a token that failed, and as reported of a repeat."""
        is_refusal = (self.status, self.reason) == ("INVALID_REQUEST", _INVALID)
        return is_refusal and not self.fields and bool(self.request_id)


@dataclass(frozen=True, slots=True)
class RefusalRule:
    """What a partner makes of refusals that may mean more than one thing."""

    parks: bool = True  # a refused key waits for its correction; else a person is asked at once
    already_is_no: bool = False  # done before is refused for good; else it is looked for
    takes_lone_refusal: bool = False  # ``INVALID_DATA`` without a field is returned; else a doubt


REFUSALS = RefusalRule()


class Gateway:
    """One account, as the partners use it."""

    def __init__(self, client: Client, reasons: ReasonTable) -> None:
        self.client = client
        self.reasons = reasons
        self.rows = Rows(client, reasons)

    def post(
        self,
        operation: str,
        path: str,
        body: dict[str, object],
        effect: Effect,
        limits: Limits | None = None,
        rule: RefusalRule = REFUSALS,
    ) -> Answer:
        """Send once and return an answer with a clear meaning.

        Args:
            operation: as the reason table names it.
            path: of the call.
            body: of the call.
            effect: whose reference goes into the log.
            limits: of the exchange; the connection's own where ``None``.
            rule: what is made of refusals.

        Raises:
            Retryable: nothing was sent.
            Rejected, Parked: refused before anything happened.
            OutcomeUnknown: anything that leaves a doubt.
        """
        request = self.client.write(
            "POST", path, f"{operation} {effect.reference}", effect.reference, body, limits
        )
        response = self.client.send(request)
        self.refuse_key(response, request, rule)
        if not response.is_success and response.status != 400:
            error = judge(response, request, error_words(response))
            raise error or ValueError(f"status {response.status} is neither good nor bad")
        answer = self._read(operation, response, request)
        self._demand_ours(answer, body)
        if answer.meaning is Meaning.configuration:
            raise _configuration(f"{request.what} was refused: {answer.reason}", request, rule)
        if answer.is_lone_refusal and rule.takes_lone_refusal:
            return answer
        is_doubtful = answer.meaning is Meaning.already and not rule.already_is_no
        if answer.meaning is Meaning.look or is_doubtful:
            shown = redact(" ".join((answer.status, answer.reason)), 80)
            what = f"{request.what} was answered {shown!r}{answer.named}"
            raise OutcomeUnknown(what, request.where, LOOK)
        return answer

    def refuse_key(
        self, response: Response, request: Request, rule: RefusalRule = REFUSALS
    ) -> None:
        """Raise on 401 and 403: nothing was accepted (reliability reference, 2.4, 31)."""
        if response.status in _KEY_REFUSED:
            raise _configuration(f"{request.what} was answered {response.status}", request, rule)

    def _read(self, operation: str, response: Response, request: Request) -> Answer:
        try:
            body = parse(response.body)
        except NotStrictJsonError as fault:
            body, shown = None, str(fault)
        else:
            shown = "it is not a JSON object"
        if not isinstance(body, dict):
            raise OutcomeUnknown(
                f"{request.what} was answered {response.status} with a body that cannot be read: "
                f"{shown}",
                request.where,
                LOOK,
            )
        status = _word(text_of(body, "status"))
        reason = _word(text_of(body, "errorInformation", "reason") or text_of(body, "reason"))
        fields = _refused_fields(body)
        meaning = self._meaning(operation, status, reason, fields)
        is_good = meaning not in _NO
        if is_good and (not response.is_success or text_of(body, "id") is None):
            meaning = Meaning.look  # a good word in a refusal, or without the id that proves it
        return Answer(
            meaning, text_of(body, "id") or "", status, reason, fields, body, request.where
        )

    def _meaning(
        self, operation: str, status: str, reason: str, fields: tuple[str, ...]
    ) -> Meaning:
        found = self.reasons.meaning(operation, status, reason)
        is_about_the_key = any(name.endswith("transactionId") for name in fields)
        is_lone = not fields and not self._tells_repeats(operation)
        if reason == _INVALID and (is_about_the_key or is_lone):
            # A repeated merchant transaction id is reported so, in place of DUPLICATE_REQUEST.
            return Meaning.look
        return found

    def _tells_repeats(self, operation: str) -> bool:
        """Say whether a repeat names its field; elsewhere an unknown id is refused without one."""
        return operation == "authorization" and self.client.settings.repeats_are_named

    @staticmethod
    def _demand_ours(answer: Answer, body: dict[str, object]) -> None:
        """An answer that names another order is not the answer to this call."""
        for member in ("code", "transactionId"):
            theirs = text_of(answer.body, "clientReferenceInformation", member)
            ours = text_of(body, "clientReferenceInformation", member)
            if theirs is not None and ours is not None and theirs != ours:
                raise OutcomeUnknown(
                    f"the answer is about {redact(theirs, 60)!r}, not {ours!r}", answer.where, LOOK
                )


_NO = (
    Meaning.declined,
    Meaning.invalid,
    Meaning.look,
    Meaning.already,
    Meaning.configuration,
    Meaning.authentication,
)


def _configuration(what: str, request: Request, rule: RefusalRule) -> Rejected:
    do = "Correct key, permissions or processor of the account; nothing was accepted."
    return (Parked if rule.parks else Rejected)(what, request.where, do)


def _word(text: str | None) -> str:
    """Return a status or reason, cut to a length that may be kept and shown."""
    return redact(text or "", 60)


def _refused_fields(body: Json) -> tuple[str, ...]:
    """Return the names of refused fields; their values stay out of every record."""
    nested = body.get("errorInformation")
    for place in (body, nested if isinstance(nested, dict) else {}):
        rows = place.get("details")
        if isinstance(rows, list):
            names = [text_of(row, "field") for row in rows[:_MOST_FIELDS] if isinstance(row, dict)]
            return tuple(redact(name, 100) for name in names if name)
    return ()


def refuse_invalid(answer: Answer) -> None:
    """Raise ``Rejected`` where our own request was wrong: not a business no, a person must act."""
    if answer.meaning is Meaning.invalid:
        raise Rejected(
            f"the gateway refused the call as wrong: {answer.reason}{answer.named}",
            answer.where,
            "Correct what the fields come from, then replay this item.",
        )


def command_of(kind: type[T], effect: Effect) -> T:
    """Read the payload of an effect."""
    return from_json(kind, effect.payload)


def references(code: str, mti: str) -> dict[str, object]:
    """Return ``clientReferenceInformation``: the order, and the id that finds this very call.

    A copy stands in the comments: of the two, a transaction's detail shows these.
    """
    return {"code": code, "transactionId": mti, "comments": mti}


def amount_details(amount: Money) -> dict[str, object]:
    """Return an amount as the gateway takes it: text, positive, in major units."""
    if amount.minor < 0:
        raise ValueError(f"the gateway takes no negative amount: {amount}")
    return {"totalAmount": amount.decimal, "currency": amount.currency}


def money_of(body: Json, where: str, *path: str, currency: str = "") -> Money | None:
    """Read an amount of theirs beside its currency; ``None`` where it is not shown.

    Raises:
        Rejected: an amount that is no money of its currency.
    """
    amount = text_of(body, *path)
    named = text_of(body, *path[:-1], "currency") or currency
    return None if amount is None or not named else Money.parse(amount, named, where)


def difference(what: str, ours: object, theirs: object) -> tuple[Difference, ...]:
    """Return one difference, or none; what the gateway does not show is not compared."""
    if theirs is None or theirs == "" or ours == theirs:
        return ()
    return (Difference(what, str(ours), str(theirs)),)
