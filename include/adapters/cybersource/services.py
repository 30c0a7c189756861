"""The JSON services of reporting, as data, and one way to download any of them whole.

Source: Cybersource reference, sections 3 and 6.1, read 2026-11-23. ``notification-of-changes`` is
left out on purpose: it carries bank account numbers.
"""

import contextlib
import hashlib
import itertools
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import IO, BinaryIO

from include.adapters.cybersource.answers import Json, read_list, split, write_time
from include.adapters.cybersource.client import JSON_TYPE, Client, demand_organization
from include.adapters.http.wire import Request
from include.domain.calendar import Window
from include.domain.errors import NotKept, Rejected
from include.services.ports import Download

_MOST_PAGES = 10_000
_IN_MEMORY = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Service:
    """One path under ``/reporting/v3/``. The first member holds its items."""

    name: str
    members: tuple[str, ...]
    longest: timedelta | None = None  # a longer window is asked for in pieces
    oldest: timedelta | None = None  # how far back the vendor keeps it
    page_size: int | None = None  # paged by offset and limit
    # Asked for where the caller does not ask otherwise.
    parameters: Mapping[str, str] = field(default_factory=dict)


# Public plug-ins ask for less than 24 hours at a time; no source says that a whole day is taken.
LONGEST_CONVERSIONS = timedelta(hours=23, minutes=59)
_TOTALS = ("totalPurchases", "totalRefunds", "totalFees", "totalChargebacks", "netTotal")
_BY_REQUEST = (
    "requestDetails",
    "settlements",
    "authorizations",
    "feeAndFundingDetails",
    "others",
    "settlementStatuses",
)
SERVICES = {
    service.name: service
    for service in (
        Service("payment-batch-summaries", ("paymentBatchSummaries",)),
        Service("chargeback-details", ("chargebackDetails",)),
        Service("chargeback-summaries", ("chargebackSummaries",)),
        Service("retrieval-details", ("retrievalDetails",)),
        Service("retrieval-summaries", ("retrievalSummaries",)),
        Service("interchange-clearing-level-details", ("interchangeClearingLevelDetails",)),
        Service("net-fundings", ("netFundingSummaries", *_TOTALS)),
        Service("conversion-details", ("conversionDetails",), longest=LONGEST_CONVERSIONS),
        Service(
            "purchase-refund-details",
            _BY_REQUEST,
            longest=timedelta(days=31),
            oldest=timedelta(days=540),  # "within 18 months", read cautiously
            page_size=2000,
            # Which of its two dates places a request in a window is not left to an unknown default:
            # a batch holds what was submitted on its day, whenever it was requested.
            parameters={"viewBy": "submissionDate"},
        ),
    )
}


def find_service(name: str) -> Service:
    """Return the service of that name.

    Raises:
        Rejected: there is none.
    """
    if name not in SERVICES:
        known = ", ".join(sorted(SERVICES))
        raise Rejected(f"{name!r} is not a reporting service", "merchants.yaml", f"Known: {known}.")
    return SERVICES[name]


def pages(
    client: Client, service: Service, organization_id: str, window: Window, **more: str
) -> Iterator[tuple[Request, Json]]:
    """Yield each page of each piece of the window, in order, with the call it answers.

    A 404 yields nothing. Raises as ``Client.fetch`` does, ``NotKept`` for a window that is older
    than the vendor keeps, and ``Rejected`` for a server that ignores the offset.
    """
    demand_organization(organization_id, service.name)
    if service.oldest and window.start_at < client.now() - service.oldest:
        raise NotKept(
            f"{service.name} of {window.start_at:%Y-%m-%d} is older than the vendor keeps",
            client.settings.base_url,
            "Choose a window within 18 months.",
        )
    for piece in split(window, service.longest or window.end_at - window.start_at):
        query = {
            "startTime": write_time(piece.start_at),
            "endTime": write_time(piece.end_at),
            "organizationId": organization_id,
            **service.parameters,
            **more,
        }
        yield from _pages_of_piece(client, service, query)


