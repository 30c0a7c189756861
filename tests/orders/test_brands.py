"""How long a hold lasts depends on the card's brand, whether or not the card is kept."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from include.adapters.cybersource.card_types import brand_of
from include.domain.canonical import from_json
from include.domain.payments import Authorized
from include.mappings.load import load_mappings
from include.services.effects.ports import Effect, EffectKind, Receipt
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import as_evidence, authorization, make_rules

DAY = date(2026, 11, 3)


@pytest.mark.parametrize(("brand", "days"), [("Discover", 10), ("Visa", 5), ("", 7)])
def test_a_card_that_is_not_kept_is_held_as_long_as_its_brand_allows(
    kit: Kit, brand: str, days: int
) -> None:
    def answered(effect: Effect) -> Receipt:
        receipt = authorization(effect, 1)
        found = from_json(Authorized, json.dumps(dict(receipt.evidence)))
        return Receipt(receipt.their_key, as_evidence(replace(found, brand=brand)))

    kit.rules = make_rules(
        authorization_days=7, authorization_days_by_brand={"Discover": 10, "Visa": 5}
    )
    kit.partner.say(EffectKind.payment_authorization, lambda it: kit.partner.do(it, answered(it)))
    begun = kit.clock.now()
    order = make_order()
    kit.run(order)
    assert kit.service.orders.get(order.order_id).facts.expires_at == begun + timedelta(days=days)


def test_the_shipped_rules_name_brands_as_the_gateway_does() -> None:
    named = load_mappings().orders.order_rules("acme_us", DAY).authorization_days_by_brand
    assert named
    assert {brand_of(code) for code in ("001", "002", "003", "004")} == set(named)
