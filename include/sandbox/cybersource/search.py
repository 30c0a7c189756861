"""Transaction search and detail (TSS)."""

import re
import threading
import uuid
from collections import OrderedDict
from datetime import UTC, datetime, timedelta

from include.sandbox.cybersource.answers import BadField, not_found
from include.sandbox.cybersource.payments import history
from include.sandbox.cybersource.payments.book import Book, Entry
from include.sandbox.cybersource.payments.reading import read_json
from include.sandbox.cybersource.settings import Switches
from include.sandbox.server import Request, Response
from include.sandbox.world import MERCHANTS, World
from include.sandbox.world.dates import DAY, local_date, utc_text
from include.sandbox.world.facts import CARD_CODES, decimal_text
from include.sandbox.world.model import Transaction

_TERM = re.compile(r"([\w.]+):(?:\[(.+?) TO (.+?)([\]}])|\"([^\"]*)\"|(\S+))")
_NOW = re.compile(r"NOW(?:/(DAY|HOUR))?(?:([+-])(\d+)(DAY|HOUR|MINUTE)S?)?")
_STEPS = {"DAY": timedelta(days=1), "HOUR": timedelta(hours=1), "MINUTE": timedelta(minutes=1)}
_HIGHEST_LIMIT = 2500
_LONGEST_DAYS = 31
_KEPT_SEARCHES = 1000
_TRANSACTION_ID = "clientReferenceInformation.transactionId"
_CODE = "clientReferenceInformation.code"

Hit = Transaction | Entry  # of the generated world, or live
Terms = dict[str, tuple[str, ...]]  # by member, as matched
Window = tuple[datetime, datetime]


class Search:
    """Keeps what it found, because a search can be read again by its id; the latest thousand."""

    def __init__(self, world: World, book: Book, switches: Switches) -> None:
        self.world, self.book, self.switches = world, book, switches
        self._kept: OrderedDict[str, dict[str, object]] = OrderedDict()
        self._lock = threading.Lock()

    def detail(self, request: Request, merchants: tuple[str, ...]) -> Response:
        """GET /tss/v2/transactions/{id}."""
        live = self.book.live(request.match["id"])
        if live is not None:
            is_shown = live.merchant in merchants and self._is_indexed(live, is_search=False)
            return self._shown(live) if is_shown else not_found(request)
        found = self.world.transaction(request.match["id"])
        if found is None or found[0] not in merchants:
            return not_found(request)
        merchant, transaction = found
        body = _facts(merchant, transaction)
        body["submitTimeUTC"] = utc_text(transaction.at)  # spelt so here, submitTimeUtc elsewhere
        body["rootId"] = transaction.root_id
        body["reconciliationId"] = transaction.processor_reference
        return Response.of_json(body)

    def _shown(self, live: Entry) -> Response:
        return Response.of_json(history.detail(live, self.switches.now))

    def create(self, request: Request, merchant: str) -> Response:
        """POST /tss/v2/searches."""
        try:
            asked = read_json(request)
        except ValueError:
            raise BadField("body") from None
        if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
            raise BadField("query", "MISSING_FIELD")
        offset, limit = asked.get("offset", 0), asked.get("limit", 20)
        if not isinstance(limit, int) or not 1 <= limit <= _HIGHEST_LIMIT:
            raise BadField("limit")
        if not isinstance(offset, int) or offset < 0:
            raise BadField("offset")
        if self.switches.now.tss_says == "pending":
            return Response.of_json({"searchId": str(uuid.uuid4()), "status": "PENDING"}, 201)
        found = self._find(merchant, asked["query"])
        if "desc" in str(asked.get("sort", "")):
            found.reverse()
        page = found[offset : offset + limit]
        search_id = str(uuid.uuid4())
        body: dict[str, object] = {
            "searchId": search_id,
            "save": bool(asked.get("save", False)),
            "timezone": asked.get("timezone", "GMT"),
            "query": asked["query"],
            "offset": offset,
            "limit": limit,
            "sort": asked.get("sort", "id:asc"),
            "count": len(page),
            "totalCount": len(found),
            "submitTimeUtc": utc_text(datetime.now(UTC)),
            "_links": {"self": {"href": f"/tss/v2/searches/{search_id}", "method": "GET"}},
        }
        if page:
            body["_embedded"] = {"transactionSummaries": [self._summary(merchant, t) for t in page]}
        with self._lock:
            self._kept[f"{merchant}|{search_id}"] = body
            if len(self._kept) > _KEPT_SEARCHES:
                self._kept.popitem(last=False)
        return Response.of_json(body, 201)

    def _summary(self, merchant: str, transaction: Hit) -> dict[str, object]:
        if isinstance(transaction, Entry):
            return history.summary(transaction, self.switches.now)
        body = _facts(merchant, transaction)
        body["submitTimeUtc"] = utc_text(transaction.at)
        href = f"/tss/v2/transactions/{transaction.request_id}"
        body["_links"] = {"transactionDetail": {"href": href, "method": "GET"}}
        return body

    def read(self, request: Request, merchant: str) -> Response:
        """GET /tss/v2/searches/{searchId}."""
        body = self._kept.get(f"{merchant}|{request.match['id']}")
        return Response.of_json(body) if body else not_found(request)

    def reset(self) -> None:
        with self._lock:
            self._kept.clear()

    def _find(self, merchant: str, query: str) -> list[Hit]:
        """Return what fits a query: terms joined by AND, about ids, order number and time."""
        terms = {match[0]: match for match in _TERM.findall(query)}
        finds_mti = self.switches.now.tss_finds_mti
        if not terms or (finds_mti == "refused" and _TRANSACTION_ID in terms):
            raise BadField("query")
        if finds_mti == "nothing" and _TRANSACTION_ID in terms:
            return []
        time = terms.get("submitTimeUtc")
        window = self._interval(merchant, time) if time else None
        live = self._live(merchant, terms, window)
        kept: list[Hit] = [*self._generated(merchant, terms, window)]
        kept += [e for e in live if self._is_indexed(e, is_search=True)]
        if window:
            kept = [t for t in kept if window[0] <= t.at < window[1]]
        return sorted(kept, key=lambda t: (t.at, t.request_id))

    def _generated(self, merchant: str, terms: Terms, window: Window | None) -> list[Transaction]:
        if _TRANSACTION_ID in terms:
            return []  # the generated world has none
        if "id" in terms:
            found = self.world.transaction(_value(terms["id"]))
            return [found[1]] if found and found[0] == merchant else []
        if _CODE in terms:
            return self.world.transactions_of(merchant, _value(terms[_CODE]))
        if window:
            return self._between(merchant, *window)
        raise BadField("query")

    def _live(self, merchant: str, terms: Terms, window: Window | None) -> list[Entry]:
        """Return the live requests that fit every term but the time."""
        book = self.book
        with book.lock:
            if "id" in terms:
                one = book.live(_value(terms["id"]))
                kept = [one] if one and one.merchant == merchant else []
            elif _TRANSACTION_ID in terms:
                kept = book.of_transaction_id(merchant, _value(terms[_TRANSACTION_ID]))
            elif _CODE in terms:
                kept = book.of_code(merchant, _value(terms[_CODE]))
            elif window:
                kept = book.between(merchant, *window)
            else:
                raise BadField("query")
        wanted = {name: _value(terms[name]) for name in (_CODE, _TRANSACTION_ID) if name in terms}
        return [
            e
            for e in kept
            if wanted.get(_CODE, e.code) == e.code
            and wanted.get(_TRANSACTION_ID, e.transaction_id) == e.transaction_id
        ]

    def _is_indexed(self, entry: Entry, *, is_search: bool) -> bool:
        """Say whether the index has caught up with a request."""
        settings = self.switches.now
        lag = settings.index_lag_s if is_search else settings.detail_lag_s
        return self.book.now() - entry.executed_at >= lag

    def _between(self, merchant: str, start: datetime, end: datetime) -> list[Transaction]:
        if end - start > timedelta(days=_LONGEST_DAYS):
            raise BadField("query")
        zone = MERCHANTS[merchant].zone
        day = max(local_date(start, zone), self.world.start)
        found: list[Transaction] = []
        while day <= min(local_date(end, zone), self.world.last):
            found += self.world.trade(merchant).transactions(day)
            day += DAY
        return found

    def _interval(self, merchant: str, term: tuple[str, ...]) -> Window:
        start, end = self._instant(merchant, term[1]), self._instant(merchant, term[2])
        return start, end + timedelta(seconds=term[3] == "]")

    def _instant(self, merchant: str, text: str) -> datetime:
        """Read a time: ISO 8601, or NOW with Solr's arithmetic.

        NOW is this moment of the live date where one was chosen, else the world's very end.
        """
        relative = _NOW.fullmatch(text)
        if relative:
            rounding, sign, count, unit = relative.groups()
            now = self._now(merchant)
            if rounding:
                now = now.replace(minute=0, second=0, microsecond=0)
                now = now.replace(hour=0) if rounding == "DAY" else now
            step = _STEPS[unit] * int(count) if count else timedelta(0)
            return now - step if sign == "-" else now + step
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise BadField("query") from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def _now(self, merchant: str) -> datetime:
        if not self.world.has_live_date:
            return datetime.combine(self.world.last + DAY, datetime.min.time(), UTC)
        return self.world.live.now(merchant)


