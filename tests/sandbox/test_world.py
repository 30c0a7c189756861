"""The world is decided by its seed, ties to itself, and knows every fault it planted."""

from collections import Counter
from datetime import date, timedelta

import pytest

from include.sandbox.cybersource.render import render
from include.sandbox.world import LABELS, MERCHANTS, Label, World
from include.sandbox.world.facts import share
from include.sandbox.world.model import Transaction
from include.sandbox.world.orders import instant_of
from include.sandbox.world.settlement import charge_lines

START = date(2026, 3, 1)
QUARTER = [START + timedelta(days=n) for n in range(92)]


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=7, start=START, days=120)


@pytest.fixture(scope="module")
def labels(world: World) -> list[Label]:
    return [found for m in MERCHANTS for day in QUARTER for found in world.labels(m, day)]


def file_of(world: World, merchant: str, name: str, day: date) -> bytes:
    return render(world.report(merchant, name, day))


def test_the_same_seed_gives_the_same_bytes_in_any_order() -> None:
    days = [START + timedelta(days=n) for n in (70, 3, 41, 0, 69)]
    names = [(m, r.name) for m, facts in MERCHANTS.items() for r in facts.reports]
    forward, backward = World(11, START, 90), World(11, START, 90)
    first = {(m, n, d): file_of(forward, m, n, d) for d in days for m, n in names}
    again = {(m, n, d): file_of(backward, m, n, d) for d in days[::-1] for m, n in names[::-1]}
    assert first == again


def test_another_seed_gives_another_day() -> None:
    name = "PaymentBatchDetailReport_Daily_Classic"
    day = START + timedelta(days=3)
    assert file_of(World(1, START), "acme_us", name, day) != file_of(
        World(2, START), "acme_us", name, day
    )


def test_every_label_occurs_at_least_five_times_in_a_quarter(labels: list[Label]) -> None:
    counts = Counter(found.label for found in labels)
    assert {word: counts[word] for word in LABELS if counts[word] < 5} == {}
    assert set(counts) <= set(LABELS)


def test_labels_are_plain_json(labels: list[Label]) -> None:
    kinds = {type(v) for found in labels for v in found.to_json().values()}
    assert kinds <= {str, int, dict}


def test_a_settlement_day_ties_to_its_funding_and_the_bank(world: World) -> None:
    for merchant, facts in MERCHANTS.items():
        for day in QUARTER[:40]:
            settled = world.settled(merchant, day)
            for currency in facts.currencies:
                funding = world.trade(merchant).funding(day, currency)
                parts = (
                    sum(t.signed_minor for t in settled.lines if t.currency == currency)
                    - sum(f.total_minor for f in settled.fee_lines)
                    - sum(r.total_minor for r in settled.fee_rows if r.currency == currency)
                    + sum(d.signed_minor for d in settled.disputes if d.currency == currency)
                    - sum(d.fee_minor for d in settled.disputes if d.currency == currency)
                    + settled.other(currency)
                )
                assert funding.net_minor == parts
                entries = world.bank_entries(facts.bank_accounts[currency], funding.funding_date)
                (entry,) = [e for e in entries if e.reference == funding.batch_id]
                short = [
                    found.amount_minor or 0
                    for found in world.labels(merchant, funding.funding_date)
                    if found.label == "short_funding" and found.batch_id == funding.batch_id
                ]
                assert entry.amount_minor == funding.net_minor - sum(short)


def test_money_arrives_two_business_days_after_a_friday_on_tuesday(world: World) -> None:
    friday = date(2026, 3, 6)
    assert world.trade("acme_us").funding(friday, "USD").funding_date == date(2026, 3, 10)
    assert world.trade("acme_uk").funding(friday, "EUR").funding_date == date(2026, 3, 9)


