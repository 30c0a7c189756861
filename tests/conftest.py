"""Fixtures every test may use. Light on purpose: nothing here imports Airflow."""

import atexit
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.memory import roomy_memory

gc.disable()  # until everything is collected: nothing goes away before
ROOT = Path(__file__).resolve().parents[1]
_MEMORY = roomy_memory()
if _MEMORY is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
# Airflow reads its environment once, at its first import, by whichever test comes first.
_HOME = tempfile.mkdtemp(prefix="tieout-airflow-", dir=_MEMORY)
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
    AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_HOME}/airflow.db",
    GX_ANALYTICS_ENABLED="false",
)


# What is long stays together on one worker each, and begins first; the rest is shared file by file.
# The prover's processes are polite: they fill what the others leave of two cores, until the end.
_PROVER = "prove"
_SCHEDULERS = ("test_scheduler.py", "test_failing_dag.py")  # one Airflow for both
_SIMULATOR = "simulator"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Say what stays together on one worker; pytest 9.2 has made xdist's own groups ineffective."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            folder, name = Path(path).parts[1], Path(path).name
            if folder in (_PROVER, _SIMULATOR):
                return folder
            return "schedulers" if name in _SCHEDULERS else path

        def _assign_work_unit(self, node: Any) -> None:
            for scope in (_SIMULATOR, "schedulers", _PROVER):
                if scope in self.workqueue:
                    self.workqueue.move_to_end(scope, last=False)
            super()._assign_work_unit(node)

    return ByFile(config, log)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let each worker begin at another file: what one has compiled, the others only load.

    In a fresh clone they would all compile the same file at the same time, from the first to the
    last; that is two thirds of what collecting costs.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is None or session.config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    share = int(worker["workerid"].removeprefix("gw")) / worker["workercount"]
    begin = int(len(paths) * share)
    for path in (*paths[begin:], *paths[:begin]):
        with suppress(Exception, pytest.Collector.CollectError):  # the collection reports it
            _ = pytest.Module.from_parent(session, path=path).obj


def pytest_collection_finish() -> None:
    """Leave thousands of tests and their modules out of every collection: a tenth of all time."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 20)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures that tests have measured: they are the point, whichever worker had them."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    for report in reports:
        for name, text in report.user_properties:
            if name == "figures":
                terminalreporter.write_sep("-", report.nodeid.rpartition("::")[2])
                terminalreporter.write_line(text)


@pytest.fixture
def show_figures(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Take what shall be shown at the end of the run."""
    return lambda text: record_property("figures", text)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as this test session."""
    from tests.postgres import postgres

    with postgres(is_in_memory=True) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database."""
    from tests.postgres import fresh_database

    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database: the test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tieout.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database, to be copied: migrating takes longer than most tests do."""
    from include.adapters.store.engine import open_store
    from include.adapters.store.migrate import migrate

    path = tmp_path_factory.mktemp("template") / "tieout.db"
    database = open_store(f"sqlite:///{path}")
    migrate(database)
    database.dispose()  # its last connection writes what lay beside the file into it
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a migrated PostgreSQL database, to be copied."""
    from sqlalchemy import make_url

    from include.adapters.store.engine import open_store
    from include.adapters.store.migrate import migrate
    from tests.postgres import fresh_database

    with fresh_database(postgres_server) as url:
        database = open_store(url)
        migrate(database)
        database.dispose()  # a template that somebody is connected to cannot be copied
        yield str(make_url(url).database)


@pytest.fixture
def migrated_sqlite(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a new SQLite database with our tables, all empty."""
    shutil.copy(sqlite_template, tmp_path / "tieout.db")
    return f"sqlite:///{tmp_path / 'tieout.db'}"


@pytest.fixture
def migrated_postgres(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The URL of a new PostgreSQL database with our tables, all empty."""
    from tests.postgres import fresh_database

    with fresh_database(postgres_server, postgres_template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """The URL of a new database with our tables: on SQLite and on PostgreSQL."""
    return str(request.getfixturevalue(f"migrated_{request.param}"))
