"""The migrations make the schema that the code works on, and know a store that is not theirs."""

import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from include.adapters.store import migrate as program
from include.adapters.store import order_tables
from include.adapters.store.engine import open_store
from include.adapters.store.schema import metadata
from include.domain.errors import Rejected


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