def test_fees_follow_the_schedule_to_the_cent() -> None:
    at = instant_of("7933393980001100000297")
    assert at is not None
    sale = Transaction(
        "1", "1", "sale", at, "R", "USD", 10_033, 10_033, "Visa", "9", date(2026, 3, 1)
    )
    (fee,) = charge_lines((sale,), None)
    # 100.33 at 1.65 % is 1.655445 -> 1.66; at 0.14 % is 0.140462 -> 0.14; 0.10 an item.
    assert (fee.interchange_minor, fee.assessment_minor, fee.per_item_minor) == (166, 14, 10)
    assert share(50, 10_000) == 50


def test_no_sale_is_refunded_twice_or_also_charged_back(world: World) -> None:
    for merchant in ("acme_us", "acme_uk"):
        refunded = Counter(
            refund.of.reference for d in QUARTER for refund in world.trade(merchant).refunds(d)
        )
        disputed = Counter(
            case.reference
            for d in QUARTER
            for case in world.settled(merchant, d).disputes
            if case.kind == "chargeback"
        )
        assert max(refunded.values()) == 1
        assert max(disputed.values()) == 1
        assert not set(refunded) & set(disputed)
        assert len(disputed) > 30


def test_a_chargeback_comes_ten_to_sixty_days_after_its_sale(world: World) -> None:
    for day in QUARTER[60:]:
        for case in world.settled("acme_us", day).disputes:
            if case.is_unknown:
                assert world.transaction(case.request_id) is None
                continue
            found = world.transaction(case.request_id)
            assert found is not None
            sold = found[1].settlement_date
            assert sold is not None
            assert 10 <= (day - sold).days <= 90
            assert case.amount_minor <= found[1].amount_minor


def test_a_reversal_returns_exactly_what_its_chargeback_took(world: World) -> None:
    cases = [c for d in QUARTER for c in world.settled("acme_us", d).disputes]
    taken = {c.case_number: c for c in cases if c.kind == "chargeback"}
    won = [c for c in cases if c.kind == "reversal"]
    assert len(won) >= 5
    for case in won:
        first = taken[case.case_number]
        assert (case.amount_minor, case.request_id) == (first.amount_minor, first.request_id)
        assert case.at > first.at
        assert case.fee_minor == 0


@pytest.fixture(scope="module")
def documents(world: World) -> dict[tuple[str, str], dict[str, object]]:
    """AR documents by (merchant, customer|invoice|type)."""
    return {
        (m, f"{row['Customer']}|{row['Invoice']}|{row['DocumentType']}"): row
        for m, facts in MERCHANTS.items()
        for day in QUARTER
        for table, row in world.erp_day(facts.company, day)
        if table == "ArInvoice"
    }


@pytest.fixture(scope="module")
def lines(world: World) -> dict[tuple[str, str], Transaction]:
    """Settled lines by (merchant, request id)."""
    return {
        (m, line.request_id): line
        for m in MERCHANTS
        for day in QUARTER
        for line in world.settled(m, day).lines
    }


Documents = dict[tuple[str, str], dict[str, object]]
Lines = dict[tuple[str, str], Transaction]


def test_what_is_missing_on_one_side_exists_on_the_other(
    labels: list[Label], documents: Documents, lines: Lines
) -> None:
    references = {(m, row["CustomerPoNumber"]) for (m, _), row in documents.items()}
    for found in (f for f in labels if f.label == "missing_in_erp"):
        assert (found.merchant, found.request_id) in lines
        assert (found.merchant, found.merchant_reference) not in references
    settled = {(m, line.reference) for (m, _), line in lines.items()}
    for found in (f for f in labels if f.label == "missing_in_settlement"):
        assert (found.merchant, found.document_id) in documents
        assert (found.merchant, found.merchant_reference) not in settled


def minor(row: dict[str, object], currency: str) -> int:
    whole, _, cents = str(row["CurrencyValue"]).partition(".")
    return int(whole) if currency == "JPY" else int(whole + cents)


