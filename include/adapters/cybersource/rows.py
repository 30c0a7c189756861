"""Find what carries our reference: transaction search, and the detail where a row says too little.

The merchant reference finds the order's requests; the merchant transaction id (MTI) tells which of
them is ours. The vendor's models of a row name no MTI, and its list of what may be searched for
neither, but a detail has the comments, where a copy of it stands. So it is looked for in the row,
then in the detail, then by a search of its own. What cannot be told apart is never "absent".
Source: Cybersource reference 2.4 and 8.7, both specs; reliability reference 2.1; the vendor's
transaction search guide, "Filtering by Query Parameter", read 2026-11-28.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from include.adapters.cybersource.answers import Json, read_time, text_of
from include.adapters.cybersource.client import Client
from include.adapters.cybersource.reasons import ReasonTable
from include.adapters.cybersource.reporting import safe_id
from include.adapters.cybersource.search import Search, term
from include.adapters.http.status import Refused
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.domain.payment_meanings import Meaning
from include.services.effects.ports import Effect

_AMOUNT = ("orderInformation", "amountDetails")
_GOOD = (Meaning.approved, Meaning.partial)
UNCLEAR = (Meaning.look, Meaning.already, Meaning.configuration)
_REPEAT = "104"  # the refusal of a second copy says nothing about the first
_INVALID = "102"
_CLOCKS_APART = timedelta(hours=1)
_OUR_FORM = re.compile("TO[0-9A-F]{18}")  # ``reference_of``: other comments are people's
# One thing done under several names: after a time-out, by the service itself, after a void.
_REVERSALS = dict.fromkeys(
    (
        "ics_timeout_auth_reversal",
        "ics_auto_auth_reversal",
        "ics_auto_full_auth_reversal",
        "ics_auto_void_auth_reversal",
    ),
    "ics_auth_reversal",
)


@dataclass(frozen=True, slots=True)
class Application:
    """One service within a request: ``ics_auth``, ``ics_bill`` ..."""

    name: str
    code: str  # three digits
    r_code: str  # 1 good, 0 declined, -1 error
    flag: str


@dataclass(frozen=True, slots=True)
class Row:
    """One request at the gateway."""

    request_id: str
    mti: str  # '' where it is not shown
    code: str
    root: str  # first request of the chain; '' in a search row
    status: str
    at: datetime | None
    applications: Mapping[str, Application]  # none where they cannot all be read
    body: Json
    where: str

    @property
    def tells_what(self) -> bool:
        """Say whether it shows its services: every request has one, so none is no answer."""
        return bool(self.applications)

    def did_one(self, applications: Sequence[str]) -> bool:
        """Say whether it shows one of these services."""
        return not self.applications.keys().isdisjoint(applications)

    def amount(self, member: str) -> Money | None:
        """Read ``totalAmount`` or ``authorizedAmount``; ``None`` where it is not shown.

        Raises:
            Retryable: it is shown, but is no money.
        """
        text, currency = (
            text_of(self.body, *_AMOUNT, member),
            text_of(self.body, *_AMOUNT, "currency"),
        )
        if text is None or currency is None:
            return None
        try:
            return Money.parse(text, currency.upper(), self.where)
        except Rejected as fault:
            raise Retryable(fault.what, fault.where, "Read the transaction by hand.") from None


class Untold(Retryable):
    """The gateway was asked, and its rows do not tell; they may, later."""


class Rows:
    """Reads of one account.

    Each raises ``Retryable`` where it could not ask or cannot read what it was shown, and
    ``Rejected`` where the account may not ask: a wrong key, say.
    """

    def __init__(self, client: Client, reasons: ReasonTable) -> None:
        self._client = client
        self._search = Search(client)
        self._reasons = reasons

    def carrying(
        self,
        effect: Effect,
        code: str,
        mti: str,
        applications: Sequence[str],
        ours: Money | None = None,
        known: str = "",
    ) -> tuple[Row, ...]:
        """Return the requests of an order that carry ``mti`` and one of ``applications``.

        Args:
            effect: whose intent says since when a row may be ours.
            code: the order's merchant reference.
            mti: the merchant transaction id.
            applications: names of services.
            ours: the amount, to tell rows apart whose MTI nobody shows.
            known: the MTI of an earlier request of this order. Where the search finds that one
                by its MTI, it would find ours, too: what it does not find so is another's.

        Raises:
            Untold: asked, and cannot be told.
            Retryable, Rejected: could not ask.
        """
        rows = self._candidates(code, applications)
        named = self._named(rows, mti)
        mine = [row for row in rows if row.request_id in named or _is_known(row, effect)]
        hidden = (row for row in rows if not row.mti and row not in mine)
        doubtful = [row for row in hidden if _may_be_ours(row, effect, ours)]
        if doubtful and not named and not self._finds(known, code):
            raise _untold_whose(doubtful[0], mti)
        for row in mine:
            if not row.tells_what:
                raise _untold_what(row)
        return tuple(row for row in mine if row.did_one(applications))

    def _candidates(self, code: str, applications: Sequence[str]) -> list[Row]:
        """Return an order's requests of these services, or of unknown ones; in full without MTI."""
        listed = [row if row.tells_what else self.in_full(row) for row in self.of_order(code)]
        fitting = (row for row in listed if not row.tells_what or row.did_one(applications))
        return [row if row.mti else self.in_full(row) for row in fitting]

    def _named(self, rows: Sequence[Row], mti: str) -> set[str]:
        """Return the ids of those that carry the MTI: they show it, or the search knows it."""
        is_hidden = any(not row.mti for row in rows)
        shown = {row.request_id for row in self._by_mti(mti)} if is_hidden else set()
        return {row.request_id for row in rows if row.mti == mti or row.request_id in shown}

    def _finds(self, mti: str, code: str) -> bool:
        """Say whether the search knows a request of this order by its MTI."""
        return bool(mti) and any(row.code == code for row in self._by_mti(mti))

    def of_order(self, code: str) -> list[Row]:
        """Return every request of an order, as the search shows it, each once."""
        return self._find("clientReferenceInformation.code", code)

    def detail(self, request_id: str) -> Row | None:
        """Return one request in full; ``None`` is 404, which proves nothing."""
        path = f"/tss/v2/transactions/{safe_id(request_id)}"
        request = self._client.request(path, {}, "look a transaction up", request_id)
        found = self._client.fetch(request)
        return None if found is None else read_row(found, request.where)

    def in_full(self, row: Row) -> Row:
        """Return the detail of a row; the row itself where there is none yet."""
        if row.root:
            return row
        full = self.detail(row.request_id)
        return row if full is None else replace(full, mti=full.mti or row.mti)

    def meaning(self, row: Row, operation: str, application: str) -> Meaning:
        """Say what became of one service of a request.

        Raises:
            Retryable: the row does not tell.
        """
        found = row.applications[application]
        if found.code:
            meaning = self._reasons.meaning(operation, "", found.code)
        else:
            by_flag = {"1": Meaning.approved, "0": Meaning.declined, "-1": Meaning.look}
            meaning = by_flag.get(found.r_code, Meaning.look)
        if (meaning in _GOOD) and found.r_code in ("0", "-1"):
            return Meaning.look  # it contradicts itself
        return meaning

    def decided(
        self,
        rows: Sequence[Row],
        effect: Effect,
        meaning_of: Callable[[Row], Meaning],
        code_of: Callable[[Row], str],
    ) -> tuple[Row, ...]:
        """Return the rows that count: what was done; else the last clear no; else nothing.

        Raises:
            Retryable: nothing was done, and the gateway itself is not sure about one of them.
        """
        done = [row for row in rows if meaning_of(row) not in (*UNCLEAR, *_NOES)]
        if done:
            return tuple(done)
        # A second copy is refused as a repeat or, with our MTI, as invalid data.
        repeats = (_REPEAT, _INVALID) if effect.sends > 1 else (_REPEAT,)
        others = [row for row in rows if code_of(row) not in repeats]
        for row in others:
            if meaning_of(row) in UNCLEAR:
                raise Retryable(
                    f"the gateway is not sure of {row.request_id}: code {code_of(row) or 'none'}",
                    row.where,
                    "Ask the vendor what became of it.",
                )
        return tuple(others[-1:])

    def read(self, body: Json) -> Row:
        """Read a search row that somebody else asked for."""
        return read_row(body, "transaction search")

    def _by_mti(self, mti: str) -> list[Row]:
        """Return those the search knows by an MTI; none where it does not know what that is."""
        try:
            return self._find("clientReferenceInformation.transactionId", mti)
        except Refused as fault:
            if fault.status != HTTPStatus.BAD_REQUEST:
                raise
            return []

    def _find(self, field: str, value: str) -> list[Row]:
        found = self._search.transactions(term(field, value))
        rows = [read_row(body, "transaction search") for body in found]
        unique = {row.request_id: row for row in rows}
        return sorted(unique.values(), key=lambda row: row.request_id)


