"""A gateway's reference in the custom form of a sales order, over HTTP against the sandbox."""

from dataclasses import replace

import pytest

from include.adapters.syspro.partners.common import FORM
from include.adapters.syspro.partners.custom_fields import CustomFieldPartner
from include.domain.erp_orders import (
    SetCustomField,
)
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind, EffectState
from tests.syspro.running_site import running as running
from tests.syspro.running_site import site as site
from tests.syspro.support_orders import effect_of
from tests.syspro.support_site import SALE, Site


@pytest.mark.parametrize("forms", ["comsfm", "comtfm"])
def test_a_gateway_reference_is_written_to_the_orders_form_and_changed(
    site: Site, forms: str
) -> None:
    engine = site.engine(site.open(custom_forms=forms))
    number = site.drive(engine, SALE).their_key
    name = "PAYREF" if forms == "comsfm" else "PayRef"
    for value in ("7000000000000000000001", "7000000000000000000002"):
        found = site.drive(engine, SetCustomField("A", "ORD", number, name, value))
        assert found.state is EffectState.verified, found.reason


@pytest.mark.parametrize("forms", ["comsfm", "comtfm"])
def test_the_form_of_an_order_made_in_this_session_is_set_without_reading_it(
    site: Site, forms: str
) -> None:
    adapter = site.open(custom_forms=forms)
    engine = Engine(site.store, adapter.partners, site.clock, adapter.timings)
    name = "PAYREF" if forms == "comsfm" else "PayRef"
    with adapter.session():
        number = engine.perform(effect_of(SALE)).their_key
        before = adapter.calls()
        noted = SetCustomField("A", "ORD", number, name, "7000000000000000000001")
        engine.perform(effect_of(noted))
        assert adapter.calls() == before + 1
        again = replace(noted, value="7000000000000000000002")  # now the form must be read
        engine.perform(effect_of(again, key="again"))
        assert adapter.calls() == before + 4  # looked at, read, updated


@pytest.mark.parametrize("forms", ["comsfm", "comtfm"])
def test_a_reference_that_a_later_one_stands_before_is_there(site: Site, forms: str) -> None:
    """Two refunds of an order share a field: the first one's note may be the later to leave."""
    adapter = site.open(custom_forms=forms)
    engine = Engine(site.store, adapter.partners, site.clock, adapter.timings)
    name = "REFREF" if forms == "comsfm" else "RefRef"
    first, second = "7000000000000000000001", "7000000000000000000002"
    number = engine.perform(effect_of(SALE)).their_key
    both = SetCustomField("A", "ORD", number, name, f"{second} {first}")
    assert engine.perform(effect_of(both, key="second")).state is EffectState.done
    alone = engine.perform(effect_of(replace(both, value=first), key="first"))
    assert (alone.state, alone.sends) == (EffectState.done, 0)
    partner = adapter.partners[EffectKind.custom_field]
    (found,) = partner.look(effect_of(both, key="second"))
    assert found.facts == {"value": both.value}
    assert partner.compare(alone, found) == ()
    other = effect_of(replace(both, value="7000000000000000000003"), key="third")
    assert partner.look(other) == ()
    assert [one.theirs for one in partner.compare(other, found)] == [both.value]


def test_a_form_that_somebody_filled_meanwhile_is_updated(site: Site) -> None:
    adapter = site.open()
    engine = Engine(site.store, adapter.partners, site.clock, adapter.timings)
    partner = adapter.partners[EffectKind.custom_field]
    with adapter.session():
        number = engine.perform(effect_of(SALE)).their_key
        noted = SetCustomField("A", "ORD", number, "PAYREF", "7000000000000000000001")
        partner.send(effect_of(replace(noted, value="a clerk's")))
        assert isinstance(partner, CustomFieldPartner)
        partner._asking.note_absent(FORM, f"ORD/{number}")  # what we believed before that
        assert engine.perform(effect_of(noted)).state is EffectState.done
    assert partner.look(effect_of(noted))[0].facts == {"value": noted.value}