def test_a_wrong_document_differs_from_its_line_in_one_thing(
    labels: list[Label], documents: Documents, lines: Lines
) -> None:
    wrong = [f for f in labels if f.label in ("wrong_amount", "wrong_currency")]
    for found in wrong:
        row = documents[(found.merchant, found.document_id or "")]
        line = lines[(found.merchant, found.request_id or "")]
        assert row["CustomerPoNumber"] == line.reference
        same_amount = minor(row, line.currency) == line.amount_minor
        same_currency = row["PostCurrency"] == line.currency
        expected = (False, True) if found.label == "wrong_amount" else (True, False)
        assert (same_amount, same_currency) == expected


def test_a_refund_without_reference_still_has_its_credit_note(
    labels: list[Label], documents: Documents, lines: Lines
) -> None:
    for found in (f for f in labels if f.label == "refund_without_reference"):
        row = documents[(found.merchant, found.document_id or "")]
        line = lines[(found.merchant, found.request_id or "")]
        assert line.reference is None
        assert row["CustomerPoNumber"] == found.detail["order_reference"]
        assert minor(row, line.currency) == -line.amount_minor


def test_every_other_line_has_a_document_that_agrees(
    labels: list[Label], documents: Documents, lines: Lines
) -> None:
    odd = {(f.merchant, f.request_id) for f in labels}
    odd |= {(f.merchant, f.detail.get("rest_request_id")) for f in labels}
    known = {
        (m, row["CustomerPoNumber"], row["PostCurrency"], minor(row, str(row["PostCurrency"])))
        for (m, _), row in documents.items()
    }
    plain = {key: line for key, line in lines.items() if key not in odd}
    assert len(plain) > 10_000
    for (merchant, _), line in plain.items():
        assert (merchant, line.reference, line.currency, line.signed_minor) in known


def test_every_other_document_has_a_line_that_agrees(
    labels: list[Label], documents: Documents, lines: Lines
) -> None:
    odd = {(f.merchant, f.document_id) for f in labels}
    known = {(m, t.reference, t.currency, t.signed_minor) for (m, _), t in lines.items()}
    last = QUARTER[-4].isoformat()
    plain = {k: r for k, r in documents.items() if k not in odd and str(r["InvoiceDate"]) < last}
    assert len(plain) > 10_000
    for (merchant, _), row in plain.items():
        currency = str(row["PostCurrency"])
        key = (merchant, row["CustomerPoNumber"], currency, minor(row, currency))
        assert key in known


def test_a_late_line_comes_one_to_three_days_after_its_document(labels: list[Label]) -> None:
    late = [found for found in labels if found.label == "late"]
    assert {found.detail["days_late"] for found in late} == {1, 2, 3}
    assert {found.cause for found in late} == {"expected", "missing_in_settlement"}


def test_a_partial_capture_is_less_than_authorized_and_says_so(
    world: World, labels: list[Label]
) -> None:
    partial = [found for found in labels if found.label == "partial_capture"]
    assert {found.resolves_on is None for found in partial} == {True, False}
    for found in partial:
        lookup = world.transaction(found.request_id or "")
        assert lookup is not None
        line = lookup[1]
        assert line.authorized_minor is not None
        assert line.amount_minor < line.authorized_minor
        assert found.detail["open_minor"] == line.authorized_minor - line.amount_minor


def test_equal_amounts_have_no_reference_on_either_side(world: World, labels: list[Label]) -> None:
    equal = [found for found in labels if found.label == "identical_amounts"]
    groups = Counter((f.merchant, f.on, f.currency, f.amount_minor) for f in equal)
    assert min(groups.values()) >= 2
    for found in equal:
        assert found.merchant_reference is None
        company = MERCHANTS[found.merchant].company
        blank = [
            row
            for table, row in world.erp_day(company, found.on)
            if table == "ArInvoice" and not row["CustomerPoNumber"]
        ]
        assert len(blank) == groups[(found.merchant, found.on, found.currency, found.amount_minor)]


def test_the_first_batch_of_a_month_holds_lines_of_the_month_before(world: World) -> None:
    settled = world.settled("acme_us", date(2026, 4, 1))
    placed = {settled.orders[line.request_id].placed.month for line in settled.captures}
    assert placed == {3, 4}