_NOES = (Meaning.declined, Meaning.invalid, Meaning.authentication)


def read_row(body: Json, where: str) -> Row:
    """Read a search row or a detail.

    Raises:
        Retryable: it has no id.
    """
    request_id = text_of(body, "id")
    if request_id is None:
        raise Retryable("a transaction has no id", where, "Search again.")
    status = text_of(body, "applicationInformation", "status") or text_of(body, "status")
    # The detail spells it submitTimeUTC, a search row submitTimeUtc.
    submitted = text_of(body, "submitTimeUTC") or text_of(body, "submitTimeUtc")
    comments = text_of(body, "clientReferenceInformation", "comments") or ""
    ours = comments if _OUR_FORM.fullmatch(comments) else ""
    return Row(
        request_id,
        text_of(body, "clientReferenceInformation", "transactionId") or ours,
        text_of(body, "clientReferenceInformation", "code") or "",
        text_of(body, "rootId") or "",
        status or "",
        read_time(submitted),
        _applications(body),
        body,
        where,
    )


def _applications(body: Json) -> dict[str, Application]:
    information = body.get("applicationInformation")
    listed = information.get("applications") if isinstance(information, dict) else None
    found = {}
    for one in listed if isinstance(listed, list) else ():
        name = text_of(one, "name") if isinstance(one, dict) else None
        if name is None:
            return {}  # the one that cannot be read may be the one that counts
        known = _REVERSALS.get(name, name)
        if known != name and known in found:
            continue
        found[known] = Application(
            known,
            text_of(one, "reasonCode") or "",
            text_of(one, "rCode") or "",
            text_of(one, "rFlag") or "",
        )
    return found


def _is_known(row: Row, effect: Effect) -> bool:
    """Say whether a row without MTI is the one the gateway answered us with."""
    return not row.mti and row.request_id == effect.their_key


def _untold_whose(row: Row, mti: str) -> Untold:
    return Untold(
        f"the gateway does not say whose request {row.request_id} is",
        row.where,
        f"Compare it with {mti} by hand, and resolve this item by what it shows.",
    )


def _untold_what(row: Row) -> Untold:
    return Untold(
        f"the gateway does not say what {row.request_id} did",
        row.where,
        "Ask again; if it stays, read the transaction by hand.",
    )


def _may_be_ours(row: Row, effect: Effect, ours: Money | None) -> bool:
    theirs = row.amount("totalAmount")
    is_other = ours is not None and theirs is not None and theirs != ours
    is_older = (
        row.at is not None
        and effect.intended_at is not None
        and row.at < effect.intended_at - _CLOCKS_APART
    )
    return not is_other and not is_older
