"""What has one watermark a merchant is read by one task a merchant, however many shops it has."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from include.wiring import Settings, Tieout
from tieout.desks.order_desk import Desks
from tieout.tasks import orders


def with_an_outlet(folder: Path) -> Tieout:
    """Return the product with a second shop of acme_us."""
    context = Tieout(Settings(f"sqlite:///{folder / 'tieout.db'}", folder))
    known = context.mappings
    (entry,) = known.orders.shops["acme_us_web"]
    outlet = replace(entry.value, shop_id="acme_us_outlet", purchase_order_prefix="V")
    shops = {**known.orders.shops, "acme_us_outlet": [replace(entry, value=outlet)]}
    context.__dict__["mappings"] = replace(known, orders=replace(known.orders, shops=shops))
    return context


def test_two_shops_of_one_merchant_name_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desks = Desks(with_an_outlet(tmp_path))
    monkeypatch.setattr(orders, "desks", lambda: desks)
    assert orders.shop_ids() == ["acme_uk_web", "acme_us_outlet", "acme_us_web"]
    assert orders.merchant_ids() == ["acme_uk", "acme_us"]


@pytest.mark.parametrize(
    ("dag_id", "task_id"),
    [("erp_feedback", "poll_erp"), ("fraud_decisions", "poll_decisions")],
)
def test_the_merchants_feeds_are_mapped_over_merchants(
    dag_id: str, task_id: str, dagbag: Any
) -> None:
    task = dagbag.dags[dag_id].get_task(task_id)
    assert set(task.op_kwargs_expand_input.value) == {"merchant_id"}
    assert task.upstream_task_ids == {"choose_merchants"}
