"""Amounts, times and card numbers, read as whole columns, against slower and plainer readers."""

import random
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.adapters.layouts.reading import cards
from include.adapters.layouts.reading.classify import classify
from include.adapters.layouts.reading.plan import Plan
from include.adapters.layouts.shape import (
    Column,
    Csv,
    Kind,
    Layout,
    Line,
    RecordTypes,
    Sign,
    currency,
    money,
)
from include.domain.card_numbers import has_card_number
from include.domain.errors import Rejected
from include.domain.money import MINOR_UNIT_DIGITS, Money
from include.domain.settlement import LineClass
from include.services.files import Expected

PLAIN = Layout(
    name="plain",
    source=Csv(preamble="none"),
    columns=(
        currency("currency", "currency"),
        money("amount", "currency", "amount"),
        Column("at", ("at",), Kind.instant),
        Column("row", ("row",)),  # makes every line another one
    ),
    records=RecordTypes(types={"": (Line(LineClass.adjustment, "amount", Sign.signed),)}),
    fields={"occurred_at": "at"},
)
PLAN = Plan(PLAIN, ("currency", "amount", "at", "row"), (), Expected())


def _read(amounts: list[tuple[str, str]], at: list[str] | None = None) -> dict[int, object]:
    """Return what each line became: minor units, or the reason it was set aside."""
    text = pl.DataFrame(
        {
            "currency": [c for _, c in amounts],
            "amount": [a for a, _ in amounts],
            "at": at or [None] * len(amounts),
            "row": [str(row) for row in range(len(amounts))],
        },
        schema=dict.fromkeys(("currency", "amount", "at", "row"), pl.String()),
    )
    found = classify(text, pl.int_range(len(amounts), eager=True), PLAN)
    lines = dict(found.lines.select("line_no", "amount_minor").iter_rows())
    bad = dict(found.bad.select("#line_no", "reason_code").iter_rows())
    assert lines.keys().isdisjoint(bad)
    assert len(lines) + len(bad) == len(amounts)
    return {**lines, **bad}


decimals = st.builds(
    lambda sign, whole, fraction: f"{sign}{whole}{fraction}",
    st.sampled_from(["", "-"]),
    st.from_regex(r"[0-9]{1,14}", fullmatch=True),
    st.one_of(st.just(""), st.from_regex(r"\.[0-9]{1,4}", fullmatch=True)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(decimals, st.sampled_from(sorted(MINOR_UNIT_DIGITS))), min_size=1))
def test_columns_read_amounts_as_money_does(amounts: list[tuple[str, str]]) -> None:
    found = _read(amounts)
    for line, (text, code) in enumerate(amounts):
        try:
            assert found[line] == Money.parse(text, code, "").minor
        except Rejected:
            assert found[line] == "amount_finer_than_currency"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1))
def test_no_text_is_an_amount_that_money_refuses(texts: list[str]) -> None:
    texts = [text for text in texts if text] or ["x"]
    found = _read([(text, "USD") for text in texts])
    for line, text in enumerate(texts):
        if isinstance(found[line], int):
            assert found[line] == Money.parse(text, "USD", "").minor


def test_sums_of_cents_lose_nothing() -> None:
    # 0.10 + 0.20 is 0.30000000000000004 in binary fractions; here it is 30.
    found = _read([("0.10", "USD"), ("0.20", "USD"), ("99999999999999.99", "USD")])
    assert found == {0: 10, 1: 20, 2: 9_999_999_999_999_999}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.integers(946_684_800, 4_102_444_800).map(lambda s: datetime.fromtimestamp(s, UTC)),
        min_size=1,
    )
)
def test_instants_come_back_to_the_second(instants: list[datetime]) -> None:
    texts = [f"{instant:%Y-%m-%dT%H:%M:%SZ}" for instant in instants]
    text = pl.DataFrame({"currency": ["USD"] * len(texts), "amount": ["1"] * len(texts)})
    numbers = pl.int_range(pl.len()).cast(pl.String)
    frame = text.with_columns(numbers.alias("row"), at=pl.Series(texts))
    found = classify(frame, pl.int_range(len(texts), eager=True), PLAN)
    assert found.lines["occurred_at"].to_list() == instants


