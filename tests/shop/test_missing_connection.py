"""A connection that Airflow does not know is ours to set up: no partner is down."""

import pytest

from include.domain.errors import Retryable, Unconfigured


def test_a_missing_connection_is_not_taken_for_a_partner_that_is_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tieout.hooks.shop import GenericShopHook

    monkeypatch.delenv("AIRFLOW_CONN_NOWHERE", raising=False)
    with pytest.raises(Unconfigured, match="no connection 'nowhere'") as fault:
        _ = GenericShopHook("nowhere").timings
    assert isinstance(fault.value, Retryable)  # Airflow's database may have been away
