"""A shop that is slow to take its stock keeps SYSPRO's operator from nobody."""

import pytest
from structlog.testing import capture_logs

from tests.integration.play import SHOP, SKU, Play
from tieout.tasks import orders


def test_syspro_is_left_before_the_shop_is_told(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "desks", lambda: play.desks)
    monkeypatch.setattr(orders, "tieout", lambda: play.desks.context)
    play.clerk("stock", stock_code=SKU, quantity="41")
    with capture_logs() as told:
        orders.push_stock(SHOP)
    calls = [entry["what"] for entry in told if entry["event"] == "http_call"]
    erp = [at for at, what in enumerate(calls) if what.startswith("SYSPRO")]
    assert calls[erp[-1]] == "SYSPRO logoff"
    assert calls.count("SYSPRO logon") == 1
    others = [at for at, what in enumerate(calls) if not what.startswith("SYSPRO")]
    assert len(others) > 1  # its products are read, and a level is set
    assert min(others) > erp[-1]
