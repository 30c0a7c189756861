"""Lists of WooCommerce: filters, order, pages, and the headers that count them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo

from include.sandbox.server import Request, Response
from include.sandbox.shop.errors import invalid_param

Row = Mapping[str, Any]
MOST_PER_PAGE = 100
JSON = "application/json; charset=UTF-8"


class Query:
    """The parameters of one list call; a list comes as ``a,b``, ``name[]=a`` or ``name[0]=a``."""

    def __init__(self, request: Request) -> None:
        self._path = request.path
        self._host = request.headers.get("host", "")
        self._pairs = parse_qsl(urlsplit(request.target).query, keep_blank_values=True)

    def text(self, name: str, usual: str = "") -> str:
        return next((v for k, v in reversed(self._pairs) if k == name), usual)

    def words(self, name: str) -> list[str]:
        found = [v for k, v in self._pairs if k == name or k.startswith(f"{name}[")]
        return [word.strip() for value in found for word in value.split(",") if word.strip()]

    def numbers(self, name: str) -> list[int]:
        words = self.words(name)
        if not all(word.isascii() and word.isdigit() for word in words):
            raise invalid_param(name, f"{name} is not a list of integers.")
        return [int(word) for word in words]

    def number(self, name: str, usual: int, low: int, high: int) -> int:
        text = self.text(name, str(usual))
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            why = f"{name} must be between {low} (inclusive) and {high} (inclusive)"
            raise invalid_param(name, why)
        return int(text)

    def choice(self, name: str, usual: str, *words: str) -> str:
        found = self.text(name, usual)
        if found not in words:
            raise invalid_param(name, f"{name} is not one of {', '.join(words)}.")
        return found

    def instant(self, name: str, zone: str) -> datetime | None:
        """Return a date-time; without an offset it is local, or UTC by ``dates_are_gmt``."""
        text = self.text(name)
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            raise invalid_param(name, "Invalid date.") from None
        if found.tzinfo is None:
            is_gmt = self.text("dates_are_gmt").casefold() in ("1", "true", "yes")
            found = found.replace(tzinfo=UTC if is_gmt else ZoneInfo(zone))
        return found.astimezone(UTC)

    def page(self, rows: Sequence[Row]) -> Response:
        """Cut one page out and say how many there are."""
        page = self.number("page", 1, 1, 1_000_000)
        size = self.number("per_page", 10, 1, MOST_PER_PAGE)
        skipped = self.number("offset", (page - 1) * size, 0, 100_000_000)
        pages = -(-len(rows) // size)
        answer = Response.of_json(list(rows[skipped : skipped + size]), 200, JSON)
        answer.headers += [("X-WP-Total", str(len(rows))), ("X-WP-TotalPages", str(pages))]
        links = []
        if page > 1:
            links.append(f'<{self._link(min(page - 1, max(pages, 1)))}>; rel="prev"')
        if page < pages:
            links.append(f'<{self._link(page + 1)}>; rel="next"')
        if links:
            answer.headers.append(("Link", ", ".join(links)))
        return answer

    def _link(self, page: int) -> str:
        pairs = [(k, v) for k, v in self._pairs if k != "page" and not k.startswith("oauth_")]
        return f"http://{self._host}{self._path}?{urlencode([*pairs, ('page', str(page))])}"


def gmt(row: Row, name: str) -> datetime:
    """Read a ``_gmt`` field back."""
    return datetime.fromisoformat(row[name]).replace(tzinfo=UTC)


def list_orders(query: Query, orders: Iterable[Row], zone: str) -> Response:
    """Answer ``GET /orders``."""
    rows = [row for row in orders if _wants(query)(row)]
    rows = _by_dates(query, rows, zone)
    return query.page(_sorted(query, _by_ids(query, rows)))


def list_plain(query: Query, rows: Iterable[Row], *equal: str) -> Response:
    """Answer a list of products, customers or webhooks; ``equal`` names exact filters."""
    found = [
        row
        for row in rows
        if all(not query.text(n) or str(row.get(n)) == query.text(n) for n in equal)
        and _mentions(row, query.text("search"))
    ]
    if skus := query.words("sku"):
        found = [row for row in found if row.get("sku") in skus]
    return query.page(_sorted(query, _by_ids(query, found)))


def _wants(query: Query) -> Callable[[Row], bool]:
    statuses = query.words("status") or ["any"]
    customer, product = query.text("customer"), query.text("product")
    search = query.text("search")

    def fits(row: Row) -> bool:
        if "any" in statuses:  # as WooCommerce does: it wins over every word beside it
            is_wanted = row["status"] not in ("trash", "checkout-draft")
        else:
            is_wanted = row["status"] in statuses
        return (
            is_wanted
            and (not customer or str(row["customer_id"]) == customer)
            and (not product or product in {str(i["product_id"]) for i in row["line_items"]})
            and _mentions(row, search)
        )

    return fits


def _mentions(row: Row, search: str) -> bool:
    if not search:
        return True
    billing: Mapping[str, Any] = row.get("billing") or {}
    hay = [row.get("number"), row.get("name"), row.get("sku"), row.get("email"), *billing.values()]
    return any(search.casefold() in str(value or "").casefold() for value in hay)


def _by_dates(query: Query, rows: list[Row], zone: str) -> list[Row]:
    for name, field, is_after in (
        ("after", "date_created_gmt", True),
        ("before", "date_created_gmt", False),
        ("modified_after", "date_modified_gmt", True),
        ("modified_before", "date_modified_gmt", False),
    ):
        edge = query.instant(name, zone)
        if edge is not None:
            rows = [r for r in rows if (gmt(r, field) > edge if is_after else gmt(r, field) < edge)]
    return rows


def _by_ids(query: Query, rows: list[Row]) -> list[Row]:
    only, without = set(query.numbers("include")), set(query.numbers("exclude"))
    return [r for r in rows if (not only or r["id"] in only) and r["id"] not in without]


def _sorted(query: Query, rows: list[Row]) -> list[Row]:
    by = query.choice("orderby", "date", "date", "modified", "id", "include", "title", "slug")
    is_down = query.choice("order", "desc", "asc", "desc") == "desc"
    if by == "include":
        place = {number: at for at, number in enumerate(query.numbers("include"))}
        return sorted(rows, key=lambda row: place.get(row["id"], len(place)))
    if by in ("title", "slug"):
        key: Callable[[Row], Any] = lambda row: (str(row.get("name", "")), row["id"])  # noqa: E731
    elif by == "id":
        key = lambda row: row["id"]  # noqa: E731
    else:
        field = "date_modified_gmt" if by == "modified" else "date_created_gmt"
        key = lambda row: (row.get(field) or "", row["id"])  # noqa: E731
    return sorted(rows, key=key, reverse=is_down)
