"""The e.net REST service: paths, sessions, licences, and bytes as they leave the wire.

Every answer is HTTP 200 with ``application/octet-stream``, errors too. Parameters travel in the
query string, so nothing here logs a target. Source: SYSPRO reference, sections 1 and 2.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from xml.etree.ElementTree import Element

from include.sandbox.ledger import Ledger
from include.sandbox.ports import World
from include.sandbox.server import App, Request, Response, Router
from include.sandbox.syspro import documents, messages
from include.sandbox.syspro.books import NAMES, Books, open_books
from include.sandbox.syspro.clerk import Clerk
from include.sandbox.syspro.documents import CallFailed, Node, field, nodes, root_node
from include.sandbox.syspro.facade import Facade
from include.sandbox.syspro.objects import QUERIES, SETUPS, TRANSACTIONS
from include.sandbox.syspro.posting import Call, Options
from include.sandbox.syspro.queries import Question
from include.sandbox.syspro.sessions import Session, Sessions, demo_operators

BASE = r"/SYSPROWCFService/Rest"
VERSION_TEXT = "8.0.0.6"  # of the service, not of SYSPRO
SERVICE = "{http://SYSPROWcfService}"

# Switches of ``POST /control/syspro`` for the order objects: the option, and what it may be.
SWITCHES: dict[str, tuple[str, tuple[object, ...]]] = {
    "journals_unposted": ("leaves_journals_unposted", (True, False)),
    "order_number_shown": ("is_order_number_shown", (True, False)),
    "sortoi_refusal": ("sortoi_refusal", ("document", "empty_number")),
    "duplicate_po": ("duplicate_po", ("", "reject", "warn")),
    "customer_auto_number": ("is_customer_auto_numbered", (True, False)),
    "line_tax_changeable": ("is_line_tax_changeable", (True, False)),
    "order_tax_changeable": ("is_order_tax_changeable", (True, False)),
    "payment_rate_taken": ("is_payment_rate_taken", (True, False)),
    "unapplied_document_type": ("unapplied_document_type", ("C", "D", "I")),
}


class SysproApp(App):
    """Companies A, B and J behind one service."""

    system = "syspro"
    server_header = "Microsoft-HTTPAPI/2.0"
    max_target_bytes = 16384  # http.sys refuses longer request lines; the service's own is unknown

    def __init__(
        self,
        world: World,
        ledger: Ledger,
        open_from: tuple[int, int] | None = None,
        live_date: date | None = None,
    ) -> None:
        """``live_date`` is the company date; the world's last day unless one is given."""
        super().__init__()
        self._world, self._ledger, self._open_from = world, ledger, open_from
        self._live_date = live_date
        self.sessions = Sessions(demo_operators())
        self.options = Options()
        self._books: dict[str, Books] = {}
        self._opening = threading.Lock()
        self._accepted = threading.local()  # the session of a call that is executed late
        self.clerk = Clerk(self)
        self.router = self._routes()

    def books(self, company: str) -> Books:
        """Return a company's books, opened when first asked for."""
        with self._opening:
            if company not in self._books:
                self._books[company] = open_books(
                    self._world, company, self._open_from, self._live_date
                )
            return self._books[company]

    def reset(self) -> None:
        with self._opening:
            self._books.clear()
        self.sessions = Sessions(demo_operators())
        self.options = Options()
        self.clerk = Clerk(self)

    def label(self, request: Request) -> str:
        """Path, business object, and its table or order action: more would match by accident."""
        name, document = request.param("BusinessObject"), request.param("XmlIn")
        if request.body:
            root = _posted(request)
            name = root.get("BusinessObject", "") if root else name
            document = root.get("XmlIn", "") if root else document
        tag = "<OrderActionType>" if name.upper() == "SORTOI" else "<TableName>"
        detail = document.partition(tag)[2].partition("<")[0].strip()
        return f"{request.method} {request.path} {name} {detail}".rstrip()

    def handle(self, request: Request) -> Response:
        response = self.router.dispatch(request)
        if response.status in (404, 405) and not request.path.casefold().startswith("/api"):
            return _text(messages.UNKNOWN_VERB)
        return response

    def begin(self, request: Request) -> Callable[[], Response]:
        """Check the session now; the work goes on even if the operator logs off meanwhile."""
        user = request.param("UserId") or _posted(request).get("UserId", "")
        try:
            session = self.sessions.touch(user)
        except CallFailed:
            return lambda: self.handle(request)

        sessions = self.sessions

        def work() -> Response:
            if self.sessions is not sessions:  # reset meanwhile: nothing of before may come in
                return _text(messages.NOT_LOGGED_IN)
            self._accepted.session = session
            try:
                return self.handle(request)
            finally:
                del self._accepted.session

        return work

    def _session(self, user: str) -> Session:
        accepted = getattr(self._accepted, "session", None)
        return accepted if isinstance(accepted, Session) else self.sessions.touch(user)

    def lose_session(self, request: Request) -> None:
        session = request.param("UserId") or _posted(request).get("UserId", "")
        self.sessions.evict(session_id=session.strip())

    def error_text(self, text: str) -> Response:
        return _text(f"ERROR: {text}")

    def control(self, action: str, facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Do ``periods``, ``syspro`` and ``clerk``; see the module ``control`` for the calls."""
        if action == "periods":
            return self._switch_period(facts)
        if action == "syspro":
            return self._set_options(facts)
        return self.clerk.act(facts) if action == "clerk" else None

    def _switch_period(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        company, state = str(facts.get("company", "")), facts.get("state")
        if company not in NAMES or state not in ("open", "closed"):
            raise ValueError(f"company must be one of {', '.join(NAMES)}, state open or closed")
        year, period = int(facts["year"]), int(facts["period"])
        self.books(company).periods.switch(year, period, is_open=state == "open")
        return {"company": company, "year": year, "period": period, "state": state}

    def _set_options(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        setters: dict[str, Callable[[Any], None]] = {
            **{name: self._setter(name) for name in SWITCHES},
            "unlicensed": lambda v: setattr(self.options, "unlicensed", set(v)),
            "gl_journal_error": lambda v: setattr(self.options, "gl_journal_error", dict(v)),
            "authorization_required": lambda v: setattr(
                self.options, "is_authorization_required", bool(v)
            ),
            "idle_timeout_s": lambda v: setattr(self.sessions, "idle_timeout_s", float(v)),
            "fiscal_year_start": lambda v: self._set_periods("fiscal_start", int(v)),
            "ledger_behind": lambda v: self._set_periods("ledger_behind", int(v)),
            "plain_row_versions": self._set_row_versions,
            "module_periods_hidden": lambda v: self._set_periods("is_hidden", int(v)),
            "lists_as_of_alone": lambda v: self._set_periods("lists_as_of_alone", int(v)),
            "logon_refusal": lambda v: setattr(self.sessions, "refusal", str(v)),
            "seats": lambda v: setattr(self.sessions, "seats", int(v)),
            "advance_s": lambda v: self.sessions.advance(float(v)),
            "evict": lambda v: _discard(self.sessions.evict(operator=str(v))),
        }
        unknown = set(facts) - set(setters)
        if unknown:
            raise ValueError(f"unknown {', '.join(sorted(unknown))}; known: {', '.join(setters)}")
        for name, value in facts.items():
            setters[name](value)
        return {"sessions": len(self.sessions.live())}

    def _set_periods(self, name: str, value: int) -> None:
        for company in NAMES:
            setattr(self.books(company).periods, name, value)

    def _set_row_versions(self, value: Any) -> None:
        for company in NAMES:
            self.books(company).tables.has_plain_stamps = bool(value)

    def _setter(self, name: str) -> Callable[[Any], None]:
        attribute, allowed = SWITCHES[name]

        def switch(value: Any) -> None:
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}")
            setattr(self.options, attribute, value)

        return switch

    def _routes(self) -> Router:
        router = Router(is_case_sensitive=False)
        verbs: dict[str, Callable[[Request], Response]] = {
            "GetVersion": lambda request: _text(VERSION_TEXT),
            "GetServiceName": lambda request: _text("SYSPRO 8 e.net Communications Service"),
            "Logon": self._log_on,
            "Logoff": self._log_off,
            "GetLogonProfile": self._profile,
            "Query/QueryW?": self._query,
            "Transaction/PostW?": self._post,
        }
        for verb, handler in verbs.items():
            router.add("GET", f"{BASE}/{verb}", _guarded(handler))
        for function in ("Add", "Update", "Delete"):
            router.add("GET", f"{BASE}/Setup/{function}W?", _guarded(self._setup(function)))
        router.add("POST", f"{BASE}/Transaction/PostLD", _guarded(self._post_large))
        Facade(self).add_routes(router)
        return router

    def _log_on(self, request: Request) -> Response:
        must_fail = False
        if request.param("XmlIn"):
            options = documents.parse(request.param("XmlIn"))
            must_fail = field(options, "FailWhenAlreadyLoggedIn", "N") == "Y"
        session = self.sessions.log_on(
            request.param("Operator"),
            request.param("OperatorPassword"),
            request.param("CompanyId"),
            request.param("CompanyPassword"),
            must_fail=must_fail,
        )
        return _text(session + "  ")

    def _log_off(self, request: Request) -> Response:
        self.sessions.log_off(request.param("UserId"))
        return _text("0")

    def _profile(self, request: Request) -> Response:
        session = self.sessions.touch(request.param("UserId"))
        books = self.books(session.company)
        facts: tuple[tuple[str, object], ...] = (
            ("CompanyName", NAMES[session.company]),
            ("CompanyId", session.company),
            ("OperatorCode", session.operator),
            ("OperatorGroup", "INTEG"),
            ("AccountingDate", books.today),
            ("CompanyDate", books.today),
            ("DefaultBank", ""),
            ("DefaultWarehouse", ""),
            ("DefaultArBranch", ""),
            ("LocalCurrencyCode", books.base_currency),
            ("DecimalFormat", "1"),
            ("DateFormat", "01"),
            ("DatabaseType", "SQL"),
            ("SysproVersion", "8.0"),
            ("EnetVersion", VERSION_TEXT),
        )
        return _document(root_node("UserProfile", "8.0.010", nodes(facts)))

    def _query(self, request: Request) -> Response:
        session = self._session(request.param("UserId"))
        name = self._licensed(request.param("BusinessObject"), QUERIES)
        question = Question(
            self.books(session.company),
            session.operator,
            documents.parse(request.param("XmlIn")),
            self.sessions.live(),
        )
        return _document(QUERIES[name](question))

    def _post(self, request: Request) -> Response:
        names = ("UserId", "BusinessObject", "XmlParameters", "XmlIn")
        return self._transact({name: request.param(name) for name in names})

    def _setup(self, function: str) -> Callable[[Request], Response]:
        names = ("UserId", "BusinessObject", "XmlParameters", "XmlIn")
        return lambda request: self._transact({n: request.param(n) for n in names}, function)

    def _post_large(self, request: Request) -> Response:
        return self._transact(_posted(request))

    def _transact(self, given: Mapping[str, str], function: str = "") -> Response:
        session = self._session(given.get("UserId", ""))
        known = SETUPS if function else TRANSACTIONS
        name = self._licensed(given.get("BusinessObject", ""), known)
        parameters = given.get("XmlParameters", "")
        return _document(
            self.transact(
                session,
                name,
                documents.parse(parameters) if parameters.strip() else None,
                documents.parse(given.get("XmlIn", "")),
                given.get("XmlIn", ""),
                function,
            )
        )

    def transact(
        self,
        session: Session,
        name: str,
        parameters: Element | None,
        document: Element,
        content: str,
        function: str = "",
    ) -> Node:
        """Execute a transaction or setup object; the ledger gets a row for each item."""
        company = session.company
        return self.transact_as(
            session.operator, company, name, parameters, document, content, function
        )

    def transact_as(
        self,
        operator: str,
        company: str,
        name: str,
        parameters: Element | None,
        document: Element,
        content: str,
        function: str = "",
    ) -> Node:
        """Execute an object for an operator who needs no session: a person at the screen."""

        def record(verb: str, reference: str, *, committed: bool, **facts: Any) -> None:
            facts["operator"] = operator
            self.record(verb, reference, content, committed=committed, **facts)

        books = self.books(company)
        call = Call(books, self.options, operator, parameters, document, record, function)
        reply = (SETUPS if function else TRANSACTIONS)[name](call)
        self.clerk.notice(company, call.opened)
        return reply

    def record(
        self, verb: str, reference: str, content: str = "", *, committed: bool, **facts: Any
    ) -> None:
        """Write one execution into the truth ledger."""
        self._ledger.record(self.system, verb, reference, content, committed=committed, **facts)

    def _licensed(self, name: str, known: Mapping[str, object]) -> str:
        found = name.strip().upper()
        if found in self.options.unlicensed or found not in known:
            raise CallFailed(messages.UNLICENSED.format(found))
        return found


def _guarded(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Turn a failed call into its ``ERROR`` text: HTTP 200, as always."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except CallFailed as failure:
            return _text(str(failure))

    return answer


def _posted(request: Request) -> dict[str, str]:
    """Read a ``TransactionPostLD`` body; elements with or without the service's namespace."""
    try:
        root = documents.parse(documents.decode(request.body))
    except CallFailed:
        return {}
    return {child.tag.removeprefix(SERVICE): child.text or "" for child in root}


def _text(text: str) -> Response:
    return Response(200, text.encode("cp1252", "replace"))


def _document(root: Node) -> Response:
    return Response(200, documents.render(root))


def _discard(_: object) -> None:
    """Let a setter drop what its call returns."""
