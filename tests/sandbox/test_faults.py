"""Each fault, and what the truth ledger counts after it (reference 10.9)."""

import http.client
import json
import time
from typing import Any

import pytest

from tests.waiting import wait_until

Wire = Any
DROPPED = (ConnectionError, http.client.HTTPException)


@pytest.mark.parametrize(
    ("fault", "executions"), [("drop_after_commit", 1), ("drop_before_commit", 0)]
)
def test_a_dropped_call_leaves_no_answer_and_the_ledger_knows_the_truth(
    wire: Wire, journal: str, fault: str, executions: int
) -> None:
    wire.spoil(fault)
    with pytest.raises(DROPPED):
        wire.post_bytes("GENTJL", journal)
    assert wire.executed() == executions


@pytest.mark.parametrize(("commit", "executions"), [(False, 0), (True, 1)])
def test_a_reset_comes_before_or_after_the_commit(
    wire: Wire, journal: str, commit: bool, executions: int
) -> None:
    wire.spoil("reset", commit=commit)
    with pytest.raises(DROPPED):
        wire.post_bytes("GENTJL", journal)
    assert wire.executed() == executions


def test_a_late_commit_happens_after_the_caller_has_gone(wire: Wire, journal: str) -> None:
    wire.spoil("late_commit", seconds=1)
    with pytest.raises(DROPPED):
        wire.post_bytes("GENTJL", journal)
    assert wire.executed() == 0
    assert wire.get("Logoff", UserId=wire.user) == b"0"  # which does not stop work under way
    wait_until(lambda: wire.executed() == 1)


def test_a_second_delivery_executes_twice_and_answers_once(wire: Wire, journal: str) -> None:
    wire.spoil("second_delivery")
    reply = wire.post("GENTJL", journal)
    assert reply.findtext("Item/Transaction/Key/GlJournal") == "00117"
    assert wire.executed() == 2


@pytest.mark.parametrize("fault", ["delay", "delay_after_commit"])
def test_a_delay_answers_in_the_end(wire: Wire, journal: str, fault: str) -> None:
    wire.spoil(fault, seconds=0.2)
    begun = time.monotonic()
    assert wire.post("GENTJL", journal).tag == "postgljournal"
    assert time.monotonic() - begun >= 0.2
    assert wire.executed() == 1


@pytest.mark.parametrize("status", ["429", "500", "502", "503"])
def test_a_bare_status_executes_nothing(wire: Wire, journal: str, status: str) -> None:
    wire.spoil(status, retry_after="7")
    import urllib.parse

    query = urllib.parse.urlencode(
        {"UserId": wire.user, "BusinessObject": "GENTJL", "XmlIn": journal}
    )
    found, headers, _ = wire.raw("GET", f"/SYSPROWCFService/Rest/Transaction/Post?{query}")
    assert found == int(status)
    assert headers["Retry-After"] == "7"
    assert wire.executed() == 0


def test_a_502_after_the_commit_hides_a_success(wire: Wire, journal: str) -> None:
    wire.spoil("502", commit=True)
    wire.post_bytes("GENTJL", journal)
    assert wire.executed() == 1


@pytest.mark.parametrize("fault", ["half_body", "wrong_length"])
def test_an_answer_cut_short_is_noticed_by_its_length(wire: Wire, journal: str, fault: str) -> None:
    wire.spoil(fault)
    with pytest.raises(http.client.IncompleteRead):
        wire.post_bytes("GENTJL", journal)
    assert wire.executed() == 1


def test_a_length_too_small_gives_a_document_that_does_not_parse(wire: Wire, journal: str) -> None:
    wire.spoil("short_length")
    answer = wire.post_bytes("GENTJL", journal)
    assert answer.startswith(b"<?xml")
    assert b"</postgljournal>" not in answer


def test_a_dripping_answer_comes_byte_by_byte(wire: Wire) -> None:
    wire.spoil("drip", match="GetVersion", seconds=0.02)
    begun = time.monotonic()
    assert wire.get("GetVersion") == b"8.0.0.6"
    assert time.monotonic() - begun >= 7 * 0.02


