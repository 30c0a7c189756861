"""The audit is appended to and never changed, by mistake or by the role the product runs as."""

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from include.adapters.store import audit
from include.adapters.store.audit_log import SqlAuditLog
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.migrate import demand_current, migrate
from include.adapters.store.order_tables import orders
from include.adapters.store.schema import metadata
from include.domain.errors import Rejected
from include.services.effects.engine import Engine as Effects
from include.services.effects.ports import EffectState
from tests.effects import KIND, TIMINGS, ManualClock, ScriptedPartner, effect

COMPOSE = Path(__file__).parents[2] / "docker-compose.yaml"
REFUSED = "the audit chain is only ever appended to"
CHANGES = [
    "UPDATE audit SET who = 'nobody' WHERE entry_no = 1",
    "UPDATE audit SET who = who",
    "DELETE FROM audit WHERE entry_no = 2",
    "DELETE FROM audit",
]
OF_POSTGRES = [
    *CHANGES,
    "TRUNCATE audit",
    "TRUNCATE effects, audit CASCADE",
    "SET LOCAL session_replication_role = replica; DELETE FROM audit",
]
_numbers = itertools.count(1)


def entries(store: Engine) -> int:
    for what in ("one", "two", "three"):
        SqlAuditLog(store).note("cli:ann", what, "a subject")
    return audit.verify(store).entries


def refuse(store: Engine, change: str, words: str) -> None:
    with pytest.raises(DBAPIError, match=words), store.begin() as connection:
        connection.execute(text(change))


@pytest.mark.parametrize("change", CHANGES)
def test_no_entry_is_changed_or_deleted(migrated_sqlite: str, change: str) -> None:
    store = open_store(migrated_sqlite)
    count = entries(store)
    refuse(store, change, REFUSED)
    SqlAuditLog(store).note("cli:ann", "four", "a subject")
    assert (audit.verify(store).entries, audit.verify(store).is_unbroken) == (count + 1, True)
    store.dispose()


def test_postgres_refuses_its_owner_too_and_to_empty_the_table(migrated_postgres: str) -> None:
    store = open_store(migrated_postgres)
    count = entries(store)
    for change in OF_POSTGRES:
        refuse(store, change, REFUSED)
    SqlAuditLog(store).note("cli:ann", "four", "a subject")
    assert (audit.verify(store).entries, audit.verify(store).is_unbroken) == (count + 1, True)
    store.dispose()


@pytest.fixture
def role(postgres_server: str) -> Iterator[str]:
    """The role that the compose file makes, under a name of this test's own."""
    name = f"runtime_{os.getpid()}_{next(_numbers)}"
    made = yaml.safe_load(COMPOSE.read_text())["configs"]["roles.sql"]["content"]
    statements = re.sub(r"\$\{\w+:\?\}", "s3cret", made).replace("airflow", name)
    server = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        for statement in filter(None, map(str.strip, statements.split(";"))):
            connection.execute(text(statement))
    yield name
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        # The store's database is dropped before, with what was granted in it.
        connection.execute(text(f"DROP ROLE {name}"))
    server.dispose()


@pytest.fixture
def owned(role: str, migrated_postgres: str) -> Iterator[Engine]:
    """The store as its owner sees it, the role's rights granted twice over."""
    owner = open_store(migrated_postgres)
    migrate(owner, role)
    migrate(owner, role)
    yield owner
    with owner.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
    owner.dispose()


@pytest.fixture
def running(role: str, owned: Engine) -> Iterator[Engine]:
    """The store as the containers see it."""
    found = open_store(owned.url.set(username=role).render_as_string(hide_password=False))
    yield found
    found.dispose()


def test_the_running_product_works_as_the_role_of_the_compose_file(running: Engine) -> None:
    kept, partner = SqlEffectStore(running), ScriptedPartner()
    engine = Effects(kept, {KIND: partner}, ManualClock(), {KIND: TIMINGS}, worker="w")
    assert engine.perform(effect("a")).state is EffectState.done
    assert audit.verify(running).is_unbroken
    assert audit.verify(running).entries > 0
    assert demand_current(running)
    with running.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.select().limit(1))
            if table.name != "audit":
                connection.execute(table.delete())
        connection.execute(orders.update().values(version=1))


def test_the_role_may_neither_change_the_audit_nor_make_or_change_tables(
    running: Engine, owned: Engine
) -> None:
    count = entries(running)
    for change in (
        *CHANGES,
        "TRUNCATE audit",
        "SELECT * FROM audit FOR UPDATE",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_refuses_changes ON audit",
        "DROP TABLE audit",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NULL; END $$",
        "CREATE TABLE elsewhere (a int)",
        "CREATE TEMP TABLE audit (a int)",
        "CREATE SCHEMA elsewhere",
        "ALTER TABLE orders ADD COLUMN a int",
        "TRUNCATE orders",
        "UPDATE alembic_version SET version_num = '0001'",
    ):
        refuse(running, change, "permission denied|must be owner")
    assert (audit.verify(owned).entries, audit.verify(owned).is_unbroken) == (count, True)


def test_migrations_are_the_owners(role: str, postgres_url: str) -> None:
    owner = open_store(postgres_url)
    running = open_store(make_url(postgres_url).set(username=role).render_as_string())
    with pytest.raises(ProgrammingError, match="permission denied"):
        migrate(running)
    migrate(owner, role)
    migrate(running)  # nothing is missing, so there is nothing to make
    with owner.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
    for one in (owner, running):
        one.dispose()


def test_a_role_that_may_change_everything_through_another_is_refused(
    role: str, migrated_postgres: str
) -> None:
    owner = open_store(migrated_postgres)
    with owner.begin() as connection:
        connection.execute(text(f"GRANT pg_write_all_data TO {role}"))
    with pytest.raises(Rejected, match="may change audit through a role it is a member of"):
        migrate(owner, role)
    owner.dispose()


def test_a_role_that_may_still_make_tables_is_refused(role: str, postgres_url: str) -> None:
    """PostgreSQL only warns who takes a right away in a database that another one owns."""
    owner = f"owner_of_{role}"
    admin = open_store(postgres_url)
    with admin.begin() as connection:
        connection.execute(text(f"CREATE ROLE {owner} LOGIN PASSWORD 's3cret'"))
        connection.execute(text(f"GRANT CREATE ON SCHEMA public TO {owner}"))
    store = open_store(admin.url.set(username=owner).render_as_string(hide_password=False))
    with pytest.raises(Rejected, match="may still make tables"):
        migrate(store, role)
    assert inspect(store).get_table_names() == []  # nor is any made that the role could not use
    with admin.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {admin.url.database} OWNER TO {owner}"))
    migrate(store, role)
    with admin.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {admin.url.database} OWNER TO CURRENT_USER"))
        connection.execute(text(f"DROP OWNED BY {role}, {owner}"))
        connection.execute(text(f"DROP ROLE {owner}"))
    for one in (admin, store):
        one.dispose()


def test_a_role_that_no_grant_would_hold_back_is_refused(
    migrated_postgres: str, migrated_sqlite: str
) -> None:
    owner, small = open_store(migrated_postgres), open_store(migrated_sqlite)
    for store, role, words in (
        (owner, "nobody_known", "there is no role 'nobody_known'"),
        (owner, str(make_url(migrated_postgres).username), "the owner's, or a superuser"),
        (small, "airflow", "SQLite has no roles"),
    ):
        with pytest.raises(Rejected, match=words):
            migrate(store, role)
        store.dispose()
