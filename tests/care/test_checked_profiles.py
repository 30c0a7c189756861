"""Which stored cards a night checks: the longest due, as many as its share, none that rest."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
from airflow.sdk.exceptions import AirflowTaskTimeout

from include.domain.erp_orders import CustomerCredit
from include.domain.errors import Rejected, Retryable
from include.domain.orders import PaymentMethod, PaymentSource
from include.domain.payments import StoredToken
from include.services.profiles import check_profiles
from include.services.profiles.check_profiles import ProfileCheck
from tests.care.conftest import Care
from tests.care.test_profiles import check, run_sweep
from tests.orders.conftest import make_order


def kept(care: Care, letters: str) -> list[StoredToken]:
    """Keep a card of each letter, an hour apart, of customers that SYSPRO knows."""
    tokens = []
    for letter in letters:
        token = care.token(letter)
        order = care.order_with(token, number=f"70{letter}")
        customer = care.kit.service.orders.get(order.order_id).facts.customer
        care.kit.erp.credits[customer] = CustomerCredit(customer, True, False, None, None)
        tokens.append(token)
        run_sweep(care)
        care.kit.clock.move(hours=1)
    return tokens


def read_by(care: Care, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the first letters of the cards that the gateway is asked for."""
    asked: list[str] = []
    read = care.vault.instrument

    def instrument(customer: str, card: str) -> StoredToken | None:
        asked.append(customer[0])
        return read(customer, card)

    monkeypatch.setattr(care.vault, "instrument", instrument)
    return asked


def run(one: ProfileCheck) -> str:
    return str(one.run(nullcontext))


def keep_silent(care: Care, broken: pytest.MonkeyPatch, about: Callable[[str], bool]) -> None:
    """Have the gateway give no answer about some customers' cards, by the customer's letter."""
    read = care.vault.instrument

    def instrument(customer: str, card: str) -> StoredToken | None:
        found = read(customer, card)
        if about(customer[0]):
            raise Retryable("HTTP 500", "the vault", "Ask again.")
        return found

    broken.setattr(care.vault, "instrument", instrument)


def refuse(broken: pytest.MonkeyPatch, care: Care, letter: str) -> None:
    """Have the gateway refuse to show the card of one customer."""
    read = care.vault.instrument

    def instrument(customer: str, card: str) -> StoredToken | None:
        if customer[0] == letter:
            raise Rejected("the gateway answers 403", "the vault", "Give the key the permission.")
        return read(customer, card)

    broken.setattr(care.vault, "instrument", instrument)


