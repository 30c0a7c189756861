"""The migrations make the schema that the code works on, and know a store that is not theirs."""

import re
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from include import wiring
from include.adapters.store import migrate as program
from include.adapters.store import order_tables
from include.adapters.store.engine import open_store
from include.adapters.store.schema import metadata
from include.domain.errors import Rejected
from include.wiring import Settings, Tieout
from tieout.api import __main__ as api
from tieout.desks import dag_watch


def test_what_the_migrations_make_is_what_the_code_works_on(store_url: str) -> None:
    assert order_tables.refunds.metadata is metadata
    store = open_store(store_url)
    program.migrate(store)
    program.migrate(store)  # again: nothing is missing
    with store.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        settings = program.config()
        settings.attributes["connection"] = connection
        command.downgrade(settings, "base")
    assert inspect(store).get_table_names() == ["alembic_version"]


def test_a_store_of_another_version_is_refused_and_stays_as_it_is(
    store_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(store_url)
    program.migrate(store)
    with store.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    with pytest.raises(Rejected, match="does not know the store's schema"):
        program.migrate(store)
    monkeypatch.setattr(sys, "argv", ["migrate", "--url", store_url])
    with pytest.raises(SystemExit, match="1"):
        program.main()
    assert "the version of Tieout that made the store" in capsys.readouterr().err
    assert "effects" in inspect(store).get_table_names()
    with pytest.raises(
        Rejected, match=r"is later, .*Run the version of Tieout that made the store"
    ):
        program.demand_current(store)


def test_a_store_is_asked_for_its_tables_whatever_version_it_names(store_url: str) -> None:
    """It was made while the migration that it names was still being written."""
    store = open_store(store_url)
    program.migrate(store)
    assert (
        program.demand_current(store)
        == ScriptDirectory.from_config(program.config()).get_heads()[0]
    )
    with store.begin() as connection:
        for change in (
            "ALTER TABLE effects DROP COLUMN silent_since",
            "ALTER TABLE alerts RENAME COLUMN told_count TO told_times",
            "DROP TABLE customer_links",
            "CREATE TABLE of_the_site (note TEXT)",
        ):
            connection.execute(text(change))
    words = (
        "it has an unknown column alerts.told_times, no column alerts.told_count, "
        "no column effects.silent_since, no table customer_links (at"
    )
    for ask in (program.demand_current, program.migrate):
        with pytest.raises(Rejected, match=re.escape(words)):
            ask(store)


def test_a_store_that_would_not_be_ours_when_migrated_stays_as_it_is(store_url: str) -> None:
    store = open_store(store_url)
    program.migrate(store)
    settings = program.config()
    with store.begin() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0001")
        connection.execute(text("ALTER TABLE effects ADD COLUMN of_a_trial TEXT"))
    with pytest.raises(Rejected, match=r"is 0001, .*Run python -m include.adapters.store.migrate"):
        program.demand_current(store)
    with pytest.raises(Rejected, match=r"it has an unknown column effects\.of_a_trial"):
        program.migrate(store)
    with store.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0001"
    assert "orders" not in inspect(store).get_table_names()


def test_whoever_starts_on_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The API does not serve, and the watch over DAGs names it as what makes them all fail."""
    context = Tieout(Settings(f"sqlite:///{tmp_path / 'tieout.db'}", tmp_path))
    program.migrate(context.store)
    monkeypatch.setattr(wiring, "tieout", lambda: context)
    monkeypatch.setattr(dag_watch, "tieout", lambda: context)
    assert dag_watch._store_fault() == ""
    with context.store.begin() as connection:
        connection.execute(text("DROP TABLE customer_links"))
    assert "it has no table customer_links" in dag_watch._store_fault()
    assert api.main([]) == 1
    assert "it has no table customer_links" in capsys.readouterr().err