def test_clock_change_days_have_23_and_25_hours(labels: list[Label]) -> None:
    found = {
        (label.merchant, label.on, label.detail["hours"])
        for label in labels
        if label.label == "dst_day"
    }
    assert found == {
        ("acme_us", date(2026, 3, 8), 23),
        ("acme_uk", date(2026, 3, 29), 23),
    }
    autumn = World(7, date(2026, 10, 20), 20).labels("acme_us", date(2026, 11, 1))
    assert {found.detail["hours"] for found in autumn if found.label == "dst_day"} == {25}


def test_a_sale_in_the_repeated_hour_is_inside_its_day(world: World) -> None:
    autumn = World(7, date(2026, 10, 20), 20, volume=2_000)
    settled = autumn.settled("acme_us", date(2026, 11, 1))
    repeated = [t for t in settled.captures if t.at.hour in (5, 6) and t.at.day == 1]
    assert {t.at.hour for t in repeated} == {5, 6}  # 01:30 local, once before and once after


def test_request_ids_are_22_digits_and_unique(world: World) -> None:
    ids = [
        line.request_id
        for m in MERCHANTS
        for day in QUARTER
        for line in world.settled(m, day).lines
    ]
    assert len(ids) == len(set(ids))
    assert all(len(text) == 22 and text.isdigit() for text in ids)


def test_a_world_without_faults_has_plain_orders_and_full_funding() -> None:
    calm = World(7, START, 60, fault_rate=0)
    words = {f.label for m in MERCHANTS for d in QUARTER[:60] for f in calm.labels(m, d)}
    assert words <= {
        "partial_refund",
        "chargeback_reversal",
        "dispute_deadline_passed",  # issuers take money back in a calm world too
        "dst_day",
        "month_end_across_batch",
        "closed_period",
    }


def test_a_restated_report_differs_exactly_where_said() -> None:
    world = World(7, START, 30)
    day, name = date(2026, 3, 10), "PaymentBatchDetailReport_Daily_Classic"
    before = file_of(world, "acme_us", name, day).decode().splitlines()
    said = world.restate("acme_us", name, day)
    after = file_of(world, "acme_us", name, day).decode().splitlines()
    assert said["version"] == 2
    (change,) = said["changes"]  # type: ignore[misc]
    (gone,) = set(before) - set(after)
    assert change["change"] == "removed"
    assert change["request_id"] in gone
    assert [line for line in before if line != gone] == after


def test_a_restated_fee_costs_ten_cents_more_and_the_bank_corrects_it() -> None:
    world = World(7, START, 30)
    day, name = date(2026, 3, 10), "FeeDetailReport_Daily"
    said = world.restate("acme_us", name, day)
    columns = {change["column"]: change for change in said["changes"]}  # type: ignore[attr-defined]
    assert columns["fee_perItemFeeAmount"]["from"] == "0.10"
    assert columns["fee_perItemFeeAmount"]["to"] == "0.20"
    assert set(columns) == {"fee_perItemFeeAmount", "fee_totalFeeAmount"}
    batch = world.settled("acme_us", day).batch("USD")
    entries = world.bank_entries("US-001", date(2026, 3, 13))  # funded on the 12th
    assert [e.amount_minor for e in entries if e.reference == batch] == [-10]


def test_statements_open_where_the_last_one_closed() -> None:
    world = World(7, START, 30)
    world.restate("acme_us", "FeeDetailReport_Daily", date(2026, 3, 4))
    balance = None
    for n in range(20):
        statement = world.bank("US-001", START + timedelta(days=n))
        assert statement is not None
        assert balance in (None, statement.opening_minor)
        balance = statement.closing_minor


def test_nothing_exists_outside_the_days_of_the_world() -> None:
    world = World(7, START, 30)
    assert world.bank("US-001", START + timedelta(days=30)) is None
    assert world.labels("acme_us", START - timedelta(days=1)) == []
    assert list(world.erp_day("A", START + timedelta(days=30))) == []
