"""The e.net REST client: logon, query, post, logoff.

SYSPRO takes nearly everything by GET with the XML in the query string, so no layer may repeat a
call or log an address (reliability reference, F1 and F13); the transport below does neither. One
client belongs to one thread.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

import structlog

from include.adapters.http.wire import Limits, Request, Response, Transport
from include.adapters.syspro.documents import comlgn
from include.adapters.syspro.documents.reply import CallFailed, Unreadable, read_text, unwrap
from include.adapters.syspro.faults import Faults, SessionGone
from include.adapters.syspro.operator_lease import OperatorLease
from include.adapters.syspro.settings import SysproSettings
from include.domain.errors import IntegrationError, Rejected
from include.services.effects.store import Leases

log = structlog.get_logger(__name__)

_SESSION_ID = re.compile(r"[0-9A-Za-z{}-]{8,64} *")  # 34 characters and two blanks, as recorded
_VALIDATES = ("<ValidateOnly>Y</ValidateOnly>", "<Process>VALIDATE</Process>")


class EnetClient:
    """Talks to one SYSPRO company as one operator.

    Args:
        settings: the connection.
        transport: the product's HTTP client; retries and redirects are off in it.
        leases: keeps one session per operator across processes.
        holder: this process, for the lease.
        mask: told every session id, so that logs can hide it.
        sleep: waits for the operator to become free.
    """

    def __init__(
        self,
        settings: SysproSettings,
        transport: Transport,
        leases: Leases,
        holder: str,
        mask: Callable[[str], None] = lambda secret: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self.faults = Faults(settings)
        self.calls = 0  # made so far, logon and logoff counted
        self.session_no = 0  # grows with every logon; what is remembered lives as long
        self._transport = transport
        self._mask = mask
        self._operator = OperatorLease(self.faults, leases, holder, sleep)
        self._session_id = ""
        self._depth = 0
        self._lends = False
        self._deadline_s = settings.deadline_s

    @contextmanager
    def session(self, deadline_s: float = 0.0) -> Iterator[None]:
        """Hold the operator for several calls; logon comes with the first, logoff at the end.

        Nested uses share the outer session.

        Args:
            deadline_s: of each exchange inside; 0 is that of the session around, or of the
                connection.

        Raises:
            Retryable: another process of ours keeps the operator.
        """
        if self._depth == 0:
            self._operator.acquire()
        elif self._depth == 1 and self._lends and self._operator.is_due_to_another():
            self._log_off()
            self._operator.take_another()
        self._depth += 1
        outer, self._deadline_s = self._deadline_s, deadline_s or self._deadline_s
        try:
            yield
        finally:
            self._depth -= 1
            self._deadline_s = outer
            if self._depth == 0:
                try:
                    self._log_off()
                finally:
                    self._operator.give_back()

    @contextmanager
    def turns(self) -> Iterator[None]:
        """Hold the operator for many things that need not be in one session, with few logons.

        Each thing is a ``session`` inside. Before one begins, whoever waits has a turn if the
        operator was held for ten seconds: a night takes hours, and a checkout waits two minutes.

        Raises:
            Retryable: another process of ours keeps the operator; so may each thing, too.
        """
        with self.session():
            outer, self._lends = self._lends, True
            try:
                yield
            finally:
                self._lends = outer

    def is_still(self, session_no: int) -> bool:
        """Say whether the logon of this number is held, and later calls will use it."""
        return self._depth > 0 and bool(self._session_id) and session_no == self.session_no

    def query(self, business_object: str, xml_in: str, reference: str = "") -> bytes:
        """Ask ``Query/Query``; a lost session is opened again, once.

        Raises:
            Retryable: no answer; asking again is always allowed.
            Rejected: it will not answer until a person acts (wrong password, licence).
        """
        with self.session():
            for _ in range(2):
                try:
                    return self._query(business_object, xml_in, reference)
                except SessionGone as fault:
                    self._session_id, text = "", str(fault)
            raise self.faults.retryable(
                f"the session was lost twice: {text}",
                business_object,
                "See who else logs on with this operator; it must be ours alone.",
            )

    def post(
        self,
        business_object: str,
        parameters: str,
        xml_in: str,
        reference: str,
        period: str = "",
    ) -> bytes:
        """Send ``Transaction/Post`` once, by ``PostLD`` where the address would be too long.

        Args:
            business_object: e.g. GENTJL.
            parameters: XmlParameters.
            xml_in: the document.
            reference: what is planted in it, for the log.
            period: the posting period in words, for the message when it is closed.

        Returns:
            The answer, which is not an ``ERROR`` text; whether it says yes is the caller's.

        Raises:
            Retryable: nothing was sent.
            Parked: refused, since the posting period is closed.
            Rejected: nothing happened, and a person must act.
            OutcomeUnknown: anything else, a lost session too: it may have been lost after the post.
        """
        with self.session():
            request = self._post_request(business_object, parameters, xml_in, reference)
            return self._write(request, business_object, period)

    def rehearse(
        self, business_object: str, parameters: str, xml_in: str, period: str = ""
    ) -> bytes:
        """Send as ``post`` does what SYSPRO is told to validate alone: it writes nothing.

        So there is nothing to record, and no effects engine around it. Errors as of ``post``, but
        for one without an answer: that is ``Retryable``.
        """
        if not any(told in parameters for told in _VALIDATES):
            raise ValueError(f"a rehearsal of {business_object} would write")
        with self.session():
            request = self._post_request(business_object, parameters, xml_in, "commissioning")
            return self._write(replace(request, is_write=False), business_object, period)

    def set_up(
        self,
        verb: str,
        business_object: str,
        parameters: str,
        xml_in: str,
        reference: str,
    ) -> bytes:
        """Send ``Setup/Add`` or ``Setup/Update`` once; errors as of ``post``."""
        with self.session():
            fields = self._document_fields(business_object, parameters, xml_in)
            url = self._url(f"Setup/{verb}", fields)
            if len(url) > self.settings.url_limit:
                raise self._too_long(url, business_object, "url_limit")
            what = f"SYSPRO {verb.lower()} {business_object}"
            request = Request("GET", url, what, reference, is_write=True)
            return self._write(request, business_object, "")

    def address_length(self, xml_in: str) -> int:
        """Return the characters of a COMFND question's address, the session id counted."""
        with self.session():
            return len(self._question("COMFND", xml_in, self._logged_on(is_read=True)))

    def check(self) -> str:
        """Log on and off, and say so in words; the errors say what to correct."""
        with self.session():
            self._logged_on()
        company = self.settings.company_id
        return f"Logged on to company {company} as {self.settings.operator}, and off again."

    def _query(self, business_object: str, xml_in: str, reference: str) -> bytes:
        url = self._question(business_object, xml_in, self._logged_on(is_read=True))
        if len(url) > self.settings.url_limit > 0:
            raise Rejected(
                f"a question of {len(url)} characters exceeds the address limit",
                self.faults.where(business_object),
                f"Raise url_limit of connection {self.settings.conn_id} if the server takes more.",
            )
        request = Request("GET", url, f"SYSPRO query {business_object}", reference)
        response = self._exchange(request)
        if response.status != 200:
            raise self.faults.status_of_read(response.status, business_object)
        fault = complaint(response.body)
        if isinstance(fault, Unreadable):
            raise self.faults.retryable(str(fault), business_object, "Ask again.")
        if fault is not None:
            raise self.faults.failed_query(self._clean(fault), business_object)
        return response.body

    def _question(self, business_object: str, xml_in: str, user: str) -> str:
        fields = {"UserId": user, "BusinessObject": business_object, "XmlIn": xml_in}
        return self._url("Query/Query", fields)

    def _write(self, request: Request, business_object: str, period: str) -> bytes:
        response = self._exchange(request)
        if response.status != 200:
            raise self.faults.status_of_post(response.status, business_object)
        fault = complaint(response.body)
        if isinstance(fault, Unreadable):
            raise self.faults.unknown(str(fault), business_object)
        if fault is not None:
            text = self._clean(fault)
            # Whatever it was, the next call starts on a fresh session; one that is left open keeps
            # a seat, and keeps ourselves out where a logon throws nobody out.
            self._log_off()
            raise self.faults.failed_post(text, business_object, period)
        return response.body

    def _post_request(
        self, business_object: str, parameters: str, xml_in: str, reference: str
    ) -> Request:
        fields = self._document_fields(business_object, parameters, xml_in)
        what, url = f"SYSPRO post {business_object}", self._url("Transaction/Post", fields)
        if len(url) <= self.settings.url_limit:
            return Request("GET", url, what, reference, is_write=True)
        if not self.settings.post_large_documents:
            raise self._too_long(url, business_object, "post_large_documents")
        return Request(
            "POST",
            self._url("Transaction/PostLD", {}),
            what,
            reference,
            headers={"Content-Type": "application/xml"},
            body=large_document(fields),
            is_write=True,
        )

    def _document_fields(
        self, business_object: str, parameters: str, xml_in: str
    ) -> dict[str, str]:
        return {
            "UserId": self._logged_on(),
            "BusinessObject": business_object,
            "XmlParameters": parameters,
            "XmlIn": xml_in,
        }

    def _too_long(self, url: str, business_object: str, setting: str) -> Rejected:
        return Rejected(
            f"the document makes an address of {len(url)} characters; "
            f"{self.settings.url_limit} are allowed",
            self.faults.where(business_object),
            f"Set {setting} in connection {self.settings.conn_id}.",
        )

    def _logged_on(self, *, is_read: bool = False) -> str:
        """Return the session id, logging on if need be; nothing has been posted so far."""
        self._keep_turn(trusts_fresh=is_read)
        if not self._session_id:
            self._log_on()
            self._keep_turn(trusts_fresh=True)  # a slow logon uses up what the next call needs
        return self._session_id

    def _keep_turn(self, *, trusts_fresh: bool) -> None:
        if not self._operator.renew(trusts_fresh=trusts_fresh):
            self._session_id = ""  # whoever has the operator now has thrown it out
            raise self.faults.retryable(
                "another process took the operator over", "Logon", "It is tried again."
            )

    def _log_on(self) -> None:
        request = Request("GET", self._url("Logon", self._credentials()), "SYSPRO logon")
        response = self._exchange(request)
        if response.status != 200:
            raise self.faults.status_of_read(response.status, "Logon")
        fault = complaint(response.body)
        if isinstance(fault, Unreadable):
            raise self.faults.retryable(str(fault), "Logon", "Try again.")
        if fault is not None:
            raise self.faults.failed_logon(self._clean(fault))
        text = read_text(response.body)
        if _SESSION_ID.fullmatch(text) is None:
            raise self.faults.retryable(
                "the answer is neither a session nor an ERROR", "Logon", "Check the host."
            )
        self._mask(text.strip())
        self._session_id = text.strip() if self.settings.trim_session else text
        self.session_no += 1

    def _credentials(self) -> dict[str, str]:
        settings = self.settings
        fields = {
            "Operator": settings.operator,
            "OperatorPassword": settings.password,
            "CompanyId": settings.company_id,
            "CompanyPassword": settings.company_password,
        }
        if settings.language:
            fields["LanguageCode"] = settings.language
        if settings.refuse_eviction:
            fields["XmlIn"] = comlgn.build(is_eviction_refused=True)
        return fields

    def _log_off(self) -> None:
        """End the session; a failing logoff must not turn a posted journal into an error."""
        user = self._session_id
        if not user:
            return
        text = ""
        try:
            url = self._url("Logoff", {"UserId": user})
            text = read_text(self._exchange(Request("GET", url, "SYSPRO logoff")).body).strip()
        except (IntegrationError, CallFailed, Unreadable) as fault:
            text = self._clean(fault)
        if text != "0":
            log.warning("syspro_logoff_failed", conn_id=self.settings.conn_id, text=text[:200])
        self._session_id = ""

    def _exchange(self, request: Request) -> Response:
        self.calls += 1
        limits = Limits(
            connect_s=self.settings.connect_s,
            stall_s=self._deadline_s,
            deadline_s=self._deadline_s,
        )
        return self._transport.exchange(replace(request, limits=limits))

    def _url(self, path: str, fields: Mapping[str, str]) -> str:
        query = urlencode(fields, quote_via=quote, safe="")
        return f"{self.settings.base_url}/Rest/{path}" + (f"?{query}" if query else "")

    def _clean(self, fault: Exception) -> str:
        return self.faults.clean(str(fault), self._session_id)


def complaint(body: bytes) -> CallFailed | Unreadable | None:
    """Return what is wrong with an answer before it is read as a document.

    It is returned, not raised: their text may repeat a password, and an error raised while it is
    being handled would carry it on as its context.
    """
    try:
        unwrap(body)
    except (CallFailed, Unreadable) as fault:
        return fault
    return None


def large_document(fields: Mapping[str, str]) -> bytes:
    """Return the body of ``PostLD``: one element, the documents as CDATA.

    Source: reference, section 1.2 (one public client). Our documents are ASCII and escape ``>``, so
    they cannot end a CDATA section; the check guards that.
    """
    parts = []
    for name, value in fields.items():
        is_document = name.startswith("Xml")
        if is_document and "]]>" in value:
            raise ValueError(f"{name} would end its CDATA section")
        text = f"<![CDATA[{value}]]>" if is_document else escape(value)
        parts.append(f"<{name}>{text}</{name}>")
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<TransactionPostLD xmlns="http://SYSPROWcfService">{"".join(parts)}</TransactionPostLD>'
    ).encode("ascii")
