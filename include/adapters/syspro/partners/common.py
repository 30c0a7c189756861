"""What the partners share: asking so that 'could not ask' never reads as 'not there'."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from include.adapters.syspro.documents.comfnd import (
    Condition,
    Find,
    Row,
    find_alike,
    find_all,
    has_room,
)
from include.adapters.syspro.documents.reply import CallFailed, Unreadable, read_amount, read_date
from include.adapters.syspro.enet import EnetClient
from include.adapters.syspro.partners.read_ahead import ReadAhead
from include.adapters.syspro.periods import Periods
from include.adapters.syspro.settings import SysproSettings
from include.domain.canonical import from_json
from include.domain.erp_orders import key_number, same_key
from include.domain.errors import Illegible, Rejected
from include.domain.journal import Journal, JournalLine
from include.domain.money import Money, total
from include.services.effects.ports import Difference, Effect

T = TypeVar("T")
# What may be remembered as absent.
CUSTOMER, ORDER, FORM = "customer", "order", "form"
ORDER_FORM = "ORD"  # of custom forms; inferred, reference section 4.7
_CREDIT_ORDER = "C"  # SorMaster.DocumentType of a credit note, which is kept like an order


class Asking:
    """Reads for partners and for the ERP reader."""

    def __init__(self, client: EnetClient, periods: Periods) -> None:
        self.client = client
        self.periods = periods
        self._absent: tuple[int, set[tuple[str, str]]] = (0, set())
        self._ahead = ReadAhead()

    def note_absent(self, what: str, key: str) -> None:
        """Remember, for the session that is open, that something was asked for and is absent."""
        session = self.client.session_no
        if self._absent[0] != session:
            self._absent = session, set()
        self._absent[1].add((what, key_number(key)))

    def was_absent(self, what: str, key: str) -> bool:
        """Say whether this very session has seen that it is absent."""
        session, seen = self._absent
        return self.client.is_still(session) and (what, key_number(key)) in seen

    def forget_absent(self, what: str, key: str) -> None:
        """Believe it no more: we are about to write it."""
        self._absent[1].discard((what, key_number(key)))

    def find(self, find: Find, reference: str = "") -> tuple[Row, ...]:
        """Ask for one page of rows, unless ``read_ahead`` has them."""
        known = self._ahead.answer(find)
        if known is not None:
            return tuple(known)
        body = self.client.query("COMFND", find.build(), reference)
        return self.read(find.parse, body, f"COMFND {find.table}")

    def find_whole(self, find: Find, cursor: str, reference: str = "") -> Sequence[Row]:
        """Ask for all rows, of which one page, as long as the site's, is mostly enough.

        Where it may have been cut short, they are paged by a column that no condition fixes.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked, or the pages cannot be followed.
        """
        find = replace(find, return_rows=self.client.settings.return_rows)
        rows = self.find(find, reference)
        if has_room(find, len(rows)):
            return rows
        return list(find_alike(lambda page: self.find(page, reference), find, cursor))

    def find_pages(
        self,
        find: Find,
        cursor: str,
        key: Sequence[str],
        reference: str = "",
        *,
        is_confirmed: bool = False,
    ) -> Iterator[Row]:
        """Ask for all rows, page by page; see ``find_all``."""
        return find_all(
            lambda page: self.find(page, reference), find, cursor, key, is_confirmed=is_confirmed
        )

    def read_ahead(
        self, table: str, column: str, keys: Sequence[str], columns: Sequence[str]
    ) -> None:
        """Read the rows of many keys in few questions, for ``find`` to return until it is told.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        wanted, site = list(dict.fromkeys(keys)), self.client.settings
        for start in range(0, len(wanted), site.codes_per_question):
            asked = wanted[start : start + site.codes_per_question]
            find = Find(
                table,
                (),
                tuple(dict.fromkeys(columns)),
                return_rows=site.return_rows,
                any_of=tuple((column, "EQ", one) for one in asked),
            )
            rows = self.find(find)
            if has_room(find, len(rows)):  # else rows of any key may be missing
                self._ahead.keep(find, rows)

    def present(self, table: str, column: str, keys: Sequence[str], width: int) -> set[str]:
        """Return which of many keys have a row, in few questions.

        Numeric keys are stored with zeros to ``width``; 0: as they were given.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        forms, found = {one: stored_keys(one, width) for one in keys}, set[str]()
        longest = max(map(len, forms.values()), default=1)
        size = max(1, self.client.settings.codes_per_question // longest)
        wanted = list(forms)
        while wanted:
            asked, wanted = wanted[:size], wanted[size:]
            conditions = tuple((column, "EQ", form) for one in asked for form in forms[one])
            find = Find(table, (), (column,), any_of=conditions)
            rows = self.find(find)
            there = {key_number(row.get(column.lower(), "")).casefold() for row in rows}
            shown = {one for one in asked if key_number(one).casefold() in there}
            found |= shown
            if shown and not has_room(find, len(rows)):  # the others' rows may have been cut off
                wanted = [one for one in asked if one not in shown] + wanted
        return found

    def forget_ahead(self) -> None:
        """Ask anew from now on."""
        self._ahead = ReadAhead()

    def read(self, parse: Callable[[bytes], T], body: bytes, what: str) -> T:
        """Parse a read's answer; one that cannot be read is asked for again."""
        try:
            return parse(body)
        except (Unreadable, CallFailed) as fault:
            raise self.client.faults.retryable(str(fault), what, "Ask again.") from None

    def parsed_post(self, parse: Callable[[bytes], T], body: bytes, business_object: str) -> T:
        """Parse a post's answer; one that cannot be read leaves the outcome unknown."""
        try:
            return parse(body)
        except (Unreadable, CallFailed) as fault:
            raise self.client.faults.unknown(str(fault), business_object) from None


