"""Matching disputes and fees, and what a day's matches look like."""

from datetime import date

import pytest

from include.domain.errors import Rejected
from include.domain.fees import FeeRate, FeeSchedule
from include.domain.settlement import LineClass
from tests.support_books import Desk, Prices, document, line
from tests.unit.support import FOURTH, NEXT, THIRD
from tests.unit.support import desk as desk


class ToTheCent(Prices):
    """Prices of which interchange must be exactly 1.65 %."""

    def fee_schedule(
        self, merchant_id: str, on: date, currency: str | None = None
    ) -> FeeSchedule | None:
        rate = FeeRate("interchange", 16500, {}, 0, 0, (LineClass.gross_sale,))
        return FeeSchedule("USD", {"interchange": rate})


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


def test_a_chargeback_of_what_was_refunded_is_told_with_its_evidence(desk: Desk) -> None:
    desk.match(
        [line(reference="A", request="1"), line(reference="B", request="2")],
        [document("1", reference="A"), document("2", reference="B")],
    )
    back = document("8", -10000, reference="A"), document("9", -3000, reference="B")
    desk.match(
        [
            line("refund", -10000, reference="A", request="8", related_request_id="1"),
            line("refund", -3000, reference="B", request="9", related_request_id="2"),
            line("chargeback", -10000, request="1", related_request_id="1", case_number="K1"),
            line("chargeback", -7000, request="2", related_request_id="2", case_number="K2"),
            line("chargeback", -10000, request="2", related_request_id="2", case_number="K3"),
        ],
        back,
        NEXT,
    )
    found = [
        item.explanation
        for item in desk.items.open_of_day(desk.day(NEXT))
        if item.cause.value == "chargeback_after_refund"
    ]
    whole, too_much = sorted(found)  # K2 is about the rest of B, and fits
    assert "case K1, is about order A, which was refunded: 100.00 USD on 2026" in whole
    assert "(request 8). The shopper would be paid twice: 100.00 USD." in whole
    assert "case K3, is about order B, which was refunded: 30.00 USD on 2026" in too_much
    assert "paid twice: 100.00 USD" in too_much  # 30.00 were refunded, K2 has the other 70.00
    assert desk.rules(NEXT).count("request_id") == 3, "each is a chargeback of ours all the same"


def test_a_second_chargeback_of_what_is_gone_already_is_told(desk: Desk) -> None:
    desk.match(
        [
            line(reference="A", request="1"),
            line("refund", -5000, reference="A", request="8", related_request_id="1"),
            line("chargeback", -5000, reference="A", related_request_id="1", case_number="K1"),
        ],
        [document("1", reference="A"), document("8", -5000, reference="A")],
    )
    assert "chargeback_after_refund" not in desk.causes()
    again = line("chargeback", -4000, reference="A", related_request_id="1", case_number="K2")
    desk.match([again], [], NEXT)
    (item,) = desk.items.open_of_day(desk.day(NEXT))
    assert "The shopper would be paid twice: 40.00 USD." in item.explanation


def chargeback(case: str, minor: int = -10000, **more: object) -> dict[str, object]:
    more = {"reference": "A", "related_request_id": "1", "request": "1"} | more
    return line("chargeback", minor, case_number=case, **more)


def beyond(desk: Desk, on: date) -> list[str]:
    return [
        item.explanation
        for item in desk.items.open_of_day(desk.day(on))
        if item.cause.value == "chargeback_beyond_sale"
    ]


@pytest.mark.parametrize("reference", ["A", None], ids=["order named", "request alone"])
def test_two_chargebacks_of_one_sale_take_more_than_was_sold(
    desk: Desk, reference: str | None
) -> None:
    desk.match([line(reference=reference, request="1")], [document("1", reference="A")])
    for on, case in ((NEXT, "K1"), (THIRD, "K2")):
        desk.match([chargeback(case, reference=reference)], [], on)
    assert beyond(desk, NEXT) == []
    (told,) = beyond(desk, THIRD)
    assert f"case K2, is about order {reference or '1'}, which sold 100.00 USD" in told
    assert "have taken 100.00 USD of it before. 100.00 USD is more than was sold" in told


def test_two_chargebacks_of_one_day_are_counted_one_after_the_other(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [document("1", reference="A")])
    desk.match([chargeback("K1", -6000), chargeback("K2", -6000)], [], NEXT)
    (told,) = beyond(desk, NEXT)
    assert "case K2" in told
    assert "have taken 60.00 USD of it before. 20.00 USD is more than was sold" in told


AGAIN = {"line_no": 90, "file_digest": "e" * 64}  # the same line, in another day's file


