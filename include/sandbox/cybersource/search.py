"""Transaction search and detail (TSS)."""

import re
import threading
import uuid
from datetime import UTC, datetime, timedelta

from include.sandbox.cybersource.answers import BadField, not_found
from include.sandbox.server import Request, Response
from include.sandbox.world import MERCHANTS, World
from include.sandbox.world.dates import DAY, local_date, utc_text
from include.sandbox.world.facts import CARD_CODES, decimal_text
from include.sandbox.world.model import Transaction

_TERM = re.compile(r"([\w.]+):(?:\[(.+?) TO (.+?)([\]}])|\"([^\"]*)\"|(\S+))")
_NOW = re.compile(r"NOW(?:/(?:DAY|HOUR))?(?:([+-])(\d+)(DAY|HOUR)S?)?")
_HIGHEST_LIMIT = 2500
_LONGEST_DAYS = 31


class Search:
    """Keeps what it found, because a search can be read again by its id."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._kept: dict[str, dict[str, object]] = {}
        self._lock = threading.Lock()

    def detail(self, request: Request, merchants: tuple[str, ...]) -> Response:
        """GET /tss/v2/transactions/{id}."""
        found = self.world.transaction(request.match["id"])
        if found is None or found[0] not in merchants:
            return not_found(request)
        merchant, transaction = found
        body = _facts(merchant, transaction)
        body["submitTimeUTC"] = utc_text(transaction.at)  # spelt so here, submitTimeUtc elsewhere
        body["rootId"] = transaction.root_id
        body["reconciliationId"] = transaction.processor_reference
        return Response.of_json(body)

    def create(self, request: Request, merchant: str) -> Response:
        """POST /tss/v2/searches."""
        try:
            asked = request.json()
        except ValueError:
            raise BadField("body") from None
        if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
            raise BadField("query", "MISSING_FIELD")
        offset, limit = asked.get("offset", 0), asked.get("limit", 20)
        if not isinstance(limit, int) or not 1 <= limit <= _HIGHEST_LIMIT:
            raise BadField("limit")
        if not isinstance(offset, int) or offset < 0:
            raise BadField("offset")
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
            body["_embedded"] = {"transactionSummaries": [_summary(merchant, t) for t in page]}
        with self._lock:
            self._kept[f"{merchant}|{search_id}"] = body
        return Response.of_json(body, 201)

    def read(self, request: Request, merchant: str) -> Response:
        """GET /tss/v2/searches/{searchId}."""
        body = self._kept.get(f"{merchant}|{request.match['id']}")
        return Response.of_json(body) if body else not_found(request)

    def reset(self) -> None:
        with self._lock:
            self._kept.clear()

    def _find(self, merchant: str, query: str) -> list[Transaction]:
        """Return what fits a query: terms joined by AND, about id, order number and time."""
        terms = {match[0]: match for match in _TERM.findall(query)}
        if not terms:
            raise BadField("query")
        if "id" in terms:
            found = self.world.transaction(_value(terms["id"]))
            kept = [found[1]] if found and found[0] == merchant else []
        elif "clientReferenceInformation.code" in terms:
            code = _value(terms["clientReferenceInformation.code"])
            kept = self.world.transactions_of(merchant, code)
        elif "submitTimeUtc" in terms:
            kept = self._between(merchant, *self._interval(terms["submitTimeUtc"]))
        else:
            raise BadField("query")
        if "submitTimeUtc" in terms:
            start, end = self._interval(terms["submitTimeUtc"])
            kept = [t for t in kept if start <= t.at < end]
        return sorted(kept, key=lambda t: (t.at, t.request_id))

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

    def _interval(self, term: tuple[str, ...]) -> tuple[datetime, datetime]:
        start, end = self._instant(term[1]), self._instant(term[2])
        return start, end + timedelta(seconds=term[3] == "]")

    def _instant(self, text: str) -> datetime:
        """Read a time: ISO 8601, or NOW with Solr's arithmetic. NOW is the world's last day."""
        relative = _NOW.match(text)
        if relative:
            now = datetime.combine(self.world.last + DAY, datetime.min.time(), UTC)
            sign, count, unit = relative.groups()
            if not count:
                return now
            step = timedelta(days=int(count)) if unit == "DAY" else timedelta(hours=int(count))
            return now - step if sign == "-" else now + step
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise BadField("query") from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)


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


def _summary(merchant: str, transaction: Transaction) -> dict[str, object]:
    body = _facts(merchant, transaction)
    body["submitTimeUtc"] = utc_text(transaction.at)
    href = f"/tss/v2/transactions/{transaction.request_id}"
    body["_links"] = {"transactionDetail": {"href": href, "method": "GET"}}
    return body
