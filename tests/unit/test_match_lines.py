"""Matching one day: every rule that finds a document, and every cause where none does."""

from datetime import timedelta

import pytest

from tests.support_books import DAY, Desk, document, line
from tests.unit.support import FOURTH, NEXT, THIRD
from tests.unit.support import desk as desk


def test_reference_currency_and_amount_match_exactly(desk: Desk) -> None:
    result = desk.match(
        [line(reference="A", request="1"), line("refund", -500, reference="A", request="2")],
        [document("1", reference="A"), document("2", -500, reference="A")],
    )
    assert [(r["rule"], r["document_id"]) for r in desk.rows()] == [
        ("exact", "C1|1|I"),
        ("partial_refund", "C1|2|C"),
    ]
    assert desk.causes() == []
    assert result.rules == {"exact": 1, "partial_refund": 1}


def test_a_refund_of_the_whole_sale_is_exact(desk: Desk) -> None:
    desk.match(
        [line(reference="A", request="1"), line("refund", -10000, reference="A", request="2")],
        [document("1", reference="A"), document("2", -10000, reference="A")],
    )
    assert desk.rules() == ["exact", "exact"]


def test_same_order_number_of_sale_and_refund_never_cross(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [document("2", -10000, reference="A")])
    assert desk.rules() == [None]
    assert desk.causes() == ["expected", "expected"]


def test_k_equal_lines_settle_k_equal_documents_as_a_set(desk: Desk) -> None:
    desk.match([line(request=str(n)) for n in range(3)], [document(str(n)) for n in range(3)])
    assert desk.rules() == ["set_of_equals"] * 3
    assert sorted(r["document_id"] for r in desk.rows()) == ["C1|0|I", "C1|1|I", "C1|2|I"]
    assert "3 equal lines settle 3 equal documents" in desk.rows()[0]["compared"]


def test_the_only_candidate_by_amount_and_date_matches(desk: Desk) -> None:
    desk.match([line(request="1")], [document("1", on=DAY - timedelta(days=1))])
    assert desk.rules() == ["amount_and_date"]


def test_more_lines_than_documents_are_ambiguous_and_nothing_is_called_missing(
    desk: Desk,
) -> None:
    desk.match([line(request=str(n)) for n in range(3)], [document(str(n)) for n in range(2)])
    assert desk.causes() == ["ambiguous"] * 3
    for later in (NEXT, THIRD, FOURTH, FOURTH + timedelta(days=1)):
        desk.match([], [], later)
    assert desk.causes() == ["ambiguous"] * 3
    assert "C1|0|I" in desk.rows()[0]["runner_up"]


def test_the_document_that_was_lacking_settles_the_ambiguous_set(desk: Desk) -> None:
    desk.match([line(request=str(n)) for n in range(3)], [document(str(n)) for n in range(2)])
    desk.match([], [document("2", on=NEXT)], NEXT)
    assert desk.causes() == []
    assert desk.rules(NEXT) == ["set_of_equals"] * 3


def test_a_document_with_a_reference_is_never_taken_for_a_line_without(desk: Desk) -> None:
    desk.match([line(request="1")], [document("1", reference="A")])
    assert desk.rules() == [None]


def test_captures_that_add_up_to_the_order_settle_it(desk: Desk) -> None:
    desk.match(
        [
            line(minor=6000, reference="A", request="1"),
            line(minor=4000, reference="A", request="2"),
        ],
        [document("1", reference="A")],
    )
    assert desk.rules() == ["partial_capture", "partial_capture"]
    assert [r["taken_minor"] for r in desk.rows()] == [6000, 4000]
    assert desk.causes() == []