def test_garbage_emptiness_and_a_login_page_come_with_status_200(wire: Wire, journal: str) -> None:
    for fault, beginning in (
        ("garbage", b"\x00\x01"),
        ("empty", b""),
        ("html", b"<!DOCTYPE html>"),
    ):
        wire.spoil(fault)
        assert wire.post_bytes("GENTJL", journal).startswith(beginning)
        wire.control("DELETE", "faults")
    assert wire.executed() == 2  # the login page stood in front of the service


def test_a_huge_answer_and_a_gzip_bomb_test_the_limits_of_the_client(wire: Wire) -> None:
    wire.spoil("huge", match="GetVersion")
    assert len(wire.get("GetVersion")) == 100 * 1024 * 1024
    wire.spoil("gzip_bomb", match="GetVersion")
    _, headers, packed = wire.raw("GET", "/SYSPROWCFService/Rest/GetVersion")
    assert headers["Content-Encoding"] == "gzip"
    assert len(packed) < 1024 * 1024


def test_a_redirect_points_elsewhere_and_executes_nothing(wire: Wire) -> None:
    wire.spoil("redirect", match="GetVersion", text="http://elsewhere.example/")
    status, headers, _ = wire.raw("GET", "/SYSPROWCFService/Rest/GetVersion")
    assert (status, headers["Location"]) == (307, "http://elsewhere.example/")


def test_a_plain_error_text_may_replace_the_document(wire: Wire, journal: str) -> None:
    wire.spoil("error_text", text="Object variable not set")
    assert wire.post_bytes("GENTJL", journal) == b"ERROR: Object variable not set"
    assert wire.executed() == 0


def test_a_session_can_be_lost_between_two_posts(wire: Wire, journal: str) -> None:
    wire.spoil("session_lost", nth=2)
    assert wire.post("GENTJL", journal).tag == "postgljournal"
    answer = wire.post_bytes("GENTJL", journal)
    assert answer == b"ERROR: Invalid user id; the operator is not logged in"
    assert wire.executed() == 1


def test_a_host_may_wrap_the_document_as_json_or_as_a_string_element(
    wire: Wire, journal: str
) -> None:
    wire.spoil("json_string")
    assert json.loads(wire.post_bytes("GENTJL", journal)).startswith("<?xml")
    wire.spoil("string_element")
    answer = wire.post_bytes("GENTJL", journal)
    assert answer.startswith(b"<string xmlns=")
    assert b"&lt;postgljournal" in answer


def test_a_rule_spoils_the_nth_matching_call_so_many_times(wire: Wire) -> None:
    wire.spoil("503", match="GetVersion", nth=2, times=2)
    path = "/SYSPROWCFService/Rest/GetVersion"
    assert [wire.raw("GET", path)[0] for _ in range(5)] == [200, 503, 503, 200, 200]
    rule = wire.control("GET", "faults")[0]
    assert (rule["seen"], rule["played"]) == (5, 2)


def test_a_rule_matches_the_object_and_never_the_document(wire: Wire, journal: str) -> None:
    wire.spoil("500", match="COMFND GenJournalCtl")
    assert wire.post("GENTJL", journal).tag == "postgljournal"
    query = "<Query><TableName>GenJournalCtl</TableName></Query>"
    answer = wire.get("Query/Query", UserId=wire.user, BusinessObject="COMFND", XmlIn=query)
    assert answer == b""


def test_a_rule_for_another_system_leaves_this_one_alone(wire: Wire) -> None:
    wire.control("POST", "faults", {"system": "bank", "match": "", "fault": "500"})
    assert wire.get("GetVersion") == b"8.0.0.6"


def test_an_unknown_fault_is_refused_with_the_list_of_known_ones(wire: Wire) -> None:
    body = json.dumps({"fault": "earthquake"}).encode()
    status, _, answer = wire.raw("POST", "/control/faults", body, url=wire.sandbox.control_url)
    assert status == 400
    assert b"drop_after_commit" in answer