def test_a_night_checks_its_share_and_the_next_goes_on_with_the_rest(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(care, "CBA")
    asked = read_by(care, monkeypatch)
    monkeypatch.setattr(check_profiles, "_A_NIGHT", 2)
    assert run(check(care)).startswith("2 read: 2 done")
    assert asked == ["C", "B"]  # the longest due
    care.kit.clock.move(hours=24)
    assert run(check(care)).startswith("1 read: 1 done")
    assert asked == ["C", "B", "A"]
    care.kit.clock.move(hours=16 * 24)
    run(check(care))
    assert sorted(asked[3:]) == ["B", "C"]


def test_a_check_that_was_cut_off_goes_on_where_it_stopped(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(care, "ABC")
    monkeypatch.setattr(check_profiles, "_AT_ONCE", 1)
    asked, existing = read_by(care, monkeypatch), care.kit.erp.existing
    answers = iter([True, False])

    def cut_off(customers: list[str]) -> set[str]:
        if not next(answers):
            raise AirflowTaskTimeout("4 hours are over")
        return existing(customers)

    with monkeypatch.context() as broken:
        broken.setattr(care.kit.erp, "existing", cut_off)
        with pytest.raises(AirflowTaskTimeout):
            run(check(care))
    assert asked == ["A", "B"]
    run(check(care))
    assert asked == ["A", "B", "B", "C"]


def test_a_card_that_is_never_answered_keeps_no_other_from_its_turn(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(care, "ABC")
    asked = read_by(care, monkeypatch)
    with monkeypatch.context() as broken:
        keep_silent(care, broken, lambda customer: customer == "B")
        assert run(check(care)).startswith("3 read: 2 done, 1 set aside")
        assert asked == list("ABACBC")  # once more, behind the others; each time one that answers
        ((kind, _),) = care.open_letters()
        assert kind == "token_not_read"
        care.kit.clock.move(hours=24)
        with pytest.raises(Retryable):  # nobody else is asked who could have answered
            run(check(care))
        assert run(check(care)).startswith("0 read")  # and the next try has nothing left to ask
    care.kit.clock.move(hours=24)
    assert run(check(care)).startswith("1 read: 1 done")
    assert care.open_letters() == []


def test_a_gateway_that_answers_nothing_is_no_fault_of_a_card(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(care, "ABC")
    asked = read_by(care, monkeypatch)
    with monkeypatch.context() as broken:
        keep_silent(care, broken, lambda _customer: True)
        with pytest.raises(Retryable):
            run(check(care))
    assert asked == ["A", "B", "C"]
    assert care.open_letters() == []
    assert run(check(care)).startswith("2 read: 2 done")


def test_cards_that_alone_are_due_and_are_never_answered_are_one_letter(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(care, "ABC")
    with monkeypatch.context() as broken:
        keep_silent(care, broken, lambda _customer: True)
        for _ in range(3):
            with pytest.raises(Retryable):
                run(check(care))
        assert run(check(care)).startswith("0 read")  # the night ends well
    assert care.open_letters() == [("tokens_not_read", "acme_us")]
    assert [one.owner for one in care.letters.listing()] == ["ann@acme"]
    care.kit.clock.move(hours=24)
    assert run(check(care)).startswith("3 read: 3 done")
    assert care.open_letters() == []


def test_a_gateway_that_goes_down_before_the_second_ask_is_no_fault_of_a_card(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(care, "ABCDE")
    asked = read_by(care, monkeypatch)
    with monkeypatch.context() as broken:
        keep_silent(care, broken, lambda customer: "E" in asked[:-1] or customer in "BD")
        with pytest.raises(Retryable):
            run(check(care))
    assert asked == list("ABACDCEBE")
    assert care.open_letters() == []
    assert run(check(care)).startswith("2 read: 2 done")


def test_cards_that_are_never_answered_each_have_a_letter(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(care, "ABCD")
    keep_silent(care, monkeypatch, lambda customer: customer != "A")
    assert run(check(care)).startswith("4 read: 1 done, 3 set aside")
    assert [kind for kind, _ in care.open_letters()] == ["token_not_read"] * 3


def test_a_card_that_no_order_has_used_for_a_year_rests_until_one_does(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    (token,) = kept(care, "A")
    asked = read_by(care, monkeypatch)
    care.kit.clock.move(hours=366 * 24)
    assert run(check(care)).startswith("0 read")
    assert asked == []
    source = PaymentSource(
        PaymentMethod.stored_token,
        customer_token=token.customer_token,
        instrument_token=token.instrument_token,
    )
    order = make_order(payment=source, number="7099")
    care.kit.run(order)
    run_sweep(care)
    assert run(check(care)).startswith("1 read: 1 done")
    assert asked == ["A"]


def test_a_no_is_an_answer_too_and_closes_the_letter_of_the_silence(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(care, "A")
    with monkeypatch.context() as broken:
        keep_silent(care, broken, lambda _customer: True)
        with pytest.raises(Retryable):
            run(check(care))
    assert care.open_letters() == [("tokens_not_read", "acme_us")]
    care.kit.clock.move(hours=24)
    refuse(monkeypatch, care, "A")
    assert run(check(care)).startswith("1 read: 0 done, 1 set aside")
    assert [kind for kind, _ in care.open_letters()] == ["token_not_read"]


def test_a_card_that_is_silent_behind_one_that_is_refused_has_a_letter_of_its_own(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway answers, if only with a no: the silence is the card's."""
    kept(care, "AB")
    refuse(monkeypatch, care, "A")
    keep_silent(care, monkeypatch, lambda customer: customer == "B")
    assert run(check(care)).startswith("2 read: 0 done, 2 set aside")
    assert [kind for kind, _ in care.open_letters()] == ["token_not_read"] * 2