def journal_of(effect: Effect) -> Journal:
    """Read the payload; a journal of another reference is our own bug."""
    journal = Journal.from_payload(effect.payload)
    if journal.reference != effect.reference:
        raise ValueError(f"effect {effect.key}: reference is not the journal's")
    return journal


def command_of(kind: type[T], effect: Effect) -> T:
    """Read the payload of an effect of order to cash; one that does not fit is our own bug."""
    try:
        return from_json(kind, effect.payload)
    except (KeyError, TypeError) as fault:
        raise ValueError(f"effect {effect.key} is no {kind.__name__}: {fault}") from None


def key_conditions(column: str, key: str, width: int) -> tuple[Condition, ...]:
    """Return the alternatives for a key: numeric ones are stored with zeros, to a site's width."""
    return tuple((column, "EQ", one) for one in stored_keys(key, width))


def stored_keys(key: str, width: int) -> tuple[str, ...]:
    """Return the forms in which a key may be stored, as given first."""
    plain = key.strip()
    return tuple(dict.fromkeys((plain, plain.zfill(width)))) if plain.isdigit() else (plain,)


def with_key(rows: Sequence[Row], column: str, key: str) -> list[Row]:
    """Keep the rows of this very key, whatever SYSPRO made of the question."""
    return [row for row in rows if same_key(key, row.get(column, ""))]


def words_alike(ours: str, theirs: str) -> bool:
    """Compare texts for people: case and runs of blanks are SYSPRO's to choose."""
    return " ".join(ours.split()).casefold() == " ".join(theirs.split()).casefold()


def text_difference(what: str, ours: str, theirs: str) -> tuple[Difference, ...]:
    """Return one difference of words, or none."""
    return () if words_alike(ours, theirs) else (Difference(what, ours, theirs),)


def minor(text: str, currency: str) -> int:
    """Read an amount of theirs, in minor units.

    Raises:
        Illegible: it is no amount; what is there is then not known.
    """
    try:
        return read_amount(text, currency, "SYSPRO read-back").minor
    except Rejected as fault:
        raise Illegible(fault.what, fault.where, "Read the item in SYSPRO by hand.") from None


def iso_currency(settings: SysproSettings, code: str, where: str) -> str:
    """Return the ISO currency of a SYSPRO code on an item of theirs.

    Raises:
        Illegible: its currency is not known.
    """
    try:
        return settings.iso_currency(code, where)
    except Rejected as fault:
        raise Illegible(fault.what, fault.where, fault.do) from None


def iso_date(text: str) -> str:
    """Read a date of theirs as ISO text; one that cannot be read stays as it is."""
    try:
        found = read_date(text, "read-back")
    except Rejected:
        return text
    return found.isoformat() if found else ""


def number(text: str) -> int | str:
    plain = key_number(text)
    return int(plain) if plain.isascii() and plain.isdigit() else plain


def difference(what: str, ours: object, theirs: object) -> tuple[Difference, ...]:
    """Return one difference, or none."""
    return () if ours == theirs else (Difference(what, str(ours), str(theirs)),)


def money_difference(what: str, ours: int, theirs: object, currency: str) -> tuple[Difference, ...]:
    """Return one difference of minor units, shown as money, or none."""
    if ours == theirs:
        return ()
    shown = str(Money(theirs, currency)) if isinstance(theirs, int) else str(theirs)
    return (Difference(what, str(Money(ours, currency)), shown),)


def total_minor(journal: Journal, ours: Money, theirs_minor: int) -> int:
    """Return what a document of ``theirs_minor`` makes of the journal's base debit total.

    A document shows one value, perhaps in another currency and net of credit lines; equal values
    mean an equal total, and a difference is carried over at the journal's rate.
    """
    off = Money(theirs_minor - ours.minor, ours.currency)
    if ours.currency != journal.base_currency:
        off = off.convert(journal.rate_millionths, journal.base_currency)
    return journal.debit_total.minor + off.minor


@dataclass(frozen=True, slots=True)
class Split:
    """A journal seen as a document: its value, and the lines that distribute it."""

    value: Money  # the contra account's side, turned round: positive is what the document is for
    lines: tuple[tuple[JournalLine, Money], ...]  # amounts as the document shows them, no zeros


def split(journal: Journal, *, is_original: bool, is_credit_document: bool) -> Split:
    """Divide a journal into the side that SYSPRO books by itself, and the distribution.

    Args:
        journal: its ``contra_account`` detail names the side that SYSPRO books.
        is_original: in the batch's own currency, else in the company's base currency.
        is_credit_document: the distribution is credited, as with a bank deposit: signs turn.
    """
    contra = journal.detail("contra_account")
    sign = -1 if is_credit_document else 1
    chosen = [(line, line.amount if is_original else line.base) for line in journal.lines]
    theirs = [-amount for line, amount in chosen if line.gl_account == contra]
    if not theirs:
        raise ValueError(f"journal {journal.key} has no line on its contra account {contra!r}")
    currency = chosen[0][1].currency
    value = Money(sign * total(theirs, currency).minor, currency)
    ours = tuple(
        (line, Money(sign * amount.minor, currency))
        for line, amount in chosen
        if line.gl_account != contra and amount.minor
    )
    return Split(value, ours)


def is_order(row: Row) -> bool:
    """Say whether a row of SorMaster is a sales order; a credit note may carry the same PO."""
    return row.get("documenttype", "").upper() != _CREDIT_ORDER
