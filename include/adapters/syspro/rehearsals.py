"""What SYSPRO says to documents that it only validates, and to odd ways of asking.

For commissioning; nothing here writes. Source: reference, sections 2, 4.1 and 4.5; reliability
reference, 3.9.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from include.adapters.syspro.documents import gentjl, sortoi
from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.documents.reply import CallFailed, Unreadable
from include.adapters.syspro.documents.verdict import Answer
from include.adapters.syspro.enet import EnetClient
from include.adapters.syspro.partners.common import Asking
from include.adapters.syspro.partners.journals import JournalPartner
from include.adapters.syspro.partners.order_document import build, parameters
from include.adapters.syspro.periods import Periods
from include.adapters.syspro.settings import SysproSettings
from include.domain.erp_orders import AddSalesOrder
from include.domain.errors import IntegrationError, Parked, Retryable
from include.domain.journal import Journal
from include.services.effects.store import Lease

_NOBODYS = Find("SorMaster", (("CustomerPoNumber", "EQ", "TIEOUT-TEST"),), ("SalesOrder",))
_ESCAPED_BLANK = 3  # characters of %20
_REFERENCE = "commissioning"
_ROOM = 100  # characters above the length that is tried


class Rehearsals:
    """Of one company, by e.net.

    Args:
        settings: the connection.
        client_of: makes a client that takes its turn at the operator.
        stranger_of: makes one that does not, as if somebody else logged on.
    """

    def __init__(
        self,
        settings: SysproSettings,
        client_of: Callable[[SysproSettings], EnetClient],
        stranger_of: Callable[[SysproSettings], EnetClient],
    ) -> None:
        self._settings = settings
        self._client_of = client_of
        self._stranger_of = stranger_of

    def refusal_of_order(self, order: AddSalesOrder) -> str:
        """Return why SYSPRO would not take a sales order; '' is that it would.

        Raises:
            Retryable, Rejected: it could not be asked.
            OutcomeUnknown: an answer that is neither yes nor no; no order was made.
        """
        client = self._client_of(self._settings)
        asked = parameters(order, self._settings, validates=True)
        body = client.rehearse("SORTOI", asked, build(order, self._settings, _REFERENCE))
        try:
            verdict = sortoi.parse(body).verdict
        except (CallFailed, Unreadable) as fault:
            raise client.faults.unknown(str(fault), "SORTOI") from None
        if verdict.answer is Answer.taken:
            return ""
        return client.faults.of_verdict(verdict, "SORTOI", "").what

    def refusal_of_journal(self, journal: Journal) -> tuple[str, bool]:
        """Return why SYSPRO would not post a journal, and whether we know that for its period.

        Returns:
            '' and no: SYSPRO has nothing against it.

        Raises:
            Retryable, Rejected: it could not be asked.
        """
        client = self._client_of(self._settings)
        periods = Periods(client)
        partner = JournalPartner(Asking(client, periods))
        period = periods.words(journal.posting_date)
        fault: IntegrationError | None = None
        with client.session():
            client.query("COMFND", _NOBODYS.build(), _REFERENCE)  # whom nobody can ask says nothing
            try:
                asked = partner.parameters(validates=True)
                body = client.rehearse("GENTJL", asked, partner.document(journal), period)
                verdict = gentjl.parse(body).verdict
            except (CallFailed, Unreadable) as found:
                fault = client.faults.unknown(str(found), "GENTJL")
            except Retryable:
                raise
            except IntegrationError as found:
                fault = found
            else:
                if verdict.problems:
                    fault = client.faults.of_verdict(verdict, "GENTJL", period)
        return ("", False) if fault is None else (fault.what, isinstance(fault, Parked))

    def takes_address(self, length: int) -> tuple[int, str]:
        """Ask a question whose address has about so many characters, filled up with blanks.

        Returns:
            The characters of the address, and why it was refused; '' is that it was answered.
        """
        client = self._client_of(replace(self._settings, url_limit=length + _ROOM))
        question = _NOBODYS.build()
        with client.session():
            missing = length - client.address_length(question)
            question += " " * max(0, missing // _ESCAPED_BLANK)
            sent = client.address_length(question)
            try:
                client.query("COMFND", question, _REFERENCE)
            except IntegrationError as fault:
                return sent, fault.what
        return sent, ""

    def second_logon(self) -> tuple[str, str]:
        """Log on a second time with the same operator, while the first session is open.

        Returns:
            ``lives`` or ``ended``: what became of the first; or ``kept`` and the words by which the
            second was refused.

        Raises:
            Retryable, Rejected: the first could not be opened.
        """
        first = self._client_of(self._settings)
        question = _NOBODYS.build()
        with first.session():
            first.query("COMFND", question, _REFERENCE)
            try:
                with (stranger := self._stranger_of(self._settings)).session():
                    stranger.query("COMFND", question, _REFERENCE)
            except IntegrationError as fault:
                return "kept", fault.what
            session_no = first.session_no
            first.query("COMFND", question, _REFERENCE)  # logs on anew if it has to
            return ("lives" if first.session_no == session_no else "ended"), ""


class NoTurns:
    """Leases of one who waits for nobody; satisfies ``effects.store.Leases``."""

    def acquire(self, name: str, holder: str, duration: timedelta) -> Lease | None:
        return Lease(name, holder, 0, datetime.now(UTC) + duration)

    def renew(self, lease: Lease, duration: timedelta) -> datetime:
        return datetime.now(UTC)

    def release(self, lease: Lease) -> None:
        """Nobody waits for it."""
