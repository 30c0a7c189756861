"""The live half of the service: payments, cases, tokens and webhooks, wired together."""

import time
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from include.sandbox.cybersource.payments import history
from include.sandbox.cybersource.payments.authorize import Authorize
from include.sandbox.cybersource.payments.book import Book, Entry
from include.sandbox.cybersource.payments.cards import make_jwt
from include.sandbox.cybersource.payments.desk import Call, PaymentDesk
from include.sandbox.cybersource.payments.follow_ons import KINDS, FollowOns
from include.sandbox.cybersource.payments.outcomes import OUTCOMES
from include.sandbox.cybersource.payments.reading import Reference
from include.sandbox.cybersource.payments.reviews import Reviews
from include.sandbox.cybersource.settings import Switches
from include.sandbox.cybersource.tokens import vault as kinds
from include.sandbox.cybersource.tokens.routes import TokenRoutes
from include.sandbox.cybersource.tokens.vault import Vault
from include.sandbox.cybersource.webhooks import events
from include.sandbox.cybersource.webhooks.routes import WebhookRoutes
from include.sandbox.cybersource.webhooks.sender import Sender
from include.sandbox.cybersource.webhooks.subscriptions import Register
from include.sandbox.ledger import Ledger
from include.sandbox.server import Request, Response
from include.sandbox.world import World
from include.sandbox.world.facts import decimal_text

Answer = Callable[[Request, str], Response]
Facts = Mapping[str, Any]

_TRANSIENT_S = 900
_LONGEST_BATCH = 10_000


