"""Every DAG imports, is documented, owned and thin; importing them all costs almost nothing."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "dags").glob("*.py"))


def test_every_dag_file_holds_the_dag_of_its_own_name(dagbag) -> None:  # type: ignore[no-untyped-def]
    assert dagbag.import_errors == {}
    assert sorted(dagbag.dags) == [path.stem for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_dag_is_owned_tagged_documented_and_has_a_runbook(path: Path, dagbag) -> None:  # type: ignore[no-untyped-def]
    dag = dagbag.dags[path.stem]
    assert dag.tags
    assert dag.doc_md
    assert dag.max_active_runs == 1
    assert not dag.catchup
    assert (ROOT / "include" / "docs" / "runbooks" / f"{path.stem}.md").is_file()
    for task in dag.tasks:
        assert task.owner in {"finance", "fraud", "integration"}
        assert task.retries >= 1
        assert task.retry_policy is not None
        # A run that hangs would hold the DAG's only run, and SYSPRO's operator, for ever.
        assert task.execution_timeout is not None
        assert task.execution_timeout <= timedelta(hours=4)
        # Whose it is, in place of a number that the UI would show.
        is_mapped = task.is_mapped or task.get_closest_mapped_task_group() is not None
        assert bool(task.map_index_template) is is_mapped, task.task_id


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_dag_file_has_at_most_100_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 100


def test_the_nine_steps_have_the_names_a_controller_knows(dagbag) -> None:  # type: ignore[no-untyped-def]
    steps = "download classify check match build approve post tie_out report".split()
    beside = "watch_disputes approve_write_offs post_write_offs".split()
    dag = dagbag.dags["settlement_reconciliation"]
    found = [t.task_id.removeprefix("settle.") for t in dag.topological_sort()]
    assert [step for step in found if step not in beside] == ["choose_days", *steps]
    assert [step for step in found if step in beside] == beside


def test_no_step_of_a_day_depends_on_what_another_hands_on(dagbag) -> None:  # type: ignore[no-untyped-def]
    """What a person marks a success hands on nothing; the next would begin without a day."""
    from airflow.sdk.definitions.xcom_arg import XComArg

    for task in dagbag.dags["settlement_reconciliation"].tasks:
        read_from = {operator.task_id for operator, _ in XComArg.iter_xcom_references(task)}
        assert read_from <= {"choose_days"}, task.task_id


def test_no_settlement_waits_for_the_answer_about_a_dispute(dagbag) -> None:  # type: ignore[no-untyped-def]
    dag = dagbag.dags["settlement_reconciliation"]
    after = dag.get_task("settle.approve_write_offs").downstream_task_ids
    assert after == {"settle.post_write_offs"}
    assert dag.get_task("settle.post_write_offs").downstream_task_ids == set()


@pytest.mark.parametrize("unfit", [[], ["acme_us", "acme_us"], ["nobody"], "acme_us"])
def test_the_form_takes_some_merchants_that_are_known_and_each_once(dagbag, unfit: object) -> None:  # type: ignore[no-untyped-def]
    from airflow.sdk.exceptions import ParamValidationError

    params = dagbag.dags["settlement_reconciliation"].params
    with pytest.raises(ParamValidationError):
        params["merchants"] = unfit
    params["merchants"] = ["acme_us"]


def test_a_backfill_covers_both_of_its_dates(dagbag) -> None:  # type: ignore[no-untyped-def]
    import pendulum
    from airflow.timetables.base import TimeRestriction

    timetable = dagbag.dags["settlement_reconciliation"].timetable
    restriction = TimeRestriction(
        pendulum.datetime(2026, 10, 30), pendulum.datetime(2026, 11, 2), catchup=True
    )
    found, last = [], None
    while info := timetable.next_dagrun_info(
        last_automated_data_interval=last, restriction=restriction
    ):
        last = info.data_interval
        found.append((last.start.to_date_string(), info.run_after.isoformat()))
    assert found == [
        ("2026-10-30", "2026-10-31T12:00:00+00:00"),
        ("2026-10-31", "2026-11-01T12:00:00+00:00"),
        ("2026-11-01", "2026-11-02T12:00:00+00:00"),
        ("2026-11-02", "2026-11-03T12:00:00+00:00"),
    ]


def test_importing_every_dag_file_loads_no_heavy_library() -> None:
    """A DAG file costs at most 0.3 s beside Airflow itself; what would cost more is named here.

    Seconds are measured and printed by ``make bench``; a library loaded is not a matter of luck.
    """
    code = (
        "import sys, airflow.sdk, airflow.providers.standard.operators.hitl\n"
        "import airflow.timetables.interval\n"
        "before = set(sys.modules)\n"
        "import runpy\n"
        f"for path in {[str(p) for p in FILES]!r}: runpy.run_path(path)\n"
        "heavy = {'pandas', 'polars', 'pyarrow', 'great_expectations', 'requests', 'sqlalchemy',\n"
        "         'pydantic', 'numpy', 'xlsxwriter', 'fastapi'}\n"
        "print(sorted(heavy & (set(sys.modules) - before)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "PATH": "", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stdout + done.stderr


def test_on_a_manual_stack_nothing_runs_but_what_people_ask_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tieout.timetable import every

    monkeypatch.delenv("TIEOUT_SCHEDULE", raising=False)
    assert every("* * * * *") == "* * * * *"
    monkeypatch.setenv("TIEOUT_SCHEDULE", "manual")
    assert every("* * * * *") is None


def test_tasks_that_speak_to_syspro_are_in_its_pool(dagbag) -> None:  # type: ignore[no-untyped-def]
    """SYSPRO takes one session per operator; the pool has a slot for each."""
    speaking = {
        "orders": "sweep_orders",
        "erp_feedback": "poll_erp",
        "stock_levels": "push_stock",
        "effects_janitor": "sweep",
        "order_care": "compare_systems",
    }
    for dag_id, task_id in speaking.items():
        assert dagbag.dags[dag_id].get_task(task_id).pool == "syspro", dag_id


def test_a_backfill_of_settlements_goes_last_in_the_pool_of_syspro(dagbag) -> None:  # type: ignore[no-untyped-def]
    """It has three slots, and Airflow no fairness: a month of days would take them all."""

    def weight(task) -> int:  # type: ignore[no-untyped-def]
        following = task.get_flat_relative_ids(upstream=False)
        if str(task.weight_rule) == "absolute":
            following = ()
        return task.priority_weight + sum(
            task.dag.get_task(task_id).priority_weight for task_id in following
        )

    ranks = {
        dag_id: [weight(task) for task in dag.tasks if task.pool == "syspro"]
        for dag_id, dag in dagbag.dags.items()
    }
    ranks = {dag_id: found for dag_id, found in ranks.items() if found}
    last = max(ranks.pop("settlement_reconciliation"))
    assert {dag_id: min(found) for dag_id, found in ranks.items() if min(found) <= last} == {}
    first = sorted(ranks, key=lambda dag_id: -min(ranks[dag_id]))
    assert first[0] == "orders"
    assert set(first[1:3]) == {"effects_janitor", "erp_feedback"}


def test_a_merchant_whose_cards_cannot_be_kept_stops_no_comparison(dagbag) -> None:  # type: ignore[no-untyped-def]
    care = dagbag.dags["order_care"]
    works = [care.get_task(one) for one in ("end_deletions", "keep_profiles", "compare_systems")]
    assert all(task.upstream_task_ids == {"choose_merchants"} for task in works)
    assert all(task.is_mapped for task in works)
