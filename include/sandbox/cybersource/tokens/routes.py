"""The calls of token management. Refusals are ``{"errors": [...]}``, unlike those of payments.

The vendor makes an instrument identifier from a card number. No number is taken here: the body
names a transient token instead (``tokenInformation.transientTokenJwt`` or ``.jti``), and one card
has one identifier, so that the second call answers 200 and the first 201.
"""

from collections.abc import Callable
from typing import Any

from include.sandbox.cybersource.payments.cards import read_transient
from include.sandbox.cybersource.payments.reading import Problem, body_of, part, text
from include.sandbox.cybersource.tokens import vault as kinds
from include.sandbox.cybersource.tokens.vault import Token, Vault
from include.sandbox.ledger import Ledger
from include.sandbox.server import Request, Response

Handler = Callable[[Request, str], Response]

PROFILES = {
    "acme_us": "93B32398-AD51-4CC2-A682-EA3E93614EB1",
    "acme_uk": "93B32398-AD51-4CC2-A682-EA3E93614EB2",
    "acme_jp": "93B32398-AD51-4CC2-A682-EA3E93614EB3",
}
_PATHS = {
    kinds.CUSTOMER: "/tms/v2/customers/{id}",
    kinds.INSTRUMENT: "/tms/v1/paymentinstruments/{id}",
    kinds.IDENTIFIER: "/tms/v1/instrumentidentifiers/{id}",
}
_OF_CUSTOMER = {
    kinds.INSTRUMENT: "/tms/v2/customers/{owner}/payment-instruments/{id}",
    kinds.ADDRESS: "/tms/v2/customers/{owner}/shipping-addresses/{id}",
}
_FACTS = {  # what a caller may write
    kinds.CUSTOMER: (
        "buyerInformation",
        "clientReferenceInformation",
        "merchantDefinedInformation",
        "objectInformation",
    ),
    kinds.INSTRUMENT: (
        "card",
        "billTo",
        "buyerInformation",
        "processingInformation",
        "merchantInformation",
        "type",
    ),
    kinds.ADDRESS: ("shipTo",),
    kinds.IDENTIFIER: ("processingInformation", "billTo"),
}
_DEFAULTS = {
    kinds.INSTRUMENT: "defaultPaymentInstrument",
    kinds.ADDRESS: "defaultShippingAddress",
}
_MESSAGES = {
    "notFound": "Token not found",
    "notAvailable": "Token not available.",
    "forbidden": "Request not permitted.",
    "preconditionFailed": "The token was changed by another request.",
    "invalidParameters": "Invalid parameter values.",
    "missingFields": "Missing body values.",
    "instrumentIdentifierNotFound": "The InstrumentIdentifier is not found.",
    "instrumentIdentifierDeletionError": "The Instrument Identifier is in use.",
}


class Fault(Exception):
    """A refusal: status, type and the members it is about."""

    def __init__(self, status: int, kind: str, *names: str) -> None:
        super().__init__(status, kind, names)
        self.status, self.kind, self.names = status, kind, names