def test_the_gateway_tells_a_partial_capture_and_its_rest_closes_it(desk: Desk) -> None:
    desk.gateway.knows("1", authorized=10000, amount=6000)
    desk.match([line(minor=6000, reference="A", request="1")], [document("1", reference="A")])
    assert desk.causes() == ["partial_capture"]
    (item,) = desk.items.open_of_day(desk.day())
    assert item.amount_minor == 4000
    assert "authorized 100.00 USD, captured 60.00 USD" in item.explanation
    for later in (NEXT, THIRD, FOURTH):
        desk.match([], [], later)
    assert desk.causes() == ["partial_capture"]  # never "missing", however long it takes
    fifth = FOURTH + timedelta(days=1)
    desk.match([line(minor=4000, reference="A", request="2")], [], fifth)
    assert desk.rules(fifth) == ["partial_capture"]
    assert desk.causes() == []


def test_the_gateway_tells_a_wrong_amount(desk: Desk) -> None:
    desk.gateway.knows("1", authorized=10000, amount=10000)
    desk.match([line(reference="A", request="1")], [document("1", 10900, reference="A")])
    assert desk.causes() == ["wrong_amount"]
    (item,) = desk.items.open_of_day(desk.day())
    assert (item.amount_minor, item.document_id) == (-900, "C1|1|I")
    assert desk.gateway.asked == ["1"]


def test_more_settled_than_invoiced_is_wrong_without_asking(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [document("1", 9000, reference="A")])
    assert desk.causes() == ["wrong_amount"]
    assert desk.gateway.asked == []


def test_without_evidence_less_than_invoiced_is_undecided(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [document("1", 10900, reference="A")])
    assert desk.causes() == ["ambiguous"]


def test_a_difference_inside_the_tolerance_matches_and_says_so(desk: Desk) -> None:
    desk.match([line(minor=9998, reference="A", request="1")], [document("1", reference="A")])
    assert desk.rules() == ["tolerance"]
    assert desk.rows()[0]["difference_minor"] == -2
    assert "they differ by -0.02 USD, 0.02 USD is allowed" in desk.rows()[0]["compared"]
    assert desk.causes() == []


def test_another_currency_is_named_and_not_missing(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [document("1", reference="A", currency="CAD")])
    assert desk.causes() == ["wrong_currency"]


def test_a_line_twice_is_counted_once(desk: Desk) -> None:
    twice = line(reference="A", request="1")
    desk.match([twice, twice], [document("1", reference="A")])
    assert desk.rules() == ["exact", None]
    assert desk.causes() == ["duplicate_line"]


def test_a_line_that_settled_yesterday_is_a_duplicate_today(desk: Desk) -> None:
    twice = line(reference="A", request="1")
    desk.match([twice], [document("1", reference="A")])
    desk.match([twice], [document("1", reference="A")], NEXT)
    assert desk.causes(NEXT) == ["duplicate_line"]


def test_a_refund_without_reference_is_suggested_never_matched(desk: Desk) -> None:
    desk.gateway.knows("9", root="1")
    desk.gateway.knows("1", reference="A")
    desk.match([line("refund", -500, request="9")], [document("1", -500, reference="A")])
    assert desk.causes() == ["refund_without_reference"]
    (item,) = desk.items.open_of_day(desk.day())
    assert "C1|1|C" in item.explanation
    for later in (NEXT, THIRD, FOURTH):
        desk.match([], [], later)
    assert desk.causes() == ["refund_without_reference"]  # the credit note is not "missing"


@pytest.mark.parametrize(("days", "is_suggested"), [(-3, False), (-2, True), (2, True), (3, False)])
def test_a_credit_note_is_suggested_within_the_days_that_the_merchant_allows(
    desk: Desk, days: int, is_suggested: bool
) -> None:
    note = document("1", -500, reference="A", on=DAY + timedelta(days=days))
    desk.match([line("refund", -500, request="9")], [note])
    items = desk.items.open_of_day(desk.day())
    (item,) = (one for one in items if one.cause.value == "refund_without_reference")
    assert ("C1|1|C" in item.explanation) is is_suggested


def test_a_related_request_leads_to_the_order(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [document("1", reference="A")])
    desk.match(
        [line("refund", -10000, request="9", related_request_id="1")],
        [document("2", -10000, reference="A", on=NEXT)],
        NEXT,
    )
    assert desk.rules(NEXT) == ["request_id"]
