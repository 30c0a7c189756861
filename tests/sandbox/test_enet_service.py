"""The e.net service on the wire: paths, sessions, seats and licences (reference 10.1 to 10.3)."""

import http.client
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

REST = "/SYSPROWCFService/Rest"
LOST = b"ERROR: Invalid user id; the operator is not logged in"
COMQUS = "<Query><Options><UserInformation>S</UserInformation></Options></Query>"
Wire = Any


def query_bytes(wire: Wire, user: str) -> bytes:
    found: bytes = wire.get("Query/Query", UserId=user, BusinessObject="COMQUS", XmlIn=COMQUS)
    return found


def test_every_answer_is_200_octet_stream_of_microsoft_httpapi(wire: Wire) -> None:
    for verb in ("GetVersion", "Logon?Operator=NOBODY", "NoSuchVerb", "Query/Query?UserId=x"):
        status, headers, _ = wire.raw("GET", f"{REST}/{verb}")
        assert status == 200
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Server"] == "Microsoft-HTTPAPI/2.0"


def test_paths_are_taken_in_any_case(wire: Wire) -> None:
    for path in (f"{REST}/getversion", "/sysprowcfservice/REST/GETVERSION"):
        assert wire.raw("GET", path)[2] == b"8.0.0.6"


def test_a_session_id_is_34_characters_and_two_blanks(wire: Wire) -> None:
    answer = wire.log_on()
    assert len(answer) == 36
    assert answer.endswith(b"  ")
    assert answer[:34].isalnum()


@pytest.mark.parametrize("shown", [str, str.strip], ids=["with its blanks", "trimmed"])
def test_a_session_id_is_accepted(wire: Wire, shown: Callable[[str], str]) -> None:
    assert b"<Operator>TIEOUT_A</Operator>" in query_bytes(wire, shown(wire.user))


def test_a_wrong_password_is_an_error_text(wire: Wire) -> None:
    answer = wire.get("Logon", Operator="TIEOUT_A", OperatorPassword="no", CompanyId="A")
    assert answer == b"ERROR: Invalid operator password"


def test_an_operator_of_another_company_is_refused(wire: Wire) -> None:
    answer = wire.get("Logon", Operator="TIEOUT_A", OperatorPassword="sandbox-A", CompanyId="B")
    assert answer == b"ERROR: Invalid company id"


def test_logoff_answers_0_and_then_the_text_about_the_base_directory(wire: Wire) -> None:
    assert wire.get("Logoff", UserId=wire.user) == b"0"
    again = wire.get("logoff", UserId=wire.user)
    assert again == b"ERROR: Unable to read the SYSPRO base directory registry string BaseDir8"


def test_an_unknown_session_is_an_error_text_on_every_verb(wire: Wire) -> None:
    wrong = "0" * 34
    assert query_bytes(wire, wrong) == LOST
    assert wire.get("GetLogonProfile", UserId=wrong) == LOST
    assert wire.get("Transaction/Post", UserId=wrong, BusinessObject="GENTJL", XmlIn="<a/>") == LOST


def test_a_second_logon_throws_the_first_one_out(wire: Wire) -> None:
    first = wire.user
    wire.log_on()
    assert wire.user != first
    assert query_bytes(wire, first) == LOST
    assert query_bytes(wire, wire.user).startswith(b"<?xml")


def test_a_careful_logon_is_refused_while_the_operator_works(wire: Wire) -> None:
    options = "<Logon><FailWhenAlreadyLoggedIn>Y</FailWhenAlreadyLoggedIn></Logon>"
    assert wire.log_on(xml=options) == b"ERROR: Operator 'TIEOUT_A' is already logged in"
    assert query_bytes(wire, wire.user).startswith(b"<?xml")


def test_an_idle_session_ends_and_a_used_one_does_not(wire: Wire) -> None:
    wire.control("POST", "syspro", {"advance_s": 19 * 60})
    assert query_bytes(wire, wire.user).startswith(b"<?xml")
    wire.control("POST", "syspro", {"advance_s": 19 * 60})
    assert query_bytes(wire, wire.user).startswith(b"<?xml")
    wire.control("POST", "syspro", {"advance_s": 21 * 60})
    assert query_bytes(wire, wire.user) == LOST


def test_without_a_free_seat_a_logon_is_refused(wire: Wire) -> None:
    wire.control("POST", "syspro", {"seats": 1})
    assert wire.log_on(operator="ADMIN") == b"ERROR: No e.net licence is free"


def test_a_full_house_gives_the_seat_of_the_most_idle_session(wire: Wire) -> None:
    wire.control("POST", "syspro", {"seats": 1, "advance_s": 21 * 60})
    first = wire.user
    assert not wire.log_on(operator="ADMIN").startswith(b"ERROR")
    assert query_bytes(wire, first) == LOST


def test_an_unlicensed_object_is_exception_100000(wire: Wire, journal: str) -> None:
    assert wire.post_bytes("SORTRA", "<PostReserve/>").startswith(b"ERROR: e.net exception 100000")
    wire.control("POST", "syspro", {"unlicensed": ["GENTJL"]})
    assert wire.post_bytes("GENTJL", journal).startswith(b"ERROR: e.net exception 100000")
    assert wire.executed() == 0


def test_a_request_line_over_16_kib_is_refused_before_the_service_sees_it(wire: Wire) -> None:
    status, _, body = wire.raw("GET", f"{REST}/GetVersion?x={'a' * 17000}")
    assert status == 400
    assert b"Request Too Long" in body


def test_a_large_document_goes_by_post_ld(wire: Wire, make_journal: Any) -> None:
    lines = [("1160", "1.00")] * 300 + [("1150", "-300.00")]
    body = (
        f'<TransactionPostLD xmlns="http://SYSPROWcfService"><UserId>{wire.user}</UserId>'
        "<BusinessObject>GENTJL</BusinessObject>"
        "<XmlParameters><![CDATA[<Parameters/>]]></XmlParameters>"
        f"<XmlIn><![CDATA[{make_journal(*lines)}]]></XmlIn></TransactionPostLD>"
    )
    headers = {"Content-Type": "application/xml"}
    _, _, answer = wire.raw("POST", f"{REST}/Transaction/PostLD", body.encode(), headers)
    assert b"<NumOfEntries>00301</NumOfEntries>" in answer
    assert b"<DebitAmount>300.00</DebitAmount>" in answer


def test_the_profile_names_the_company_and_its_currency(wire: Wire) -> None:
    wire.log_on("J")
    answer = wire.get("GetLogonProfile", UserId=wire.user)
    assert b"<LocalCurrencyCode>JPY</LocalCurrencyCode>" in answer
    assert b"<OperatorCode>TIEOUT_J</OperatorCode>" in answer


def test_xml_that_does_not_parse_is_an_error_text(wire: Wire) -> None:
    for broken in ("<Query>", "", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'):
        answer = wire.get("Query/Query", UserId=wire.user, BusinessObject="COMFND", XmlIn=broken)
        assert answer.startswith(b"ERROR: The XML could not be parsed")


def test_one_connection_serves_many_calls_and_ends_with_the_server(wire: Wire) -> None:
    address = urllib.parse.urlsplit(wire.sandbox.syspro_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    for _ in range(3):
        connection.request("GET", f"{REST}/GetVersion")
        assert connection.getresponse().read() == b"8.0.0.6"
    wire.sandbox.stop()

    def ask_again() -> None:
        connection.request("GET", f"{REST}/GetVersion")
        connection.getresponse()

    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask_again()
    connection.close()
