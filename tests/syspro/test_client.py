"""The e.net client against a server that counts what it executes."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from include.adapters.syspro.enet import EnetClient
from include.domain.errors import IntegrationError, OutcomeUnknown, Parked, Rejected, Retryable

PASSWORD = "p@ss word/1"
SESSION = "0123456789ABCDEF0123456789ABCDEF07"
OK = b"<postgljournal/>"
EMPTY = b"<T><RowsReturned>0</RowsReturned></T>"
LOST = b"ERROR: Invalid user id; the operator is not logged in"


def post(client: EnetClient, document: str = "<PostGlJournal/>") -> bytes:
    return client.post("GENTJL", "<P/>", document, "TO1", "10/2026")


def drop(wire: Any) -> None:
    wire.close_connection = True
    wire.connection.close()


def half(wire: Any) -> None:
    wire.reply(b"<postgljournal>", length=500)
    wire.close_connection = True


def slow(wire: Any) -> None:
    time.sleep(4)
    wire.reply(OK)


def status(code: int) -> Callable[[Any], None]:
    return lambda wire: wire.reply(b"<html>no</html>", status=code)


def redirect(wire: Any) -> None:
    wire.send_response(302)
    wire.send_header("Location", "/SYSPROWCFService/Rest/Transaction/Post?again=1")
    wire.send_header("Content-Length", "0")
    wire.end_headers()


def test_several_calls_share_one_logon_and_the_session_is_left(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    fake.on("query COMFND", EMPTY)
    fake.on("post GENTJL", OK)
    client = make_client()
    with client.session():
        client.query("COMFND", "<Query/>")
        post(client)
        client.query("COMFND", "<Query/>")
    assert fake.verbs() == ["logon", "query COMFND", "post GENTJL", "query COMFND", "logoff"]
    assert client.calls == 5


def test_the_session_id_goes_back_with_its_two_blanks_as_received(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    fake.on("query COMFND", EMPTY)
    make_client().query("COMFND", "<Query/>")
    assert fake.calls[1].fields["UserId"] == f"{SESSION}  "
    assert fake.calls[2].fields["UserId"] == f"{SESSION}  "


def test_a_setting_trims_the_session_id(fake: Any, make_client: Callable[..., EnetClient]) -> None:
    fake.on("query COMFND", EMPTY)
    make_client(trim_session=True).query("COMFND", "<Query/>")
    assert fake.calls[1].fields["UserId"] == SESSION


def test_logon_sends_company_language_and_on_request_the_refusal_to_evict(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    make_client(language="ENGLISH_US", refuse_eviction=True, company_password="c/1").check()
    fields = fake.calls[0].fields
    assert fields["CompanyId"] == "A"
    assert fields["CompanyPassword"] == "c/1"
    assert fields["OperatorPassword"] == PASSWORD
    assert fields["LanguageCode"] == "ENGLISH_US"
    assert "<FailWhenAlreadyLoggedIn>Y</FailWhenAlreadyLoggedIn>" in fields["XmlIn"]


def test_documents_travel_unharmed_in_the_address(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    fake.on("post GENTJL", OK)
    document = "<a>50% &amp; more + caf&#233; / ? #</a>"
    post(make_client(), document)
    assert fake.calls[1].fields["XmlIn"] == document
    assert fake.calls[1].path == "/SYSPROWCFService/Rest/Transaction/Post"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (drop, OutcomeUnknown),
        (half, OutcomeUnknown),
        (slow, OutcomeUnknown),
        (redirect, OutcomeUnknown),
        (status(400), OutcomeUnknown),
        (status(429), OutcomeUnknown),
        (status(500), OutcomeUnknown),
        (status(502), OutcomeUnknown),
        (status(503), OutcomeUnknown),
        (b"", OutcomeUnknown),
        (b"<html>Sign in</html>", OutcomeUnknown),
        (b"ERROR: Something nobody has documented", OutcomeUnknown),
        (LOST, OutcomeUnknown),
        (status(404), Rejected),
        (status(414), Rejected),
        (b"ERROR: e.net exception 100000", OutcomeUnknown),
        (b"ERROR: GENTJL is not licensed", Rejected),
        (b"ERROR: Posting period 10 is closed", Parked),
    ],
    ids=[
        "dropped", "half", "slow", "redirect", "400", "429", "500", "502", "503", "empty", "html",
        "unknown text", "session lost", "404", "414", "any exception", "licence", "closed period",
    ],
)  # fmt: skip
def test_a_post_is_executed_once_whatever_happens(
    fake: Any, make_client: Callable[..., EnetClient], fault: Any, error: type[IntegrationError]
) -> None:
    fake.on("post GENTJL", fault)
    with pytest.raises(error) as caught:
        post(make_client(deadline_s=2, connect_s=2))
    assert type(caught.value) is error
    assert fake.count("post") == 1
    assert fake.verbs()[-1] == "logoff"


def test_a_closed_period_is_named_in_the_message(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    fake.on("post GENTJL", b"ERROR: Posting period 10 is closed")
    with pytest.raises(Parked, match=r"period 10/2026 of company A takes no posting"):
        post(make_client())


def test_an_unlicensed_object_says_what_to_ask_for(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    fake.on("post GENTJL", b"ERROR: Business object GENTJL is not registered")
    with pytest.raises(Rejected, match=r"licence that covers GENTJL"):
        post(make_client())


def test_what_proves_that_nothing_was_written_is_a_setting(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    """A site that has seen 100000 for its licences alone may say so."""
    fake.on("post GENTJL", b"ERROR: e.net exception 100000")
    with pytest.raises(OutcomeUnknown, match=r"lacks the e.net licence that covers GENTJL"):
        post(make_client())
    with pytest.raises(Rejected, match=r"nothing was posted"):
        post(make_client(unwritten_words="exception 100000|not licensed"))


def test_a_lost_session_is_opened_again_once_for_a_question(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    fake.on("query COMFND", LOST, EMPTY)
    assert make_client().query("COMFND", "<Query/>") == EMPTY
    assert fake.verbs() == ["logon", "query COMFND", "logon", "query COMFND", "logoff"]


def test_a_session_lost_twice_is_reported_and_not_tried_a_third_time(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    fake.on("query COMFND", LOST)
    with pytest.raises(Retryable, match=r"lost twice.*who else logs on with this operator"):
        make_client().query("COMFND", "<Query/>")
    assert fake.count("query") == 2


@pytest.mark.parametrize("fault", [drop, half, slow, redirect, status(503), b"", b"<html></html>"])
def test_a_question_without_an_answer_may_be_asked_again(
    fake: Any, make_client: Callable[..., EnetClient], fault: Any
) -> None:
    fake.on("query COMFND", fault)
    with pytest.raises(Retryable):
        make_client(deadline_s=2, connect_s=2).query("COMFND", "<Query/>")
    assert fake.count("query") == 1


def test_session_words_are_a_setting(fake: Any, make_client: Callable[..., EnetClient]) -> None:
    fake.on("query COMFND", b"ERROR: Adgang tabt", EMPTY)
    client = make_client(session_words="adgang tabt|vaek")
    assert client.query("COMFND", "<Query/>") == EMPTY


@pytest.mark.parametrize(
    ("text", "error", "do"),
    [
        ("ERROR: Invalid operator password", Rejected, "Correct operator or password"),
        ("ERROR: Invalid company id", Rejected, "Correct company_id"),
        ("ERROR: Invalid company password", Rejected, "company_password"),
        ("ERROR: e.net exception 100000", Rejected, "SYSPRO administrator"),
        ("ERROR: No e.net licence is free", Retryable, "free a seat"),
        ("ERROR: Operator 'X' is already logged in", Retryable, "free a seat"),
        ("ERROR: Maximum number of concurrent operators reached", Retryable, "tried again"),
        ("ERROR: No e.net license available for operator group", Retryable, "tried again"),
        ("ERROR: Unable to connect to SQL Server", Retryable, "e.net service"),
        ("ERROR: Period end in progress for company A", Retryable, "tried again"),
        ("ERROR: Company is currently locked by a backup", Retryable, "tried again"),
        ("ERROR: Unheard of", Retryable, "e.net service"),
        ("Welcome to the portal, user", Retryable, "Check the host"),
    ],
)
def test_a_failed_logon_says_what_to_correct_and_posts_nothing(
    fake: Any,
    make_client: Callable[..., EnetClient],
    text: str,
    error: type[IntegrationError],
    do: str,
) -> None:
    fake.on("logon", text.encode())
    with pytest.raises(error, match=do):
        post(make_client())
    assert fake.verbs() == ["logon"]


def test_logoff_happens_also_after_an_error_of_ours(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    fake.on("query COMFND", EMPTY)
    client = make_client()

    def work() -> None:
        with client.session():
            client.query("COMFND", "<Query/>")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert fake.verbs()[-1] == "logoff"


@pytest.mark.parametrize("fault", [drop, b"ERROR: Unable to read BaseDir8", status(500)])
def test_a_failing_logoff_does_not_turn_a_posted_journal_into_an_error(
    fake: Any, make_client: Callable[..., EnetClient], fault: Any
) -> None:
    fake.on("post GENTJL", OK)
    fake.on("logoff", fault)
    assert post(make_client()) == OK


# -- large documents -----------------------------------------------------------------------------


def test_a_long_document_goes_by_postld_and_arrives_unharmed(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    fake.on("post GENTJL", OK)
    document = f"<a>{'x' * 3000} &amp; &lt;b&gt; caf&#233;</a>"
    assert post(make_client(url_limit=2000), document) == OK
    call = fake.calls[1]
    assert (call.verb, call.path) == ("postld", "/SYSPROWCFService/Rest/Transaction/PostLD")
    assert call.fields["UserId"] == f"{SESSION}  "
    assert call.fields["XmlIn"] == document
    assert call.fields["XmlParameters"] == "<P/>"


def test_the_switch_lies_exactly_at_the_limit(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    fake.on("post GENTJL", OK)
    fields = f"UserId={SESSION}%20%20&BusinessObject=GENTJL&XmlParameters=%3CP%2F%3E&XmlIn="
    base = len(f"{fake.url}/SYSPROWCFService/Rest/Transaction/Post?{fields}")
    post(make_client(url_limit=base + 10), "x" * 10)
    post(make_client(url_limit=base + 10), "x" * 11)
    assert [call.verb for call in fake.calls if "post" in call.verb] == ["post", "postld"]


def test_a_limit_of_zero_posts_everything_by_postld(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    fake.on("query COMFND", EMPTY)
    fake.on("post GENTJL", OK)
    client = make_client(url_limit=0)
    client.query("COMFND", "<Query/>")
    post(client)
    assert (fake.count("post"), fake.count("postld")) == (0, 1)


def test_where_postld_is_not_allowed_a_long_document_is_refused_and_not_split(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    client = make_client(url_limit=500, post_large_documents=False)
    with pytest.raises(Rejected, match=r"characters; 500 are allowed .*post_large_documents"):
        post(client, "x" * 1000)
    assert fake.count("post") == 0


# -- secrets -------------------------------------------------------------------------------------


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    seen: list[str] = []

    def keep(logger: Any, name: str, event: Any) -> Any:
        seen.append(repr(event))
        raise structlog.DropEvent

    old = structlog.get_config()
    structlog.configure(processors=[keep])
    caplog.set_level(logging.DEBUG)
    yield seen
    structlog.configure(**old)
    seen.extend(record.getMessage() for record in caplog.records)


def test_no_password_and_no_session_reaches_a_log_or_a_message(
    fake: Any,
    make_client: Callable[..., EnetClient],
    everything_logged: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    masked: list[str] = []
    client = make_client(company_password="comp any%2", deadline_s=2, connect_s=2)
    client._mask = masked.append
    spoken = f"ERROR: {PASSWORD} {quote(PASSWORD, safe='')} {SESSION} comp any%2".encode()
    fake.on("post GENTJL", drop, half, spoken, slow)
    for _ in range(4):
        with pytest.raises(IntegrationError) as caught:
            post(client)
        everything_logged.extend([str(caught.value), repr(caught.value.__context__)])
    everything_logged.extend([repr(client.settings), *(r.getMessage() for r in caplog.records)])
    shown = "\n".join(everything_logged)
    for secret in (PASSWORD, "comp any%2", SESSION):
        assert secret not in shown
        assert quote(secret, safe="") not in shown
        assert quote(secret) not in shown
    assert "XmlIn" not in shown
    assert SESSION in masked


def test_test_connection_words(fake: Any, make_client: Callable[..., EnetClient]) -> None:
    assert make_client().check() == "Logged on to company A as TIEOUT, and off again."
    assert fake.verbs() == ["logon", "logoff"]


def test_a_host_that_does_not_answer_is_said_so(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    client = make_client()
    object.__setattr__(client.settings, "base_url", "http://127.0.0.1:9/SYSPROWCFService")
    with pytest.raises(Retryable, match="Check host and network"):
        client.check()


def test_a_rehearsal_that_would_write_is_not_sent(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    with pytest.raises(ValueError, match="would write"):
        make_client().rehearse("GENTJL", "<Parameters/>", "<Document/>")
    assert fake.calls == []


def test_a_post_that_failed_leaves_no_session_that_keeps_ourselves_out(
    fake: Any, make_client: Callable[..., EnetClient]
) -> None:
    """Where a logon is refused while the operator is in use, it may be our own that is in use."""
    fake.on("post GENTJL", b"ERROR: Something nobody has documented")
    fake.on("query COMFND", EMPTY)
    client = make_client(refuse_eviction=True)
    with client.session():
        with pytest.raises(OutcomeUnknown):
            post(client)
        client.query("COMFND", "<Query/>")
    assert fake.verbs() == [
        "logon", "post GENTJL", "logoff", "logon", "query COMFND", "logoff",
    ]  # fmt: skip
