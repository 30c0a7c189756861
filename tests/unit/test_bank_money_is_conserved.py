"""Whatever the bank states, in whatever order the days run: its money is booked, or it waits."""

import random
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from include.domain.expectations import Expectation, ExpectationKind
from include.domain.journal import Journal
from tests.support_books import Desk, line

FIRST = date(2026, 10, 1)
BANK_DAYS = [FIRST + timedelta(days=n) for n in range(1, 14)]
Batches = dict[date, list[tuple[str, int]]]
Entries = dict[date, list[tuple[str, int, str]]]


def draw_batches(dice: random.Random) -> Batches:
    """Draw a few batches; some share an id, some owe."""
    found: Batches = {}
    for number in range(dice.randint(1, 5)):
        on = FIRST + timedelta(days=dice.randint(0, 5))
        minor = dice.choice([10000, 20000, 15000, dice.randint(100, 50000), -2900])
        found.setdefault(on, []).append((dice.choice([f"B{number}", "B0"]), minor))
    return found


def draw_entries(dice: random.Random, batches: Batches) -> Entries:
    """Draw what the bank states: payments whole, in parts or short, and money of others.

    Ids come again on other days, as banks use them; within a statement the reader tells them apart.
    """
    stated: list[tuple[date, int, str]] = []
    for on, some in batches.items():
        for name, minor in some:
            parts = dice.choice([(minor,), (minor // 3, minor - minor // 3), (minor - 7,)])
            for part in parts:
                when = on + timedelta(days=dice.randint(1, 6))
                stated.append((when, part, dice.choice([name, f"{name} x", "", "rent"])))
    for _ in range(dice.randint(0, 3)):
        stated.append((dice.choice(BANK_DAYS), dice.choice([500, -700, 10000]), "rent"))
    found: Entries = {}
    seen: Counter[tuple[date, str]] = Counter()
    for when, minor, reference in stated:
        name = dice.choice("123")
        seen[when, name] += 1
        nth = seen[when, name]
        named = name if nth == 1 else f"{name}-{nth}"
        found.setdefault(when, []).append((named, minor, reference))
    return found


def play(desk: Desk, dice: random.Random, batches: Batches, entries: Entries) -> None:
    """Build and fund the days in some order, some twice; then each bank day once more."""
    steps = [("build", on) for on in batches] + [("fund", on) for on in BANK_DAYS]
    dice.shuffle(steps)
    again = [("fund", on) for on in dice.sample(BANK_DAYS, 4)]
    for step, on in [*steps, *again, *(("fund", on) for on in BANK_DAYS)]:
        if step == "fund":
            desk.fund(entries.get(on, []), on)
            continue
        rows = [
            line(
                "gross_sale" if minor > 0 else "chargeback",
                minor,
                batch=name,
                request=f"{on}{number}",
                case_number=None if minor > 0 else f"K{on}{number}",
            )
            for number, (name, minor) in enumerate(batches[on])
        ]
        desk.build(rows, on)


def held(desk: Desk, account: str) -> int:
    """Return what an account holds by all journals that stand, in cents."""
    with desk.engine.begin() as connection:
        rows = connection.execute(text("select payload from journals where state != 'void'"))
        found = [Journal.from_payload(payload) for payload in rows.scalars()]
    return sum(x.base.minor for j in found for x in j.lines if x.gl_account == account)


def awaited(desk: Desk, kind: ExpectationKind) -> list[Expectation]:
    last = BANK_DAYS[-1]
    found = desk.expectations.load("acme_us", kind, since_until=last, met_from=FIRST)
    return [one for one in found if one.is_awaited]


@pytest.mark.parametrize("seed", range(12))
def test_the_banks_money_is_booked_or_waits(tmp_path: Path, seed: int) -> None:
    desk, dice = Desk(tmp_path), random.Random(seed)  # noqa: S311 - a seed to replay
    batches = draw_batches(dice)
    entries = draw_entries(dice, batches)
    play(desk, dice, batches, entries)
    bank = held(desk, "1000")
    waits = sum(one.amount_minor for one in awaited(desk, ExpectationKind.batch))
    assert bank + waits == sum(minor for some in entries.values() for _, minor, _ in some)
    transit = held(desk, "1160")
    assert transit == sum(m for some in batches.values() for _, m in some) - bank
    assert transit == sum(one.amount_minor for one in awaited(desk, ExpectationKind.funding))
    items = desk.items.of_stage("acme_us", "fund")
    assert waits == sum(i.amount_minor or 0 for i in items if i.explanation.startswith("Bank"))
