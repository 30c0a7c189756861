"""The Cybersource client against a scripted server: the quirks of the reference, one by one."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from include.adapters.cybersource.reporting import Reporting
from include.adapters.http.status import Refused
from include.domain.calendar import Window
from include.domain.errors import Busy, NotKept, Rejected, Retryable
from include.services.ports import ReportSource, ReportState

DAY = Window(datetime(2026, 3, 1, 8, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC))
Reply = Callable[..., bytes]


def query_of(call: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(call.target).query).items()}


def test_the_reporting_side_satisfies_the_port(reporting: Reporting) -> None:
    source: ReportSource = reporting
    assert source is reporting


def test_report_list_reads_the_member_status_and_each_state(
    server: Any, reporting: Reporting, json_reply: Any
) -> None:
    words = ["COMPLETED", "PENDING", "QUEUED", "RUNNING", "NO_DATA", "ERROR", "NEWLY_INVENTED"]
    rows = [
        {
            "reportId": f"id-{word}",
            "reportName": word,
            "reportDefinitionId": "211",
            "status": word,
            "reportMimeType": "text/csv",
            "reportStartTime": "2026-03-01T00:00:00.000-0800",
            "reportEndTime": "2026-03-02T00:00:00-08:00",
            "timezone": "America/Los_Angeles",
            "organizationId": "shop_1",
            "memberOfNextYear": {"x": 1},
        }
        for word in words
    ]
    server.answers(json_reply({"reportSearchResults": rows}))
    found = reporting.list_reports("shop_1", DAY)
    assert [entry.state for entry in found] == [
        ReportState.ready,
        ReportState.pending,
        ReportState.pending,
        ReportState.pending,
        ReportState.empty,
        ReportState.failed,
        ReportState.pending,  # unknown is never taken for ready or empty
    ]
    assert found[0].window == DAY
    assert server.calls[0].target == (
        "/reporting/v3/reports?startTime=2026-03-01T07%3A59%3A00.000Z"
        "&endTime=2026-03-02T08%3A01%3A00.000Z&timeQueryType=reportTimeFrame&organizationId=shop_1"
    )
    assert server.calls[0].headers["authorization"].startswith("Bearer ey")


def test_404_of_the_list_is_an_empty_list(
    server: Any, reporting: Reporting, json_reply: Any
) -> None:
    server.answers(json_reply({"message": "none"}, "404 Not Found"))
    assert reporting.list_reports("shop_1", DAY) == ()


PAGE = b"<!DOCTYPE html><html><body>The site you look for is not here</body></html>"


@pytest.mark.parametrize(
    "ask",
    [
        lambda it: it.list_reports("shop_1", DAY),
        lambda it: it.transaction("7300000000000000000001"),
        lambda it: it.download_service("chargeback-details", "shop_1", DAY, io.BytesIO()),
        lambda it: it.download_report(
            "shop_1", "R", date(2026, 3, 2), "text/csv", io.BytesIO()
        ),
    ],
    ids=["list", "transaction", "service", "file"],
)  # fmt: skip
@pytest.mark.parametrize("body", [PAGE, b"\xef\xbb\xbf\n <HTML>gone</HTML>"])
def test_a_page_that_says_404_says_nothing_of_the_vendors_data(
    server: Any, reporting: Reporting, make_reply: Reply, ask: Any, body: bytes
) -> None:
    server.answers(make_reply("404 Not Found", body))
    with pytest.raises(Retryable, match="404 with a page"):
        ask(reporting)


def test_subscriptions_say_which_reports_have_signs_and_some_do_not_say(
    server: Any, reporting: Reporting, json_reply: Any
) -> None:
    rows: list[dict[str, Any]] = [
        {"reportName": "A", "reportPreferences": {"signedAmounts": True}},
        {"reportName": "B", "reportPreferences": {"signedAmounts": False}},
        {"reportName": "C", "reportPreferences": {"fieldNameConvention": "SCMP"}},
        {"reportName": "D"},
        {"reportName": "E", "reportPreferences": {"signedAmounts": "true"}},
    ]
    server.answers(json_reply({"subscriptions": rows}))
    assert reporting.signed_amounts("shop_1") == {"A": True, "B": False}
    server.answers(json_reply({"message": "none"}, "404 Not Found"))
    assert reporting.signed_amounts("shop_1") == {}


def test_a_blank_organization_is_refused_because_its_404_would_read_as_none(
    server: Any, reporting: Reporting
) -> None:
    with pytest.raises(Rejected, match="organization id is empty"):
        reporting.list_reports(" ", DAY)
    assert server.calls == []


def test_a_download_is_streamed_with_the_digest_of_the_expanded_bytes(
    server: Any, reporting: Reporting, make_reply: Reply
) -> None:
    text = b"line 1\r\nline 2\r\n" * 1000
    server.answers(
        make_reply("200 OK", gzip.compress(text), content_type="text/csv", content_encoding="gzip")
    )
    sink = io.BytesIO()
    found = reporting.download_report("shop_1", "Fee Daily", date(2026, 3, 2), "text/csv", sink)
    assert found is not None
    assert sink.getvalue() == text
    assert found.digest == hashlib.sha256(text).hexdigest()
    assert (found.size_bytes, found.content_type) == (16_000, "text/csv")
    call = server.calls[0]
    assert call.target == (
        "/reporting/v3/report-downloads?organizationId=shop_1&reportDate=2026-03-02"
        "&reportName=Fee%20Daily"
    )
    assert call.headers["accept"] == "text/csv"


def test_404_of_a_download_is_none_and_leaves_the_sink_empty(
    server: Any, reporting: Reporting, make_reply: Reply
) -> None:
    bean = b"<errorBean><message>Report not found</message></errorBean>"
    server.answers(make_reply("404 Not Found", bean, content_type="application/xml"))
    sink = io.BytesIO()
    assert (
        reporting.download_report("shop_1", "R", date(2026, 3, 2), "application/xml", sink) is None
    )
    assert sink.getvalue() == b""


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b"<html>log in"),
        ("text/csv", b"\xef\xbb\xbf  <!DOCTYPE HTML><html>"),
        ("application/xml", b"<?xml version='1.0'?><errorBean><message>x</message></errorBean>"),
    ],
)
def test_a_page_served_with_200_is_not_a_report(
    server: Any, reporting: Reporting, make_reply: Reply, content_type: str, body: bytes
) -> None:
    server.answers(make_reply("200 OK", body, content_type=content_type))
    with pytest.raises(Retryable, match="in place of the file"):
        reporting.download_report("shop_1", "R", date(2026, 3, 2), "text/csv", io.BytesIO())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<errorBean><message>Invalid date</message></errorBean>", "Invalid date"),
        (
            b'<!DOCTYPE e SYSTEM "http://x/e.dtd"><errorBean><message>Bad</message></errorBean>',
            "Bad",
        ),
        (
            b'{"reason":"INVALID_DATA","message":"no","details":[{"field":"a","reason":"b"}]}',
            "INVALID_DATA; no; a: b",
        ),
        (b'{"errors":[{"type":"x","message":"forbidden thing"}]}', "forbidden thing"),
        (b'{"response":{"rmsg":"Authentication Failed"}}', "Authentication Failed"),
        (b'{"errorInformation":{"reason":"SYSTEM_ERROR"}}', "SYSTEM_ERROR"),
    ],
)
def test_the_vendors_words_are_read_from_each_shape_of_error(
    server: Any, reporting: Reporting, make_reply: Reply, body: bytes, words: str
) -> None:
    server.answers(make_reply("400 Bad Request", body))
    with pytest.raises(Refused) as caught:
        reporting.download_report("shop_1", "R", date(2026, 3, 2), "text/csv", io.BytesIO())
    assert words in str(caught.value)
    assert caught.value.status == 400


@pytest.mark.parametrize("declared", [b'<!ENTITY x "boom">', b'<!ATTLIST message y CDATA "AAAA">'])
def test_an_error_that_makes_much_of_little_has_no_words(
    server: Any, reporting: Reporting, make_reply: Reply, declared: bytes
) -> None:
    text = b"&x;" if b"ENTITY" in declared else b"boom"
    bomb = b"<!DOCTYPE a [%b]><errorBean><message>%b</message></errorBean>" % (declared, text)
    server.answers(make_reply("400 Bad Request", bomb))
    with pytest.raises(Refused) as caught:
        reporting.list_reports("shop_1", DAY)
    assert "boom" not in str(caught.value)


def test_429_says_how_long_to_wait_and_is_asked_once(
    server: Any, reporting: Reporting, make_reply: Reply
) -> None:
    server.answers(make_reply("429 Too Many Requests", b"", retry_after="11"))
    with pytest.raises(Busy, match="Wait 11 s"):
        reporting.list_reports("shop_1", DAY)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"reportSearchResults": [], "reportSearchResults": [{"reportName": "x"}]}',
        b'{"reportSearchResults": [{"status": "ERROR", "status": "COMPLETED"}]}',
        b'{"reportSearchResults": NaN}',
        b'{"reports": []}',
        b'{"reportSearchResults": {}}',
        b'["x"]',
        b"<html>please log in</html>",
        b"",
        b"\xff\xfe{}",
        b'{"a":' * 100_000,
    ],
)
def test_an_answer_with_two_meanings_or_none_is_not_an_empty_list(
    server: Any, reporting: Reporting, make_reply: Reply, body: bytes
) -> None:
    server.answers(make_reply("200 OK", body))
    with pytest.raises(Retryable):
        reporting.list_reports("shop_1", DAY)


def test_batch_totals_keep_amounts_as_written(
    server: Any, reporting: Reporting, make_reply: Reply
) -> None:
    body = b'{"paymentBatchSummaries":[{"currencyCode":"USD","salesAmount":10.10,"salesCount":3}]}'
    server.answers(make_reply("200 OK", body))
    assert reporting.batch_totals("shop_1", DAY) == (
        {"currencyCode": "USD", "salesAmount": "10.10", "salesCount": 3},
    )


def test_a_service_becomes_one_document_and_404_becomes_none(
    server: Any, reporting: Reporting, make_reply: Reply
) -> None:
    body = b'{"organizationId":"shop_1","chargebackDetails":[{"amount":5.50,"sign":"-"},{"a":"b"}]}'
    server.answers(make_reply("200 OK", body), make_reply("404 Not Found"))
    sink = io.BytesIO()
    found = reporting.download_service("chargeback-details", "shop_1", DAY, sink)
    expected = b'{"chargeback-details":[{"amount":"5.50","sign":"-"},{"a":"b"}]}'
    assert sink.getvalue() == expected
    assert found is not None
    assert found.digest == hashlib.sha256(expected).hexdigest()
    assert reporting.download_service("chargeback-details", "shop_1", DAY, io.BytesIO()) is None


@pytest.mark.parametrize("absent", [{}, {"totalRefunds": None}])
def test_net_fundings_keep_their_totals(
    server: Any, reporting: Reporting, json_reply: Any, absent: dict[str, None]
) -> None:
    totals = {"netTotal": [{"currency": "USD"}], **absent}
    server.answers(json_reply({"netFundingSummaries": [{"type": "FEES"}], **totals}))
    sink = io.BytesIO()
    reporting.download_service("net-fundings", "shop_1", DAY, sink)
    assert json.loads(sink.getvalue()) == {
        "net-fundings": [{"type": "FEES"}],
        "totalPurchases": [],
        "totalRefunds": [],
        "totalFees": [],
        "totalChargebacks": [],
        "netTotal": [{"currency": "USD"}],
    }


def test_a_day_of_25_hours_of_conversions_is_asked_in_two_pieces_without_doubling_the_seam(
    server: Any, reporting: Reporting, json_reply: Any
) -> None:
    seam = {"requestId": "1", "conversionTime": "2026-11-02T05:00:00Z"}
    server.answers(
        json_reply({"conversionDetails": [{"requestId": "0"}, seam, seam]}),
        json_reply({"conversionDetails": [seam, {"requestId": "2"}]}),
    )
    start = datetime(2026, 11, 1, 5, tzinfo=UTC)
    window = Window(start, start + timedelta(hours=25))
    ids = [row["requestId"] for row in reporting.items("conversion-details", "shop_1", window)]
    assert ids == ["0", "1", "1", "2"]  # twice in one answer is for the controller to judge
    times = [(query_of(call)["startTime"], query_of(call)["endTime"]) for call in server.calls]
    assert times == [
        ("2026-11-01T05:00:00.000Z", "2026-11-02T04:59:00.000Z"),
        ("2026-11-02T04:59:00.000Z", "2026-11-02T06:00:00.000Z"),
    ]


def test_pages_are_read_to_the_end(server: Any, reporting: Reporting, json_reply: Any) -> None:
    def script(connection: Any, call: Any) -> None:
        offset = int(query_of(call)["offset"])
        rows = [{"requestId": str(row)} for row in range(offset, min(offset + 2000, 4500))]
        connection.sendall(json_reply({"requestDetails": rows, "offset": offset}))

    server.script = script
    found = list(reporting.items("purchase-refund-details", "shop_1", DAY, viewBy="requestDate"))
    assert [row["requestId"] for row in found] == [str(number) for number in range(4500)]
    assert [query_of(call)["offset"] for call in server.calls] == ["0", "2000", "4000"]
    assert {query_of(call)["limit"] for call in server.calls} == {"2000"}
    assert {query_of(call)["viewBy"] for call in server.calls} == {"requestDate"}


def test_the_day_of_a_purchase_is_that_of_its_submission_unless_asked_otherwise(
    server: Any, reporting: Reporting, json_reply: Any
) -> None:
    server.answers(json_reply({"requestDetails": [{"requestId": "1"}]}))
    name = "purchase-refund-details"
    reporting.download_service(name, "shop_1", DAY, io.BytesIO())
    reporting.download_service(name, "shop_1", DAY, io.BytesIO(), viewBy="requestDate")
    asked = [query_of(call)["viewBy"] for call in server.calls]
    assert asked == ["submissionDate", "requestDate"]


def test_a_server_that_ignores_the_offset_does_not_loop_for_ever(
    server: Any, reporting: Reporting, json_reply: Any
) -> None:
    server.answers(json_reply({"requestDetails": [{"requestId": str(n)} for n in range(2000)]}))
    with pytest.raises(Rejected, match="offset is ignored"):
        list(reporting.items("purchase-refund-details", "shop_1", DAY))
    assert len(server.calls) == 2


def test_purchase_refund_details_are_limited_to_18_months_and_31_days_a_piece(
    server: Any, reporting: Reporting, json_reply: Any
) -> None:
    server.answers(json_reply({"requestDetails": []}))
    long_ago = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    with pytest.raises(NotKept, match="older than the vendor keeps"):
        list(reporting.items("purchase-refund-details", "shop_1", long_ago))
    quarter = Window(datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
    assert list(reporting.items("purchase-refund-details", "shop_1", quarter)) == []
    assert len(server.calls) == 3  # 90 days


def test_a_service_that_is_not_in_the_table_is_refused(reporting: Reporting) -> None:
    with pytest.raises(Rejected, match="not a reporting service"):
        reporting.download_service("notification-of-changes", "shop_1", DAY, io.BytesIO())


def test_transaction_facts_are_exact_and_unknown_stays_unknown(
    server: Any, reporting: Reporting, json_reply: Any, make_reply: Reply
) -> None:
    detail = {
        "id": "7058891234566543210123",
        "rootId": "7058891234566543210100",
        "clientReferenceInformation": {"code": "INV-1"},
        "orderInformation": {
            "amountDetails": {"totalAmount": "102.21", "currency": "USD", "authorizedAmount": ""}
        },
        "applicationInformation": {
            "applications": [{"name": "ics_auth"}, {"name": "ics_bill"}, {"rCode": "1"}]
        },
    }
    server.answers(json_reply(detail), json_reply({"id": "2"}), make_reply("404 Not Found"))
    facts = reporting.transaction("7058891234566543210123")
    assert facts is not None
    assert (facts.amount_minor, facts.authorized_minor, facts.currency) == (10221, None, "USD")
    assert facts.applications == ("ics_auth", "ics_bill")
    assert (facts.root_id, facts.merchant_reference) == ("7058891234566543210100", "INV-1")
    empty = reporting.transaction("2")
    assert empty is not None
    assert (empty.amount_minor, empty.currency, empty.root_id) == (None, None, None)
    assert reporting.transaction("3") is None
    assert server.calls[0].target == "/tss/v2/transactions/7058891234566543210123"


@pytest.mark.parametrize("request_id", ["../../pts/v2/payments", "1?x=y", "", "1/2", "a" * 65])
def test_an_id_cannot_change_the_path(server: Any, reporting: Reporting, request_id: str) -> None:
    with pytest.raises(Rejected):
        reporting.transaction(request_id)
    assert server.calls == []