@pytest.mark.parametrize(
    "text", ["2026-3-08T02:30:00Z", "2026-03-08T2:30:00Z", "02026-03-08T02:30:00Z", "2026-03-08"]
)
def test_a_time_of_odd_width_is_refused(text: str) -> None:
    assert _read([("1", "USD")], [text]) == {0: "time_not_iso_8601"}


BETWEEN = (" ", "-", ".", "/", "  ", "\t", "\u00a0", "\u200b", " - ", "_")
SCRIPTS = [{48 + n: zero + n for n in range(10)} for zero in (0x30, 0x660, 0xFF10)]
# Each letter stands for a piece, so that cards are found by chance in any writing.
SPELT = {"a": "4111", "b": "1111", "c": "4111111111111111", "d": "11", "e": "378282246310005"}
SPELT |= {"f": "41111111", "g": "1" * 22, "h": "4222222222222", "i": "x", "j": "\uff11" * 4}
SPELT |= {"k": "d5f4111111111111111aaaaaaaaaaaaa", "l": "12", "m": "2026", "n": "\u00e9"}
SPELT |= {str(number): between for number, between in enumerate(BETWEEN)}
PIECES = "".join(SPELT)

# (prefix, length) of every family that is looked for
FAMILIES = [("4", 16), ("4", 13), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16)]
FAMILIES += [("34", 15), ("37", 15), ("6011", 16), ("65", 16), ("644", 16), ("3528", 16)]
FAMILIES += [("36", 14), ("305", 14), ("62", 16), ("62", 19), ("6759", 16), ("5018", 16)]


def _with_check_digit(digits: str) -> str:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - position % 2)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


def test_every_one_of_a_thousand_planted_card_numbers_is_found_and_masked() -> None:
    chance = random.Random(7)  # noqa: S311 (a seed, not a secret)
    planted = []
    for number in range(1_000):
        prefix, length = FAMILIES[number % len(FAMILIES)]
        body = prefix + "".join(
            chance.choice("0123456789") for _ in range(length - 1 - len(prefix))
        )
        card = _with_check_digit(body)
        if length == 16 and number % 3 == 0:
            card = chance.choice(BETWEEN).join(card[i : i + 4] for i in range(0, 16, 4))
        if number % 7 == 0:
            card = card.translate(chance.choice(SCRIPTS))
        planted.append(chance.choice(["{}", "order {}", "{}x", "a:{},b"]).format(card))
    assert cards.flag_cards(pl.Series(planted)).all()
    masked = [cards.mask_cards(text) for text in planted]
    assert all("[card number]" in text for text in masked)
    assert not cards.flag_cards(pl.Series(masked)).any()


@given(st.lists(st.text(PIECES, max_size=12) | st.none(), max_size=8))
@settings(max_examples=300)
def test_a_column_is_flagged_exactly_where_the_one_rule_finds_a_card(
    texts: list[str | None],
) -> None:
    texts = [None if text is None else "".join(SPELT[one] for one in text) for text in texts]
    expected = [text is not None and has_card_number(text, in_a_file=True) for text in texts]
    assert cards.flag_cards(pl.Series(texts, dtype=pl.String)).to_list() == expected


def test_no_id_of_a_real_shape_is_taken_for_a_card_number() -> None:
    chance = random.Random(7)  # noqa: S311 (a seed, not a secret)
    shapes = [
        lambda: f"{chance.randrange(10**21, 10**22)}",  # request id
        lambda: f"{chance.randrange(1_600_000_000_000, 1_900_000_000_000)}",  # epoch milliseconds
        lambda: f"ORD-{chance.randrange(10**8):08d}-{chance.randrange(10**4):04d}",
        lambda: f"{chance.randrange(10**10, 10**11)}",  # batch
        lambda: f"2026{chance.randrange(10**10):010d}",  # date and time
        lambda: f"7{chance.randrange(10**22):022d}",  # acquirer reference number
        lambda: f"2026-10-{chance.randrange(1, 31):02d} 04:{chance.randrange(60):02d}:00.123456",
        lambda: f"{chance.randrange(10**8):08d}-{chance.randrange(10**4):04d}",  # 12 digits
    ]
    ids = [shape() for _ in range(20_000) for shape in shapes]
    assert not cards.flag_cards(pl.Series(ids)).any()