class Live:
    """Everything that callers change; ``control`` does what people do in the real world."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world, self.ledger = world, ledger
        self.switches = Switches()
        self.book = Book(world)
        self.vault = Vault()
        self.register = Register()
        self.sender = Sender(world, self.switches, self.register)
        self.desk = PaymentDesk(
            world, ledger, self.book, self.vault, self.switches, self.sender.tell
        )
        self.follow_ons = FollowOns(self.desk)
        self.authorize = Authorize(self.desk)
        self.reviews = Reviews(self.desk, self.follow_ons)
        self.tokens = TokenRoutes(self.vault, ledger)
        self.webhooks = WebhookRoutes(self.register, self.sender, self.switches, ledger)

    def payment_routes(self) -> list[tuple[str, str, Answer]]:
        """Return (method, path, handler); the calls without an id also end in a slash."""
        work, one = self.desk.work, "(?P<id>[^/]+)"
        follow = self.follow_ons
        found: list[tuple[str, str, Answer]] = [
            ("POST", "/pts/v2/payments/?", work("authorization", self.authorize.payment)),
            ("PATCH", f"/pts/v2/payments/{one}", work("increment", self.authorize.increment)),
            ("POST", f"/pts/v2/payments/{one}/captures", work("capture", follow.capture)),
            ("POST", f"/pts/v2/payments/{one}/reversals", work("reversal", follow.reversal)),
            ("POST", "/pts/v2/credits/?", work("credit", self.authorize.credit)),
            ("POST", "/pts/v2/reversals/?", work("reversal", follow.timeout_reversal)),
            ("POST", "/pts/v2/voids/?", work("void", follow.timeout_void)),
            ("POST", "/risk/v1/decisions/?", work("decision", self.reviews.decision)),
            ("POST", f"/risk/v1/decisions/{one}/actions", work("decision", self.reviews.action)),
            ("POST", f"/risk/v1/decisions/{one}/comments", work("comment", self.reviews.comment)),
        ]
        for noun in KINDS:
            path = f"/pts/v2/{noun}/{one}"
            found.append(("POST", f"{path}/voids", work("void", follow.void(noun))))
            if noun in ("payments", "captures"):
                found.append(("POST", f"{path}/refunds", work("refund", follow.refund(noun))))
        return found

    def token_routes(self) -> list[tuple[str, str, Answer]]:
        one, owner = "(?P<id>[^/]+)", "(?P<owner>[^/]+)"
        tokens = self.tokens
        customers, below = "/tms/v2/customers", f"/tms/v2/customers/{owner}"
        instruments, identifiers = "/tms/v1/paymentinstruments", "/tms/v1/instrumentidentifiers"
        created = (
            (customers, tokens.create_customer),
            (f"{below}/payment-instruments", tokens.create_instrument),
            (f"{below}/shipping-addresses", tokens.create_address),
            (instruments, tokens.create_instrument),
            (identifiers, tokens.create_identifier),
        )
        listed = (
            (f"{below}/payment-instruments", kinds.INSTRUMENT),
            (f"{below}/shipping-addresses", kinds.ADDRESS),
            (f"{identifiers}/{one}/paymentinstruments", kinds.INSTRUMENT),
        )
        single = (
            (f"{customers}/{one}", kinds.CUSTOMER),
            (f"{below}/payment-instruments/{one}", kinds.INSTRUMENT),
            (f"{below}/shipping-addresses/{one}", kinds.ADDRESS),
            (f"{instruments}/{one}", kinds.INSTRUMENT),
            (f"{identifiers}/{one}", kinds.IDENTIFIER),
        )
        found = [("POST", path, tokens.checked(handler)) for path, handler in created]
        found += [("GET", path, tokens.checked(tokens.members(kind))) for path, kind in listed]
        for path, kind in single:
            handler = tokens.checked(tokens.one(kind))
            found += [(method, path, handler) for method in ("GET", "PATCH", "DELETE")]
        return found

    def control(self, action: str, facts: Facts) -> dict[str, Any] | None:
        """Do what the vendor, a reviewer or the calendar does; ``None``: not an action of ours.

        | action | facts | does |
        |---|---|---|
        | ``cybersource`` | settings by name | changes switches, answers all |
        | ``outcome`` | outcome, verb, code, times | forces the next calls of a verb |
        | ``transient_token`` | outcome, card, count | hands out transient tokens |
        | ``challenge`` | passes | the card's holder answers a 3-D Secure challenge; its id |
        | ``decide`` | request_id or code, decision, reviewer, comments, act | a reviewer decides |
        | ``settle`` | | closes the open batches |
        | ``live_date`` | date | moves the business date; earlier batches close |
        | ``live_requests`` | organization_id, code, request_id | shows live requests |
        | ``network_token`` | organization_id, a token's id, event, month, year, card | renews it |
        | ``approve_webhook`` | webhook_id, status | reviews a webhook's URL |
        | ``webhook_deliveries`` | | shows subscriptions and every attempt |
        """
        actions: dict[str, Callable[[Facts], dict[str, Any]]] = {
            "cybersource": self.switches.change,
            "outcome": lambda f: self.desk.forcing.add(dict(f)),
            "transient_token": self._hand_out,
            "challenge": lambda f: self.authorize.challenges.add(dict(f)),
            "decide": self._decide,
            "settle": lambda _: {"settled": self._settle(None)},
            "live_date": self._move,
            "live_requests": self._requests,
            "network_token": self._update_token,
            "approve_webhook": lambda f: self.webhooks.approve(dict(f)),
            "webhook_deliveries": lambda _: self._deliveries(),
        }
        return actions[action](facts) if action in actions else None

    def _hand_out(self, facts: Facts) -> dict[str, Any]:
        word, card = str(facts.get("outcome", "")), str(facts.get("card", ""))
        count = int(facts.get("count", 1))
        if word and word not in OUTCOMES:
            raise ValueError(f"no outcome {word!r}; outcomes: {', '.join(OUTCOMES)}")
        if not 1 <= count <= _LONGEST_BATCH:
            raise ValueError(f"count {count} is not between 1 and {_LONGEST_BATCH}")
        expires = int(time.time()) + _TRANSIENT_S
        names = [f"tt-{word or 'approved'}-{uuid.uuid4().hex}" for _ in range(count)]
        made = [{"jti": name, "jwt": make_jwt(name, card, expires)} for name in names]
        return {"tokens": made}

    def _decide(self, facts: Facts) -> dict[str, Any]:
        decision = str(facts["decision"])
        if decision not in ("ACCEPT", "REJECT"):
            raise ValueError(f"decision {decision!r} is not ACCEPT or REJECT")
        entry = self._case(facts)
        call = Call(_NO_REQUEST, entry.merchant, "decision")
        call.reference = Reference(entry.code, "")  # what the desk does carries no caller's id
        with self.book.lock:
            reviewer = str(facts.get("reviewer", "reviewer_1"))
            comments = str(facts.get("comments", ""))
            self.reviews.decide(call, entry, decision, reviewer, comments)
            done = self.reviews.act(call, entry, decision) if facts.get("act") else {}
        return {"request_id": entry.request_id, "decision": decision, "done": done}

    def _case(self, facts: Facts) -> Entry:
        named = str(facts.get("request_id", ""))
        merchants = [str(facts["organization_id"])] if "organization_id" in facts else []
        code = str(facts.get("code", ""))
        found = [self.book.live(named)] if named else []
        for merchant in merchants or list(self.world.merchants) if code else []:
            found += self.book.of_code(merchant, code)
        cases = [e for e in found if e and e.decision]
        if not cases:
            raise ValueError(f"no case of {named or code!r}")
        return cases[-1]

    def _settle(self, before: date | None) -> int:
        lines = self.book.settle(before)
        for entry in lines:
            self.sender.tell("updated", entry)
        return len(lines)

    def _move(self, facts: Facts) -> dict[str, Any]:
        day = date.fromisoformat(str(facts["date"]))
        self.world.move_live_date(day)
        return {"live_date": day.isoformat(), "settled": self._settle(day)}

    def _requests(self, facts: Facts) -> dict[str, Any]:
        wanted = {k: str(facts[k]) for k in ("code", "request_id") if k in facts}
        merchants = [str(facts["organization_id"])] if "organization_id" in facts else None
        rows = [
            _row(entry)
            for merchant in merchants or self.world.merchants
            for entry in self.book.everything(merchant)
        ]
        kept = [r for r in rows if all(r[k] == v for k, v in wanted.items())]
        return {"live_date": self.world.live_date.isoformat(), "requests": kept}

    def _update_token(self, facts: Facts) -> dict[str, Any]:
        """Change the expiry of a card's instruments, and tell so: a network token was updated.

        ``card`` names the card that the issuer sent in its place: they have another identifier
        then, and the old one is theirs no more. ``closed``: the issuer has closed the account.
        """
        merchant, event = (
            str(facts["organization_id"]),
            str(facts.get("event", "tms.networktoken.updated")),
        )
        if event not in events.TOKEN_EVENTS:
            raise ValueError(
                f"no event {event!r}; events: {', '.join(sorted(events.TOKEN_EVENTS))}"
            )
        identifier = self._identifier(merchant, facts)
        users = self.vault.members(merchant, identifier, kinds.INSTRUMENT)
        if facts.get("card"):
            identifier = self.vault.replace_card(merchant, identifier, str(facts["card"]))
        known = self.vault.find(merchant, kinds.IDENTIFIER, identifier)
        if known is not None and facts.get("closed"):
            known.is_closed = True
        for user in users:
            card = {**user.facts.get("card", {})}
            card |= {"expirationMonth": str(facts.get("month", card.get("expirationMonth", "12")))}
            card |= {"expirationYear": str(facts.get("year", card.get("expirationYear", "2031")))}
            user.facts["card"] = card
            user.version += 1
        links = {
            "paymentInstruments": [f"/tms/v1/paymentinstruments/{u.token_id}" for u in users],
            "instrumentIdentifiers": [f"/tms/v1/instrumentidentifiers/{identifier}"],
            "customers": sorted({f"/tms/v2/customers/{u.owner}" for u in users if u.owner}),
        }
        payload = events.token_payload(merchant, uuid.uuid4().hex.upper(), links)
        return {"sent_to": self.sender.emit(merchant, event, payload), **links}

    def _identifier(self, merchant: str, facts: Facts) -> str:
        """Return the identifier behind the token that ``facts`` names by its kind."""
        for kind in (kinds.IDENTIFIER, kinds.INSTRUMENT, kinds.CUSTOMER):
            token = self.vault.alive(merchant, kind, str(facts.get(kind, "")))
            if token is not None and kind == kinds.CUSTOMER:
                token = self.vault.default(merchant, token.token_id, kinds.INSTRUMENT)
            if token is not None:
                return token.identifier or token.token_id
        raise ValueError("name an instrumentIdentifier, a paymentInstrument or a customer by id")

    def _deliveries(self) -> dict[str, Any]:
        return {
            "pending": self.sender.courier.pending,
            "subscriptions": [
                {**s.as_json(), "health": list(s.health)} for s in self.register.all()
            ],
            "notices": [notice.as_json() for notice in list(self.sender.notices)],
        }

    def reset(self) -> None:
        self.switches.reset()
        self.desk.forcing.reset()
        self.authorize.challenges.reset()
        self.book.reset()
        self.vault.reset()
        self.register.reset()
        self.sender.reset()


_NO_REQUEST = Request("POST", "", "", {}, {})


def _row(entry: Entry) -> dict[str, Any]:
    """Return what a test wants to know of a request."""
    amounts = ("amount", "authorized", "captured", "reversed", "refunded")
    found = {n: decimal_text(getattr(entry, f"{n}_minor"), entry.currency) for n in amounts}
    names = ("request_id", "merchant", "kind", "code", "transaction_id", "currency", "reason")
    held = entry.authorized_minor - entry.reversed_minor - entry.captured_minor
    held = 0 if entry.is_released else held
    return {
        **{name: getattr(entry, name) for name in names},
        **found,
        "status": history.status(entry),
        "decision": entry.decision,
        "open_hold": decimal_text(max(0, held), entry.currency),
        "parent": entry.parent.request_id if entry.parent else "",
        "date": entry.day.isoformat(),
        "tokens": dict(entry.tokens),
        "notes": list(entry.notes),
    }
