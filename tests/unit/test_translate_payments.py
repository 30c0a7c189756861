"""How an order is paid, as its shop shows it: the proof and the device that come along."""

import pytest

from include.domain.errors import Rejected
from include.domain.orders import PayerAuthentication, PaymentMethod, PaymentSource
from tests.unit.shop_orders import TRANSIENT, translator, woo_order

US = translator("acme_us_web")
REQUESTED = {"key": "_cybersource_request_id", "value": "1" * 22}


def proved(challenge: str) -> dict[str, str]:
    return {"key": "_cybersource_authentication_id", "value": challenge}


def test_a_proof_of_who_pays_comes_along() -> None:
    raw = woo_order()
    session = {"key": "_cybersource_device_session", "value": "5bce2a7d"}
    raw["meta_data"] += [proved("4Q0DcXvR7tYbNf2LsJm9"), session]
    assert US.order(raw).payment == PaymentSource(
        PaymentMethod.transient_token,
        transient_id=TRANSIENT,
        authentication=PayerAuthentication("4Q0DcXvR7tYbNf2LsJm9"),
        ip_address="192.0.2.10",
        device_session="5bce2a7d",
    )


@pytest.mark.parametrize(
    ("shown", "what"),
    [
        (proved("<x>"), "authentication_id is '<x>'"),
        ({"key": "_cybersource_device_session", "value": "a b"}, "device_session is 'a b'"),
    ],
)
def test_what_is_none_is_refused_by_the_name_of_its_field(shown: dict[str, str], what: str) -> None:
    raw = woo_order()
    raw["meta_data"].append(shown)
    with pytest.raises(Rejected, match=what):
        US.order(raw)


def test_what_the_shop_has_authorised_itself_takes_no_proof() -> None:
    raw = woo_order()
    raw["meta_data"] = [proved("4" * 20), REQUESTED]
    with pytest.raises(Rejected, match="authentication_id is given"):
        US.order(raw)
