"""Airflow for tests: its environment must stand before its first import."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def airflow_home():  # type: ignore[no-untyped-def]
    if "airflow" in sys.modules and "AIRFLOW_HOME" not in os.environ:
        raise RuntimeError("airflow was imported before its environment was set")
    with tempfile.TemporaryDirectory(prefix="tieout-airflow-") as home:
        os.environ.update(
            AIRFLOW_HOME=home,
            AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
            AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home}/airflow.db",
        )
        yield Path(home)


@pytest.fixture(scope="session")
def dagbag(airflow_home):  # type: ignore[no-untyped-def]
    from airflow.utils import db

    db.initdb()
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(ROOT / "dags"))