class TokenRoutes:
    """Handlers; each takes the request and whose tokens it may see."""

    def __init__(self, vault: Vault, ledger: Ledger) -> None:
        self.vault, self.ledger = vault, ledger

    def checked(self, handler: Handler) -> Handler:
        """Return a handler that checks the profile and answers refusals."""

        def handle(request: Request, merchant: str) -> Response:
            try:
                profile = request.headers.get("profile-id", "")
                if profile and profile != PROFILES[merchant]:
                    raise Fault(424, "notFound")
                with self.vault.lock:
                    return handler(request, merchant)
            except Problem as problem:
                kind = "missingFields" if problem.reason == "MISSING_FIELD" else "invalidParameters"
                return _refused(Fault(400, kind, *problem.fields))
            except Fault as fault:
                return _refused(fault)

        return handle

    def create_customer(self, request: Request, merchant: str) -> Response:
        """POST /tms/v2/customers."""
        facts = _facts(kinds.CUSTOMER, body_of(request))
        token = self.vault.create(merchant, kinds.CUSTOMER, facts)
        return self._created(request, token)

    def create_instrument(self, request: Request, merchant: str) -> Response:
        """POST /tms/v1/paymentinstruments and /tms/v2/customers/{id}/payment-instruments."""
        body, owner = body_of(request), self._owner(request, merchant)
        named = text(body, "instrumentIdentifier.id", 40)
        if not named:
            raise Fault(400, "missingFields", "instrumentIdentifier.id")
        if self.vault.alive(merchant, kinds.IDENTIFIER, named) is None:
            raise Fault(400, "instrumentIdentifierNotFound")
        facts = _facts(kinds.INSTRUMENT, body)
        token = self.vault.create(merchant, kinds.INSTRUMENT, facts, owner, named)
        return self._created(request, self._defaulted(token, body))

    def create_address(self, request: Request, merchant: str) -> Response:
        """POST /tms/v2/customers/{id}/shipping-addresses."""
        body, owner = body_of(request), self._owner(request, merchant)
        facts = _facts(kinds.ADDRESS, body)
        if not facts.get("shipTo"):
            raise Fault(400, "missingFields", "shipTo")
        token = self.vault.create(merchant, kinds.ADDRESS, facts, owner)
        return self._created(request, self._defaulted(token, body))

    def create_identifier(self, request: Request, merchant: str) -> Response:
        """POST /tms/v1/instrumentidentifiers: 201 for a new card, 200 for a known one."""
        body = body_of(request)
        if part(body, "card.number") is not None:
            raise Fault(400, "invalidParameters", "card.number")
        named = text(body, "tokenInformation.transientTokenJwt", 8192)
        named = named or text(body, "tokenInformation.jti", 8192)
        transient = read_transient(named) if named else None
        if transient is None:
            kind = "invalidParameters" if named else "missingFields"
            raise Fault(400, kind, "tokenInformation.transientTokenJwt")
        token, is_new = self.vault.identifier_of(merchant, transient.card)
        token.facts.update(_facts(kinds.IDENTIFIER, body))
        return self._created(request, token, is_new=is_new)

    def _owner(self, request: Request, merchant: str) -> str:
        owner = request.match.get("owner", "")
        if owner:
            self._token(merchant, kinds.CUSTOMER, owner)
        return owner

    def _defaulted(self, token: Token, body: dict[str, Any]) -> Token:
        if token.owner and body.get("default") in (True, "true"):
            self.vault.make_default(token)
        return token

    def one(self, kind: str) -> Handler:
        """GET, PATCH and DELETE of one token."""

        def handle(request: Request, merchant: str) -> Response:
            token = self._token(merchant, kind, request.match["id"])
            if token.owner != request.match.get("owner", token.owner):
                raise Fault(404, "notFound")
            if request.method == "GET":
                return self._answer(token, 200)
            if request.method == "DELETE":
                return self._delete(request, token)
            wanted = request.headers.get("if-match", "")
            if wanted not in ("", "*", token.etag):
                raise Fault(412, "preconditionFailed")
            self._change(token, body_of(request))
            self._record(request, token, "update")
            return self._answer(token, 200)

        return handle

    def _change(self, token: Token, body: dict[str, Any]) -> None:
        for kind, member in _DEFAULTS.items():
            named = text(body, f"{member}.id", 40) if token.kind == kinds.CUSTOMER else ""
            if named:
                chosen = self._token(token.merchant, kind, named)
                if chosen.owner != token.token_id:
                    raise Fault(400, "invalidParameters", f"{member}.id")
                self.vault.make_default(chosen)
        for name, value in _facts(token.kind, body).items():
            known = token.facts.get(name)
            if isinstance(value, dict) and isinstance(known, dict):
                value = {**known, **value}
            token.facts[name] = value
        self._defaulted(token, body)
        token.version += 1

    def _delete(self, request: Request, token: Token) -> Response:
        users = self.vault.members(token.merchant, token.token_id, kinds.INSTRUMENT)
        if token.kind == kinds.IDENTIFIER and users:
            raise Fault(409, "instrumentIdentifierDeletionError")
        if token.is_default and len(self._siblings(token)) > 1:
            raise Fault(409, "forbidden")  # the default goes last
        self.vault.delete(token)
        self._record(request, token, "delete")
        return Response(204, b"", "")

    def _siblings(self, token: Token) -> list[Token]:
        return self.vault.members(token.merchant, token.owner, token.kind)

    def members(self, kind: str) -> Handler:
        """GET of the instruments or addresses of a customer or an identifier, paged."""

        def handle(request: Request, merchant: str) -> Response:
            owner = request.match.get("owner", "")
            holder = kinds.CUSTOMER if owner else kinds.IDENTIFIER
            token = self._token(merchant, holder, owner or request.match["id"])
            found = self.vault.members(merchant, token.token_id, kind)
            offset, limit = _count(request, "offset", 0), _count(request, "limit", 20)
            page = found[offset : offset + min(limit, 100)]
            name = "shippingAddresses" if kind == kinds.ADDRESS else "paymentInstruments"
            body = {
                "_links": {"self": {"href": request.target}},
                "offset": offset,
                "limit": limit,
                "count": len(page),
                "total": len(found),
                "_embedded": {name: [self._body(t) for t in page]},
            }
            return Response.of_json(body)

        return handle

    def _token(self, merchant: str, kind: str, token_id: str) -> Token:
        found = self.vault.find(merchant, kind, token_id)
        if found is None:
            raise Fault(404, "notFound")
        if found.is_deleted:
            raise Fault(410, "notAvailable")
        return found

    def _created(self, request: Request, token: Token, *, is_new: bool = True) -> Response:
        self._record(request, token, "create", is_done=is_new)
        return self._answer(token, 201 if is_new else 200)

    def _record(self, request: Request, token: Token, did: str, *, is_done: bool = True) -> None:
        buyer = token.facts.get("buyerInformation")
        names = ("merchantCustomerID", "merchantCustomerId")  # the vendor's samples have both
        own = next((buyer[n] for n in names if n in buyer), "") if isinstance(buyer, dict) else ""
        self.ledger.record(
            "cybersource",
            "token",
            str(own or token.token_id),
            request.body,
            committed=is_done,
            merchant=token.merchant,
            kind=token.kind,
            id=token.token_id,
            did=did,
        )

    def _answer(self, token: Token, status: int) -> Response:
        response = Response.of_json(self._body(token), status)
        response.headers.append(("ETag", token.etag))
        return response

    def _body(self, token: Token) -> dict[str, Any]:
        path = _PATHS.get(token.kind, "")
        if token.owner:
            path = _OF_CUSTOMER[token.kind]
        href = path.format(id=token.token_id, owner=token.owner)
        body: dict[str, Any] = {"_links": {"self": {"href": href}}, "id": token.token_id}
        body |= token.facts
        if token.kind == kinds.CUSTOMER:
            body["_links"]["paymentInstruments"] = {"href": f"{href}/payment-instruments"}
            body["_links"]["shippingAddress"] = {"href": f"{href}/shipping-addresses"}
            for kind, member in _DEFAULTS.items():
                chosen = self.vault.default(token.merchant, token.token_id, kind)
                if chosen:
                    body[member] = {"id": chosen.token_id}
        else:
            state = "CLOSED" if self.vault.is_closed(token) else "ACTIVE"
            body |= {"object": token.kind, "state": state}
        if token.owner:
            body["default"] = token.is_default
        identifier = self.vault.find(token.merchant, kinds.IDENTIFIER, token.identifier)
        if identifier is not None:
            body["instrumentIdentifier"] = {"id": token.identifier}
            body["_embedded"] = {"instrumentIdentifier": self._body(identifier)}
        if token.card and token.kind == kinds.IDENTIFIER:
            body["card"] = {"number": f"XXXXXXXXXXXX{token.card.suffix}", "type": token.card.code}
        body["metadata"] = {"creator": token.merchant}
        return body


def _facts(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the members a caller may write; a number or code of a card is refused."""
    for path in ("card.number", "card.securityCode", "tokenizedCard.number"):
        if part(body, path) is not None:
            raise Fault(400, "invalidParameters", path)
    return {name: body[name] for name in _FACTS[kind] if body.get(name) is not None}


def _count(request: Request, name: str, default: int) -> int:
    given = request.query.get(name, str(default))
    if not (given.isascii() and given.isdigit()) or len(given) > 9:
        raise Fault(400, "invalidParameters", name)
    return int(given)


def _refused(fault: Fault) -> Response:
    message = "Profile not found" if fault.status == 424 else _MESSAGES[fault.kind]
    error: dict[str, Any] = {"type": fault.kind, "message": message}
    if fault.names:
        error["details"] = [{"name": name} for name in fault.names]
    return Response.of_json({"errors": [error]}, fault.status)