def _value(term: tuple[str, ...]) -> str:
    return term[4] or term[5]


def _facts(merchant: str, transaction: Transaction) -> dict[str, object]:
    currency = transaction.currency
    amounts = {
        "totalAmount": decimal_text(transaction.amount_minor, currency),
        "currency": currency,
    }
    if transaction.authorized_minor is not None:
        amounts["authorizedAmount"] = decimal_text(transaction.authorized_minor, currency)
    reference = {"code": transaction.reference} if transaction.reference else {}
    return {
        "id": transaction.request_id,
        "merchantId": merchant,
        "applicationInformation": {
            "status": "TRANSMITTED" if transaction.settlement_date else "PENDING",
            "reasonCode": "100",
            "rCode": "1",
            "rFlag": "SOK",
            "applications": [
                {
                    "name": name,
                    "status": "TRANSMITTED" if name != "ics_auth" else "AUTHORIZED",
                    "reasonCode": "100",
                    "rCode": "1",
                    "rFlag": "SOK",
                    "reconciliationId": transaction.processor_reference,
                    "rMessage": "Request was processed successfully.",
                    "returnCode": 1010000,
                }
                for name in transaction.applications
            ],
        },
        "clientReferenceInformation": reference,
        "orderInformation": {"amountDetails": amounts},
        "paymentInformation": {
            "paymentType": {"type": "credit card"},
            "card": {"type": CARD_CODES[transaction.card_type], "suffix": "1111"},
        },
        "processorInformation": {"processor": {"name": "sandboxacquirer"}},
        "errorInformation": {},
        "_links": {
            "self": {
                "href": f"/tss/v2/transactions/{transaction.request_id}",
                "method": "GET",
            }
        },
    }