def _pages_of_piece(
    client: Client, service: Service, query: dict[str, str]
) -> Iterator[tuple[Request, Json]]:
    before: Json | None = None
    for page in range(_MOST_PAGES):
        if service.page_size:
            query = query | {
                "offset": str(page * service.page_size),
                "limit": str(service.page_size),
            }
        request = client.request(
            f"/reporting/v3/{service.name}", query, f"read {service.name}", accept=JSON_TYPE
        )
        found = client.fetch(request)
        if found is None:
            return
        yield request, found
        if not service.page_size or _is_last(found, service):
            return
        if before is not None and _same_rows(before, found, service):
            break
        before = found
    raise Rejected(
        f"{service.name} repeats its pages: the offset is ignored",
        client.settings.base_url,
        "Ask for a shorter window, and tell the vendor.",
    )


def _is_last(found: Json, service: Service) -> bool:
    # A request may appear in any of the lists, so the longest one shows how full the page is.
    fullest = max(len(found.get(member) or ()) for member in service.members)
    return service.page_size is None or fullest < service.page_size


def _same_rows(one: Json, other: Json, service: Service) -> bool:
    return all(one.get(member) == other.get(member) for member in service.members)


def rows(
    client: Client, service: Service, organization_id: str, window: Window, **more: str
) -> Iterator[list[tuple[str, Json]]]:
    """Yield, page by page, the items as ``(member, item)``.

    Whether an instant on the seam of two pieces belongs to both is not documented, so an item
    that two neighbors report alike is given once.
    """
    fetched = pages(client, service, organization_id, window, **more)
    neighbor: set[bytes] = set()
    for _, piece in itertools.groupby(fetched, key=lambda page: _piece_of(page[0])):
        here: set[bytes] = set()
        for request, found in piece:
            fresh = []
            for member in service.members:
                if member != service.members[0] and found.get(member) is None:
                    continue
                for item in read_list(found, member, request):
                    mark = hashlib.sha256(member.encode() + _compact(item)).digest()
                    here.add(mark)
                    if mark not in neighbor:
                        fresh.append((member, item))
            yield fresh
        neighbor = here


def download(
    client: Client, name: str, organization_id: str, window: Window, sink: BinaryIO, **more: str
) -> Download | None:
    """Write ``{"<name>": [items...], "<other member>": [...]}`` to ``sink``; ``None`` is 404.

    Items are written as the vendor sent them; a number with a fraction becomes text, unrounded.
    """
    service = find_service(name)
    has_page = False
    with contextlib.ExitStack() as stack:
        files = {
            member: stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
            for member in service.members
        }
        for page in rows(client, service, organization_id, window, **more):
            has_page = True
            for member, item in page:
                file = files[member]
                file.write((b"," if file.tell() else b"") + _compact(item))
        if not has_page:
            return None
        first, *others = service.members
        return _join({service.name: files[first]} | {name: files[name] for name in others}, sink)


def _compact(item: Json) -> bytes:
    return json.dumps(item, separators=(",", ":")).encode()


def _piece_of(request: Request) -> str:
    """The call without its paging: equal for the pages of one piece."""
    return request.url.partition("&offset=")[0]


def _join(files: Mapping[str, IO[bytes]], sink: BinaryIO) -> Download:
    digest, size = hashlib.sha256(), 0

    def write(piece: bytes) -> None:
        nonlocal size
        digest.update(piece)
        size += len(piece)
        sink.write(piece)

    for place, (name, file) in enumerate(files.items()):
        write((b"," if place else b"{") + json.dumps(name).encode() + b":[")
        file.seek(0)
        while piece := file.read(64 * 1024):
            write(piece)
        write(b"]")
    write(b"}")
    return Download(digest.hexdigest(), size, JSON_TYPE)
