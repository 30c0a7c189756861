"""The watch over our own DAGs knows their schedules, which say how long a run may take."""

from datetime import timedelta

from airflow.dag_processing.dagbag import DagBag

from tests.dags.conftest import ROOT
from tieout.desks.dag_watch import AirflowRuns


def test_each_dag_of_ours_has_a_gap_by_its_schedule(dagbag: DagBag) -> None:
    runs = AirflowRuns(ROOT / "dags", dagbag)
    gaps = {dag_id: runs.gap(dag_id) for dag_id in runs.dag_ids()}
    assert None not in gaps.values()
    assert gaps["orders"] == timedelta(minutes=1)
    assert gaps["effects_janitor"] == timedelta(minutes=5)
    assert gaps["settlement_reconciliation"] == timedelta(days=1)
    assert runs.gap("of_nobody") is None
