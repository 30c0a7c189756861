"""A shopper who is SYSPRO's customer already is linked to it, over HTTP: by mail or by command."""

from collections.abc import Mapping

import pytest

from include.domain.order_state import OrderState
from tests.integration.play import BEGIN, SHOP, Play
from tieout import cli
from tieout.desks.order_feeds import shop_sync


def billing(email: str) -> Mapping[str, str]:
    return {
        "first_name": "Eve",
        "last_name": "Orr",
        "address_1": "12 Elm Street",
        "city": "Springfield",
        "state": "IL",
        "postcode": "62701",
        "country": "US",
        "email": email,
    }


def of_mail(play: Play, email: str) -> str:
    """Return the one customer of company A with a mail address."""
    (found,) = play.desks.of(SHOP).erp.orders.customers(email)
    return found.customer


@pytest.fixture
def joined(play: Play, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Have the command line use the store and the partners of the play."""
    monkeypatch.setattr(cli, "tieout", lambda: play.desks.context)
    return play


def test_a_held_customer_of_the_same_mail_gets_the_order_and_holds_it(play: Play) -> None:
    email = "customer7@example.com"  # of the world's own customers
    known = of_mail(play, email)
    play.clerk("hold", customer=known)
    saga = play.order(play.take(billing=billing(email)))
    assert saga.facts.customer == known
    assert (saga.state, saga.facts.credit, saga.facts.is_suspended) == (
        OrderState.booked, "on_hold", True,
    )  # fmt: skip
    found = play.desks.of(SHOP).erp.orders.order(sales_order=saga.facts.sales_order)
    assert found is not None
    assert (found.customer, found.status) == (known, "S")
    play.clerk("hold", customer=known, on=False)


def test_a_person_links_a_shopper_and_takes_the_link_back(
    joined: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    email, known = "eve.orr@example.net", of_mail(joined, "customer8@example.com")
    shopper = ["--shop", SHOP, "--email", email]
    assert cli.main(["customers", "link", *shopper, "--customer", known, "--who", "ann"]) == 0
    assert f"go to customer {known} from now on" in capsys.readouterr().out
    assert joined.order(joined.take(billing=billing(email))).facts.customer == known
    assert cli.main(["customers", "list", *shopper]) == 0
    shown = capsys.readouterr().out
    assert (known in shown, "cli:ann" in shown, "1 links" in shown) == (True, True, True)
    assert email not in shown
    assert cli.main(["customers", "unlink", *shopper, "--currency", "USD", "--who", "ann"]) == 0
    own = joined.order(joined.take(billing=billing(email))).facts.customer
    assert own.startswith("W")
    assert own != known
    assert cli.main(["audit", "verify"]) == 0
    assert shop_sync(joined.desks, SHOP).poll(BEGIN).set_aside == 0


def test_what_cannot_be_linked_is_said(joined: Play, capsys: pytest.CaptureFixture[str]) -> None:
    shopper = ["--shop", SHOP, "--email", "nobody@example.net"]
    assert cli.main(["customers", "link", *shopper, "--customer", "NOPE"]) == 1
    assert "there is no customer 'NOPE'" in capsys.readouterr().err
    assert cli.main(["customers", "link", *shopper, "--own", "--currency", "GBP"]) == 1
    assert "sells nothing in GBP" in capsys.readouterr().err
    assert cli.main(["customers", "unlink", *shopper, "--currency", "USD"]) == 1
    assert "not linked in USD" in capsys.readouterr().err