def test_a_sale_that_is_reported_twice_was_sold_once(desk: Desk) -> None:
    sale = line(reference="A", request="1")
    desk.match([sale], [document("1", reference="A")])
    desk.match([sale | AGAIN, chargeback("K1")], [], NEXT)
    assert desk.causes(NEXT) == ["duplicate_line"]
    desk.match([chargeback("K2")], [], THIRD)
    assert len(beyond(desk, THIRD)) == 1


def test_a_refund_that_is_reported_twice_was_given_back_once(desk: Desk) -> None:
    back = line("refund", -4000, reference="A", request="8", related_request_id="1")
    credit = document("8", -4000, reference="A")
    desk.match([line(reference="A", request="1"), back], [document("1", reference="A"), credit])
    desk.match([back | AGAIN, chargeback("K1", -6000)], [], NEXT)
    assert desk.causes(NEXT) == ["duplicate_line"]  # K1 is about the rest


def test_a_chargeback_that_was_given_back_may_come_again(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [document("1", reference="A")])
    desk.match([chargeback("K1")], [], NEXT)
    won = line("chargeback_reversal", 10000, reference="A", case_number="K1")
    desk.match([won, chargeback("K1")], [], THIRD)
    assert beyond(desk, THIRD) == []
    desk.match([chargeback("K2", -1)], [], FOURTH)
    assert len(beyond(desk, FOURTH)) == 1


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


@pytest.mark.parametrize(
    ("sale", "charged", "drift"),
    [
        (97, 1, -1),  # 1.65 % of 0.97 is 0.016005: 0.02 is agreed
        (97, 2, None),
        (97, 3, 1),
        (16_666, 274, -1),  # 2.74989: 2.75 is agreed
        (10_000_000, 165_000, None),
        (1000, 16, None),  # exactly half of a cent: to the even one
        (1000, 17, 1),
        (3000, 49, -1),  # half of a cent above 0.49: to the even one
        (3000, 50, None),
    ],
)
def test_a_price_without_tolerance_is_held_to_the_cent(
    desk: Desk, sale: int, charged: int, drift: int | None
) -> None:
    desk.mappings = ToTheCent()
    rows = [
        line(minor=sale, reference="A", request="1"),
        line("fee", -charged, detail_code="interchange", request="1"),
    ]
    desk.match(rows, [document("1", sale, reference="A")])
    found = [item.amount_minor for item in desk.items.open_of_day(desk.day())]
    assert found == ([] if drift is None else [drift])


@pytest.mark.parametrize(
    ("charged_on", "code", "fee", "told"),
    [
        ("gross_sale", "by_card", -150, "charged 1.50 USD, agreed 1.00 USD"),
        ("chargeback", "interchange", -165, "charged 1.65 USD, agreed 0.00 USD"),
    ],
    ids=["by the card of the sale", "on what costs nothing"],
)
def test_a_fee_is_judged_by_the_transaction_it_is_about(
    desk: Desk, charged_on: str, code: str, fee: int, told: str
) -> None:
    minor = 10000 if charged_on == "gross_sale" else -10000
    about = line(charged_on, minor, reference="A", request="1", card_type="Visa", case_number="K1")
    rows = [about, line("fee", fee, detail_code=code, request="1", card_type=None)]
    desk.match(rows, [document("1", reference="A")])
    found = [item for item in desk.items.open_of_day(desk.day()) if item.cause.value == "fee_drift"]
    assert [told in item.explanation for item in found] == [True]


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


@pytest.mark.parametrize(
    ("code", "charged", "told"),
    [
        ("interchange", 20, []),  # 1.65 % of 12.00 is 0.198
        ("interchange", 15, ["charged 0.15 USD, agreed 0.20 USD"]),
        ("interchange", 24, []),  # 0.0165 of each of the twelve is 0.02
        ("interchange", 26, ["charged 0.26 USD, agreed 0.24 USD"]),
        ("by_card", 12, []),  # 1 % of a dollar is a cent, whichever way
        ("by_card", 14, ["charged 0.14 USD, agreed 0.12 USD"]),
    ],
)
def test_a_summary_row_may_round_each_transaction_or_their_sum(
    desk: Desk, code: str, charged: int, told: list[str]
) -> None:
    orders = [str(n) for n in range(12)]
    desk.match(
        [
            *(line(minor=100, reference=n, request=n, card_type="Visa") for n in orders),
            line("fee", -charged, detail_code=code),
        ],
        [document(n, 100, reference=n) for n in orders],
    )
    found = desk.items.open_of_day(desk.day())
    assert len(found) == len(told)
    assert all(words in item.explanation for words, item in zip(told, found, strict=True))


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
