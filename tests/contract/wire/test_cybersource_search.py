"""Searching, and what the Test button and the connection's fields say."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.adapters.cybersource.answers import read_time, split
from include.adapters.cybersource.check import check
from include.adapters.cybersource.client import Client
from include.adapters.cybersource.search import Search, between, term
from include.adapters.cybersource.settings import Settings
from include.adapters.http.transport import HttpTransport
from include.domain.calendar import Window
from include.domain.errors import Rejected, Retryable

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = Window(datetime(2026, 3, 1, 8, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC))
SECRET = "dGllb3V0IHRlc3Qga2V5IG9mIDMyIGJ5dGVzIGxvbmc="
EXTRA = {"auth": "jwt", "key_id": "key-1", "stall_s": 20, "deadline_s": 30, "connect_s": 10}
Reply = Callable[..., bytes]


def test_search_pages_until_the_total_and_signs_the_bytes_it_sends(
    server: Any, client_of: Callable[..., Client], json_reply: Any
) -> None:
    def script(connection: Any, call: Any) -> None:
        body = json.loads(call.body)
        offset, limit = body["offset"], body["limit"]
        rows = [{"id": str(row)} for row in range(offset, min(offset + limit, 5))]
        answer = {"totalCount": 5, "_embedded": {"transactionSummaries": rows}}
        connection.sendall(json_reply(answer, "201 Created"))

    server.script = script
    code = term("clientReferenceInformation.code", "Ä-1")
    query = f"{code} AND {between('submitTimeUtc', DAY.start_at, DAY.end_at)}"
    client = client_of(server, auth="http_signature")
    found = [row["id"] for row in Search(client).transactions(query, page_size=2)]
    assert found == ["0", "1", "2", "3", "4"]
    first = server.calls[0]
    digest = hashlib.sha256(first.body).digest()
    assert first.headers["digest"] == "SHA-256=" + base64.b64encode(digest).decode()
    assert json.loads(first.body) == {
        "save": False,
        "name": "Tieout",
        "timezone": "GMT",
        "query": "clientReferenceInformation.code:Ä-1 AND "
        "submitTimeUtc:[2026-03-01T08:00:00Z TO 2026-03-02T08:00:00Z}",
        "offset": 0,
        "limit": 2,
        "sort": "id:asc,submitTimeUtc:asc",
    }


def test_a_search_that_gives_fewer_rows_than_it_counts_is_not_complete(
    server: Any, client_of: Callable[..., Client], json_reply: Any
) -> None:
    server.answers(json_reply({"totalCount": 5, "_embedded": {}}, "201 Created"))
    with pytest.raises(Retryable, match="0 of 5"):
        list(Search(client_of(server)).transactions("x:y"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("INV-1", "code:INV-1"),
        ("-1", r"code:\-1"),
        ('a" OR id:*', r"code:a\"\ \OR\ id\:\*"),
        ("a/b\\c", r"code:a\/b\\c"),
        ("[x TO y}", r"code:\[x\ \TO\ y\}"),
    ],
)
def test_a_search_value_cannot_become_grammar(value: str, expected: str) -> None:
    assert term("code", value) == expected


def test_a_field_name_cannot_become_grammar() -> None:
    with pytest.raises(Rejected):
        term("code:1 OR id", "2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T00:00:00Z", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2022-09-28T00:00:00Z+00:00", datetime(2022, 9, 28, tzinfo=UTC)),  # real, zone twice
        ("2026-03-01T00:00:00.123+0530", datetime(2026, 2, 28, 18, 30, 0, 123000, tzinfo=UTC)),
        ("2026-W10-7T00:00:00Z", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-03-01T00:00:00", None),  # without a zone it is not an instant
        (None, None),
    ],
)
def test_times_are_instants_or_unknown(text: str | None, expected: datetime | None) -> None:
    assert read_time(text) == expected


def test_pieces_of_a_window_touch() -> None:
    pieces = split(DAY, timedelta(hours=9))
    assert [piece.start_at.hour for piece in pieces] == [8, 17, 2]
    assert pieces[-1].end_at == DAY.end_at


def test_the_connection_test_says_in_words_what_is_wrong(
    server: Any, client_of: Callable[..., Client], make_reply: Reply
) -> None:
    date_header = "Mon, 02 Mar 2026 12:00:00 GMT"
    cases = [
        (make_reply("200 OK", b"{}"), True, "Signed in as 'shop_1'"),
        (make_reply("404 Not Found"), True, "Signed in"),
        (make_reply("404 Not Found", b"<html>www</html>"), False, "404 with a page"),
        (make_reply("401 Unauthorized", date=date_header), False, "check key id, secret"),
        (
            make_reply("401 Unauthorized", date="Mon, 02 Mar 2026 12:06:00 GMT"),
            False,
            "360 s behind the server's",
        ),
        (make_reply("403 Forbidden"), False, "ask for the permission"),
        (
            make_reply("400 Bad Request", b'{"message":"unknown organization"}'),
            False,
            "unknown organization",
        ),
        (make_reply("302 Found", location="https://elsewhere.example.test/"), False, "pointed to"),
        (make_reply("503 Busy"), False, "answered 503"),
    ]
    for answer, is_good, words in cases:
        server.answers(answer)
        assert check(client_of(server))[0] is is_good
        assert words in check(client_of(server))[1]


def test_an_unreachable_host_is_named() -> None:
    settings = Settings.from_connection("c", "https://127.0.0.1:1", None, "shop_1", SECRET, EXTRA)
    is_good, words = check(Client(settings, HttpTransport(), lambda: NOW))
    assert not is_good
    assert "No answer from https://127.0.0.1:1" in words
    assert "Connection refused" in words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": ""}, "host is empty"),
        ({"host": "api.example.test/pts"}, "not a plain host name"),
        ({"host": "who:pw@api.example.test"}, "not a plain host name"),
        ({"host": "https://api.example.test:1", "port": 2}, "port 1, port says 2"),
        ({"login": ""}, "merchant id"),
        ({"password": ""}, "shared secret"),
        ({"extra": {"auth": "jwt"}}, "key_id is empty"),
        ({"extra": {"auth": "oauth", "key_id": "k"}}, "'oauth' is unknown"),
        ({"extra": {"keyid": "k"}}, "Did you mean 'key_id'"),
        ({"extra": {"auth": "jwt_p12"}}, "p12_path or p12_secret_base64 is empty"),
        ({"extra": {"key_id": "k", "connect_s": 60, "deadline_s": 30}}, "seconds"),
        ({"extra": {"key_id": "k", "allow_plain_http": "maybe"}}, "'maybe'"),
    ],
)
def test_each_wrong_field_of_a_connection_is_named(change: dict[str, Any], words: str) -> None:
    fields = {
        "host": "api.example.test",
        "port": None,
        "login": "shop_1",
        "password": SECRET,
        "extra": EXTRA,
    } | change
    with pytest.raises(Rejected) as caught:
        Settings.from_connection("cybersource_test", **fields)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_bare_host_means_https_and_a_port_is_appended() -> None:
    settings = Settings.from_connection("c", "api.example.test", 8443, "m", SECRET, EXTRA)
    assert settings.base_url == "https://api.example.test:8443"
    assert SECRET not in repr(settings)
