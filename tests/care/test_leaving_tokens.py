"""A stored payment that is leaving is not written into SYSPRO's form any more."""

from dataclasses import replace
from functools import partial

import pytest

from include.domain.errors import Retryable
from include.domain.orders import Order
from include.services.effects.ports import EffectKind
from include.services.profiles.keep_tokens import is_leaving, keep_tokens
from include.services.profiles.ports import TokenState
from tests.care.conftest import Care


@pytest.fixture
def waiting(care: Care) -> Order:
    """An order whose payment stored a card, and that waits for SYSPRO."""
    desk_of = care.kit.service.desk_of
    care.kit.service = replace(
        care.kit.service,
        desk_of=lambda shop: replace(
            desk_of(shop),
            token_form=("CUS", "TOKEN"),
            is_leaving=partial(is_leaving, care.book),
        ),
        keep_token=lambda order, facts: keep_tokens(care.book, "A", order, facts),
    )
    care.kit.erp.fault = Retryable("SYSPRO is down", "SYSPRO", "Wait.")
    return care.order_with(care.token("A"))


def noted(care: Care) -> int:
    return care.kit.partner.truth.count(EffectKind.custom_field)


@pytest.mark.parametrize("state", list(TokenState))
def test_only_what_is_kept_is_noted(care: Care, waiting: Order, state: TokenState) -> None:
    payment = care.kit.service.orders.get(waiting.order_id).facts.payment
    assert payment is not None
    assert payment.stored is not None
    kept = care.kept(payment.stored)
    if state is not TokenState.active:
        care.remover.remove([kept], state)
    care.kit.erp.fault = None
    care.kit.pass_time(hours=1)
    is_kept = state is TokenState.active
    assert noted(care) == (1 if is_kept else 0)
    words = care.kit.timeline(waiting)
    assert ("token not noted in SYSPRO: it is leaving" in words) is not is_kept
    assert care.kit.service.orders.get(waiting.order_id).facts.sales_order


def test_the_joined_card_beside_it_says_nothing_of_a_customers_other_card(
    care: Care, waiting: Order
) -> None:
    payment = care.kit.service.orders.get(waiting.order_id).facts.payment
    assert payment is not None
    assert payment.stored is not None
    kept = care.kept(payment.stored)
    other = replace(kept, token=replace(kept.token, instrument_token="9" * 32))
    care.book.keep(other, ())
    care.remover.remove([other], TokenState.replaced)
    assert not is_leaving(care.book, "acme_us", payment.stored)
    whole = replace(kept, token=replace(kept.token, instrument_token=""))
    care.book.keep(replace(whole, state=TokenState.deleting), ())
    assert is_leaving(care.book, "acme_us", payment.stored)
