"""Matching one day and several: every rule, every cause, and what happens when days repeat."""

from datetime import timedelta
from pathlib import Path

import pytest

from include.domain.errors import Rejected
from include.domain.expectations import ExpectationKind
from tests.support_books import DAY, Desk, document, line

NEXT, THIRD, FOURTH = (DAY + timedelta(days=n) for n in (1, 2, 3))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


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


def test_a_related_request_leads_to_the_order(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [document("1", reference="A")])
    desk.match(
        [line("refund", -10000, request="9", related_request_id="1")],
        [document("2", -10000, reference="A", on=NEXT)],
        NEXT,
    )
    assert desk.rules(NEXT) == ["request_id"]


def test_a_document_is_expected_then_missing_then_late(desk: Desk) -> None:
    desk.match([], [document("1", reference="A")])
    assert desk.causes() == ["expected"]
    desk.match([], [document("1", reference="A")], NEXT)
    desk.match([], [document("1", reference="A")], THIRD)
    assert desk.causes() == ["expected"]  # due on the third day: not late yet
    desk.match([], [], FOURTH)
    assert desk.causes() == ["missing_in_settlement"]
    fifth = FOURTH + timedelta(days=1)
    desk.match([line(reference="A", request="1")], [], fifth)
    assert desk.causes() == []
    assert desk.rules(fifth) == ["late"]


def test_a_line_is_expected_then_missing_then_its_document_comes(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [])
    assert desk.causes() == ["expected"]
    for later in (NEXT, THIRD, FOURTH):
        desk.match([], [], later)
    assert desk.causes() == ["missing_in_erp"]
    desk.match([], [document("1", reference="A")], FOURTH + timedelta(days=1))
    assert desk.causes() == []


def test_the_settlement_on_the_day_an_item_expires_is_late_not_missing(desk: Desk) -> None:
    desk.match([], [document("1", reference="A")])
    desk.match([], [], NEXT)
    desk.match([], [], THIRD)
    desk.match([line(reference="A", request="1")], [], FOURTH)
    assert desk.rules(FOURTH) == ["late"]
    assert desk.causes() == []


def test_a_day_never_run_makes_nothing_missing(desk: Desk) -> None:
    desk.match([], [document("1", reference="A")])
    desk.match([], [], FOURTH)  # NEXT and THIRD were never reconciled
    assert desk.causes() == ["expected"]
    desk.match([line(reference="A", request="1")], [document("1", reference="A")], NEXT)
    assert desk.causes() == []


def test_documents_of_days_before_the_first_run_are_nobodys_business(desk: Desk) -> None:
    desk.match([], [document("1", reference="A", on=DAY - timedelta(days=1))])
    assert desk.causes(DAY - timedelta(days=1)) == []


def test_a_repeat_changes_nothing(desk: Desk) -> None:
    desk.gateway.knows("2", authorized=9000)
    lines = [
        line(reference="A", request="1"),
        line(minor=5000, reference="B", request="2"),
        line(reference="C", request="3"),
        line("refund", -100, request="4"),
    ]
    documents = [
        document("1", reference="A"),
        document("2", 9000, reference="B"),
        document("3", -100, reference="Z"),
        document("4", reference="Y"),
    ]
    path = desk.match(lines, documents).path
    before, state = path.read_bytes(), _state(desk)
    desk.match(lines, documents)
    assert path.read_bytes() == before
    assert _state(desk) == state


def test_a_repeat_after_later_days_ran_changes_nothing(desk: Desk) -> None:
    desk.gateway.knows("2", authorized=9000)
    first = (
        [line(reference="A", request="1"), line(minor=5000, reference="B", request="2")],
        [document("2", 9000, reference="B"), document("4", reference="Y")],
    )
    path = desk.match(*first).path
    before = path.read_bytes()
    desk.match(
        [line(reference="Y", request="5"), line(minor=4000, reference="B", request="6")],
        [document("1", reference="A", on=NEXT)],
        NEXT,
    )
    assert desk.rules(NEXT) == ["late", "partial_capture", "late"]
    state = _state(desk)
    assert desk.causes() == desk.causes(NEXT) == []
    desk.match(first[0], [*first[1], document("1", reference="A", on=NEXT)][:2])
    assert path.read_bytes() == before
    assert _state(desk) == state


def test_days_run_in_the_wrong_order_end_in_the_same_items(desk: Desk) -> None:
    later = ([line(reference="Y", request="5")], [document("4", reference="Y")])
    desk.match(*later, on=NEXT)
    assert desk.rules(NEXT) == ["exact"]
    desk.match([line(reference="A", request="1")], [document("4", reference="Y")])
    assert desk.causes() == ["expected"]  # only the line; the document settled the day after


