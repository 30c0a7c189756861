"""A soak's judges tell of each thing that may not be: made-up books, one spoiled at a time."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.soak.judge import Kept, judge
from tests.soak.settling import unproven
from tests.soak.town import Bought

GOOD = Bought("acme_us_web", "1", by_api=True, answered=201)


def _requests() -> list[dict[str, Any]]:
    hold = {"kind": "authorization", "request_id": "5", "status": "AUTHORIZED",
            "amount": "43.28", "authorized": "43.28", "open_hold": "0.00"}  # fmt: skip
    capture = {"kind": "capture", "request_id": "6", "status": "PENDING", "amount": "43.28",
               "authorized": "0.00", "open_hold": "0.00"}  # fmt: skip
    return [{"code": "W1", **hold}, {"code": "W1", **capture}]


def _row(system: str, verb: str, reference: str, **facts: Any) -> dict[str, Any]:
    return {"committed": True, "system": system, "verb": verb, "reference": reference,
            "facts": facts}  # fmt: skip


def _ledger() -> list[dict[str, Any]]:
    who = {"company": "A", "customer": "C1"}
    return [
        _row("shop", "orders.create", "1", shop="acme_us_web", number="1", amount_minor=4328),
        _row("syspro", "SORTOI A", "W1", sales_order="10", **who),
        _row("syspro", "SORTIC", "W1", document_type="I", value="43.28", **who),
        _row("syspro", "ARSTPY Payment", "TO1", value="43.28", **who),
    ]


@dataclass
class Books:
    bought: list[Bought] = field(default_factory=lambda: [replace(GOOD)])
    kept: dict[str, Kept] = field(default_factory=lambda: {"W1": Kept("completed", False)})
    requests: list[dict[str, Any]] = field(default_factory=_requests)
    ledger: list[dict[str, Any]] = field(default_factory=_ledger)

    def told(self) -> list[str]:
        return judge(self.bought, self.kept, self.requests, self.ledger)


def test_books_that_are_right_are_not_odd() -> None:
    assert Books().told() == []


SPOILT: dict[str, tuple[Callable[[Books], object], str]] = {
    "captured twice": (lambda b: b.requests.append(b.requests[1]), "86.56 taken"),
    "no receipt": (lambda b: b.ledger.pop(), "0 booked in AR, 43.28 kept"),
    "a receipt too many": (lambda b: b.ledger.append(b.ledger[3]), "86.56 booked in AR"),
    "lost": (lambda b: b.kept.clear(), "lost: nobody knows it"),
    "a second sales order": (
        lambda b: b.ledger.append(_row("syspro", "SORTOI A", "W1", sales_order="11",
                                       company="A", customer="C1")), "10, 11"),
    "no sales order": (lambda b: b.ledger.pop(1), "sales orders that stand: none"),
    "invoiced in part": (lambda b: b.ledger[2]["facts"].update(value="1.00"), "invoiced 1.00"),
    "credited, and not given back": (
        lambda b: b.ledger.append(_row("syspro", "SORTIC", "W1", document_type="C",
                                       value="-5.00")), "5.00 credited"),
    "a hold that stays": (lambda b: b.requests[0].update(open_hold="43.28"), "hold money still"),
    "a cancel that nobody heard": (
        lambda b: setattr(b.bought[0], "is_cancelled", True), "nobody is told"),
    "an end that nobody asked for": (
        lambda b: b.kept.update(W1=Kept("cancelled", False)), "nobody asked for its end"),
    "under way for ever": (lambda b: b.kept.update(W1=Kept("booked", False)), "has not ended"),
    "taken though declined": (lambda b: setattr(b.bought[0], "wish", "declined"), "had declined"),
    "a refund that was promised": (lambda b: b.bought[0].refunds.append("2.50"), "0 returned"),
    "a stranger's order": (
        lambda b: b.requests.append({**b.requests[0], "code": "W9"}), "nobody placed"),
    "nobody bought": (lambda b: b.bought.clear(), "nobody bought anything"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_what_may_not_be_is_told(name: str) -> None:
    spoil, words = SPOILT[name]
    books = Books()
    spoil(books)
    assert any(words in line for line in books.told()), books.told()


LINE = {"6": {"amount_minor": 4328, "rule": "exact", "cause": ""}}


def test_a_day_that_proves_all_that_moved_is_not_odd() -> None:
    undone = {**_requests()[1], "request_id": "7", "status": "VOIDED"}
    assert unproven([*_requests(), undone], LINE) == []


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ({}, "in no settlement"),
        ({"6": {**LINE["6"], "amount_minor": 4327}}, "settled as 4327"),
        ({"6": {**LINE["6"], "amount_minor": -4328}}, "settled as -4328"),
        ({"6": {**LINE["6"], "rule": ""}}, "matched with nothing: no rule"),
        ({"6": {**LINE["6"], "cause": "no_document"}}, "matched with nothing: no_document"),
    ],
)
def test_what_a_day_does_not_prove_is_told(lines: dict[str, Any], words: str) -> None:
    (told,) = unproven(_requests(), lines)
    assert words in told


def test_a_refund_is_a_line_below_zero() -> None:
    refund = {"kind": "refund", "request_id": "8", "status": "PENDING", "amount": "5.00",
              "code": "W1"}  # fmt: skip
    assert unproven([refund], {"8": {"amount_minor": -500, "rule": "exact"}}) == []
    assert unproven([refund], {"8": {"amount_minor": 500, "rule": "exact"}})


def test_a_day_on_which_nothing_moved_proves_nothing() -> None:
    assert unproven([_requests()[0]], {})
