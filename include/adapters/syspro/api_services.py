"""The second adapter: the /APIServices JSON facade, behind the same ports as e.net.

Nothing of the facade is published (reference, section 8), so its names are data: see
``facade_map.py`` and ``api_services.yaml``. What it does not offer is refused by name.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from include.adapters.http.redact import redact
from include.adapters.http.wire import Limits, Request, Response, Transport
from include.adapters.syspro.api_values import text_of
from include.adapters.syspro.documents.schema import Amount
from include.adapters.syspro.facade_map import (
    CommandReadMap,
    FacadeMap,
    KindMap,
    PostMap,
    ReadBackMap,
)
from include.adapters.syspro.faults import (
    BUILT_ANEW,
    NOT_REACHED,
    Faults,
    has_any,
    is_closed_period,
)
from include.adapters.syspro.partners.common import (
    Split,
    difference,
    iso_date,
    journal_of,
    minor,
    money_difference,
    number,
    split,
    total_minor,
)
from include.adapters.syspro.partners.gl_journals import answered, gl_difference
from include.adapters.syspro.settings import SysproSettings
from include.domain.erp_orders import same_key
from include.domain.errors import IntegrationError, OutcomeUnknown, Rejected, Retryable
from include.domain.journal import Journal, JournalKind, JournalLine
from include.domain.money import Money
from include.services.effects.ports import Difference, Effect, EffectKind, Found, Receipt

AMOUNT_MARK = "amount:"
MARKED = re.compile(rf'"{AMOUNT_MARK}(-?[0-9]+(?:\.[0-9]+)?)"')


class FacadeClient:
    """Sends JSON to one facade; retries and redirects are off in the transport."""

    def __init__(self, settings: SysproSettings, transport: Transport, names: FacadeMap) -> None:
        self.settings = settings
        self.names = names
        self.faults = Faults(settings)
        self.calls = 0
        self._transport = transport
        self.deadline_s = settings.deadline_s  # of each exchange

    def get(self, path: str, query: Mapping[str, str], reference: str) -> Any:
        """Ask; the answer as JSON with every number kept as text.

        Raises:
            Retryable: no answer.
            Rejected: it will not answer until a person acts.
        """
        url = f"{self.settings.base_url}{path}?{urlencode(query, quote_via=quote)}"
        response = self._exchange(Request("GET", url, f"facade {path}", reference))
        if not response.is_success:
            raise self.faults.status_of_read(response.status, path)
        found = _json(response.body)
        if found is None:
            raise self.faults.retryable("the answer is not JSON", path, "Ask again.")
        return found

    def post(self, path: str, body: str, reference: str) -> Any:
        """Send once; the answer as JSON.

        Raises:
            Retryable, Rejected, OutcomeUnknown: as the effects port says.
        """
        request = Request(
            "POST",
            f"{self.settings.base_url}{path}",
            f"facade {path}",
            reference,
            headers={"Content-Type": "application/json"},
            body=body.encode("ascii"),
            is_write=True,
        )
        response = self._exchange(request)
        if response.status in NOT_REACHED | {400, 422}:
            words = redact(response.body.decode("utf-8", "replace"))
            raise Rejected(
                f"the facade answered {response.status}: {words}",
                self.faults.where(path),
                "Correct credentials, path or field map of the connection.",
            )
        found = _json(response.body) if response.is_success else None
        if found is None:
            raise self.faults.unknown(f"the facade answered {response.status}", path)
        return found

    def _exchange(self, request: Request) -> Response:
        self.calls += 1
        settings = self.settings
        limits = Limits(settings.connect_s, self.deadline_s, self.deadline_s)
        headers = {**request.headers, **self._authorization()}
        return self._transport.exchange(replace(request, headers=headers, limits=limits))

    def _authorization(self) -> dict[str, str]:
        settings = self.settings
        if self.names.auth != "basic":
            return {self.names.auth: settings.password}
        pair = f"{settings.operator}:{settings.password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}


class FacadePartner:
    """Satisfies ``effects.ports.Partner`` for one kind, by its part of the field map."""

    def __init__(self, client: FacadeClient, names: KindMap) -> None:
        self._client = client
        self._names = names

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return all that carries the reference, whatever else the facade shows beside it."""
        journal, names = journal_of(effect), self._names.read_back
        values, ours = self._values(journal), _value(journal)
        mine = rows_shown(self._client, names, values, effect.reference)
        return tuple(self._found(row, journal, ours) for row in mine)

    def send(self, effect: Effect) -> Receipt:
        """Post once; see the port for the errors."""
        journal, names = journal_of(effect), self._names.post
        answer = self._client.post(names.path, self.document(journal), effect.reference)
        success = first(answer, names.success).lower()
        if success != "true":
            raise self._refusal(success, answer, names, journal)
        gl_error = first(answer, names.gl_error) if names.gl_error else ""
        key = "/".join(str(number(first(answer, name))) for name in names.their_key)
        return answered(key, gl_error if gl_error.strip("0") else "")

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare total, date, period and each account, as far as the map names them."""
        journal, facts = journal_of(effect), found.facts
        ours = _value(journal)
        differences = [
            *money_difference("total", ours.minor, facts["value"], ours.currency),
            *gl_difference(effect),
        ]
        expected = self._values(journal)
        for name in ("date", "year", "period"):
            if name in facts:
                differences += difference(name, expected[name], facts[name])
        theirs = facts.get("accounts")
        if isinstance(theirs, Mapping):
            accounts: Counter[str] = Counter()
            for line, amount in _lines(journal):
                accounts[line.gl_account] += amount.minor
            for account in sorted(accounts.keys() | theirs.keys()):
                differences += money_difference(
                    f"account {account}", accounts[account], theirs.get(account, 0), ours.currency
                )
        return tuple(differences)

    def document(self, journal: Journal) -> str:
        """Return the JSON to post; zero lines are not sent."""
        names, values = self._names.post, self._values(journal)
        body: dict[str, object] = {
            theirs: self._typed(values, word) for theirs, word in names.document.items()
        }
        body[names.lines_name] = [
            {
                theirs: self._typed(
                    {
                        "gl_account": line.gl_account,
                        "amount": amount,
                        "reference": journal.reference,
                        "narrative": line.text,
                        "date": values["date"],
                    },
                    word,
                )
                for theirs, word in names.line.items()
            }
            for line, amount in _lines(journal)
        ]
        return MARKED.sub(r"\1", json.dumps(body))

    def _values(self, journal: Journal) -> dict[str, object]:
        year, period = self._client.settings.fiscal(journal.posting_date)
        return {
            "company_id": journal.company_id,
            "reference": journal.reference,
            "key": journal.key,
            "date": journal.posting_date.isoformat(),
            "year": year,
            "period": period,
            "narrative": journal.text,
            "currency": journal.base_currency,
            "value": _value(journal),
            "direction": "D" if _value(journal).minor >= 0 else "W",
            **dict(journal.details),
        }

    def _typed(self, values: Mapping[str, object], word: str) -> object:
        value = word[1:] if word.startswith("=") else values[word]
        if isinstance(value, Money):
            text = Amount().write(value, word)
            return text if self._client.names.amounts == "string" else f"{AMOUNT_MARK}{text}"
        return value

    def _refusal(
        self, success: str, answer: Any, names: PostMap, journal: Journal
    ) -> IntegrationError:
        faults, settings = self._client.faults, self._client.settings
        words = redact("; ".join(str(part) for part in dig(answer, names.error)))
        if success != "false" or has_any(words.lower(), settings.duplicate_words):
            return faults.unknown(f"the answer is neither yes nor no ({words})", names.path)
        if is_closed_period(words, settings):
            period = f"{journal.posting_date:%m/%Y}"
            return faults.closed_period(words, names.path, period, BUILT_ANEW)
        return Rejected(
            words or "refused without a reason",
            faults.where(names.path),
            "Correct the mapping or the SYSPRO master data named, then replay it.",
        )

    def _found(self, row: Mapping[str, Any], journal: Journal, ours: Money) -> Found:
        names = self._names.read_back
        value = minor(first(row, names.total), ours.currency)
        facts: dict[str, object] = {
            "value": value,
            "total_minor": total_minor(journal, ours, value),
        }
        if names.date:
            facts["date"] = iso_date(first(row, names.date))
        for name, theirs in (("year", names.year), ("period", names.period)):
            if theirs:
                facts[name] = number(first(row, theirs))
        if names.lines_name:
            accounts: Counter[str] = Counter()
            for line in dig(row, names.lines_name):
                amount = minor(first(line, names.amount), ours.currency)
                accounts[first(line, names.gl_account)] += amount
            facts["accounts"] = dict(accounts)
        key = "/".join(str(number(first(row, name))) for name in names.their_key)
        return Found(key, facts)


class NotOffered:
    """A kind of effect that the facade has no call for."""

    def __init__(self, kind: EffectKind, settings: SysproSettings) -> None:
        self._kind = kind
        self._where = f"connection {settings.conn_id}"
        self._do = "Use a connection whose adapter is enet, or add the kind to the field map."

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Nothing was ever sent this way; of an effect sent another way nothing is known."""
        if effect.sent_at is None:
            return ()
        raise Retryable(f"the facade cannot show a {self._kind.value}", self._where, self._do)

    def send(self, effect: Effect) -> Receipt:
        """Refuse."""
        raise Rejected(f"the facade posts no {self._kind.value}", self._where, self._do)

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Cannot compare what was never found."""
        raise OutcomeUnknown(f"the facade shows no {self._kind.value}", self._where, self._do)


def _value(journal: Journal) -> Money:
    if not journal.is_document:
        return journal.debit_total
    return _split(journal).value


def _lines(journal: Journal) -> list[tuple[JournalLine, Money]]:
    if not journal.is_document:
        return [(line, line.base) for line in journal.lines if line.base.minor]
    return list(_split(journal).lines)


def _split(journal: Journal) -> Split:
    is_funding = journal.kind is JournalKind.funding
    return split(journal, is_original=False, is_credit_document=is_funding)


def _json(body: bytes) -> Any:
    """Return JSON with every number as its text, or ``None``."""
    try:
        return json.loads(body, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None


def dig(tree: Any, path: str) -> list[Any]:
    """Return all values at a dotted path; lists on the way are walked through."""
    found = [tree]
    for name in filter(None, path.split(".")):
        inner = (node.get(name) for node in found if isinstance(node, Mapping))
        found = [part for value in inner for part in _each(value)]
    return found


def _each(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def first(tree: Any, path: str) -> str:
    found = dig(tree, path)
    value = found[0] if found else ""
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def rows_shown(
    client: FacadeClient,
    names: ReadBackMap | CommandReadMap,
    values: Mapping[str, object],
    reference: str,
) -> list[Mapping[str, Any]]:
    """Ask as the map says and return the rows of ours.

    Raises:
        Retryable: the facade did not answer, refused to, or shows rows that nobody can judge.
    """
    query = {theirs: text_of(values, word) for theirs, word in names.query.items()}
    try:
        rows = dig(client.get(names.path, query, reference), names.rows)
    except Rejected as fault:
        raise Retryable(fault.what, fault.where, fault.do) from None
    if not all(isinstance(row, Mapping) for row in rows):
        raise client.faults.retryable("rows are not objects", names.path, "Ask again.")
    wanted = {theirs: text_of(values, word) for theirs, word in names.ours.items()}
    return _rows_of_ours(rows, wanted, client.faults, names.path)


def _rows_of_ours(
    rows: Sequence[Mapping[str, Any]], wanted: Mapping[str, str], faults: Faults, path: str
) -> list[Mapping[str, Any]]:
    """Return the rows that show what is wanted under each of these names.

    Raises:
        Retryable: a row shows none, or none is ours: ours may lie on another page, so nobody can
            say that it is absent.
    """
    for theirs in wanted:
        if not all(first(row, theirs) for row in rows):
            raise faults.retryable(f"a row shows no {theirs}", path, "Correct the field map.")
    mine = [
        row
        for row in rows
        if all(same_key(ours, first(row, name)) for name, ours in wanted.items())
    ]
    if rows and not mine:
        what = "the facade shows only what was not asked for"
        raise faults.retryable(what, path, "Correct the map's query.")
    return mine