def test_a_restated_file_takes_its_expectation_away(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [])
    desk.match([], [])
    assert desk.causes() == []
    held = desk.expectations.find("acme_us", ExpectationKind.document, ["1|gross_sale|USD|10000"])
    assert [e.state.value for e in held] == ["withdrawn"]


def test_a_corrected_document_settles_the_line_on_a_repeat(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [document("1", 9000, reference="A")])
    assert desk.causes() == ["wrong_amount"]
    desk.match([line(reference="A", request="1")], [document("1", reference="A")])
    assert desk.causes() == []
    assert desk.rules() == ["exact"]


def test_an_invoice_twice_against_one_line_is_ambiguous(desk: Desk) -> None:
    desk.match(
        [line(reference="A", request="1")],
        [document("1", reference="A"), document("2", reference="A")],
    )
    assert desk.causes() == ["ambiguous"]


def test_a_chargeback_of_a_known_capture_is_named_by_request(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [document("1", reference="A")])
    desk.match(
        [
            line("chargeback", -10000, request="1", related_request_id="1", case_number="K1"),
            line("chargeback", -700, request="77", related_request_id="77", case_number="K2"),
        ],
        [],
        NEXT,
    )
    assert desk.rules(NEXT) == ["request_id", None]
    assert desk.causes(NEXT) == ["chargeback_on_unknown_capture"]


def test_a_reversal_needs_its_chargeback(desk: Desk) -> None:
    desk.match([line("chargeback", -700, request="1", case_number="K1")], [])
    desk.match(
        [
            line("chargeback_reversal", 700, request="1", case_number="K1"),
            line("chargeback_reversal", 900, request="2", case_number="K9"),
        ],
        [],
        NEXT,
    )
    assert desk.causes(NEXT) == ["chargeback_reversal_without_chargeback"]


def test_a_fee_off_the_schedule_is_drift_with_both_figures(desk: Desk) -> None:
    desk.match(
        [
            line(reference="A", request="1"),
            line("fee", -165, detail_code="interchange", request="1"),
            line(reference="B", request="2"),
            line("fee", -225, detail_code="interchange", request="2"),
            line("fee", -10, detail_code="per_item", request="2"),
        ],
        [document("1", reference="A"), document("2", reference="B")],
    )
    (item,) = desk.items.open_of_day(desk.day())
    assert (item.cause.value, item.amount_minor) == ("fee_drift", 60)
    assert "charged 2.25 USD, agreed 1.65 USD" in item.explanation


def test_a_summary_row_is_judged_by_the_sum_of_the_day(desk: Desk) -> None:
    desk.match(
        [
            line(reference="A", request="1"),
            line(reference="B", request="2"),
            line("fee", -330, detail_code="interchange"),
            line("fee", -21, detail_code="per_item"),
        ],
        [document("1", reference="A"), document("2", reference="B")],
    )
    (item,) = desk.items.open_of_day(desk.day())
    assert "per_item of all cards: charged 0.21 USD, agreed 0.20 USD" in item.explanation


def test_what_a_person_resolved_stays_resolved(desk: Desk) -> None:
    again = ([line(reference="A", request="1")], [document("1", 9000, reference="A")])
    desk.match(*again)
    (item,) = desk.items.open_of_day(desk.day())
    desk.items.resolve([item.item_key], resolved_by="jo", resolution="credited")
    desk.match(*again)
    assert desk.causes() == []


def test_every_line_has_one_row_in_the_order_of_the_file(desk: Desk) -> None:
    lines = [line(reference=f"R{n}", request=str(n)) for n in range(7)]
    lines.insert(3, line("fee", -165, detail_code="interchange", request="1"))
    desk.match(lines, [document(str(n), reference=f"R{n}") for n in range(0, 7, 2)])
    assert [row["line_no"] for row in desk.rows()] == list(range(3, 11))


def test_a_day_on_which_nothing_goes_together_is_refused_whole(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.services.matching.scene.MAX_EXCEPTIONS", 2)
    with pytest.raises(Rejected, match="3 of 4 lines have no plain match"):
        desk.match(
            [line(reference=f"R{n}", request=str(n)) for n in range(4)],
            [document("0", reference="R0")],
        )
    assert desk.causes() == []


def _state(desk: Desk) -> list[object]:
    """Return expectations and open items as rows, without the times of writing."""
    from sqlalchemy import select

    from include.adapters.store.schema import expectations, open_items

    with desk.engine.begin() as connection:
        return [
            [tuple(row) for row in connection.execute(select(expectations).order_by("item_key"))],
            [
                tuple(row)
                for row in connection.execute(
                    select(
                        open_items.c.item_key, open_items.c.state, open_items.c.explanation
                    ).order_by("item_key")
                )
            ],
        ]
