"""The audit is verified from a head that was told before, and never in one long transaction."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from include.adapters.store import audit
from include.adapters.store.audit_log import SqlAuditLog
from include.adapters.store.engine import open_store
from include.services.effects.chain import ChainVerdict
from tests.tampering import unguard

NOWHERE = "0" * 64


@pytest.fixture
def store(migrated_url: str) -> Iterator[Engine]:
    """Five entries."""
    store = open_store(migrated_url)
    for what in ("one", "two", "three", "four", "five"):
        SqlAuditLog(store).note("cli:ann", what, "a subject")
    yield store
    store.dispose()


def hashes(store: Engine) -> list[str]:
    return [link.hash for link in audit.links(store)]


def tamper(store: Engine, statement: str, **values: object) -> None:
    with store.begin() as connection:
        unguard(connection)
        connection.execute(text(statement), values)


def test_what_was_proven_up_to_a_head_is_not_read_again(store: Engine) -> None:
    told = hashes(store)
    assert audit.verify(store, since=told[2]) == ChainVerdict(3, told[4])
    tamper(store, "UPDATE audit SET who = 'nobody' WHERE entry_no = 2")
    assert audit.verify(store, since=told[2]).is_unbroken
    assert audit.verify(store).broken_at == 2


def test_the_last_entry_may_be_the_head_to_begin_with(store: Engine) -> None:
    told = hashes(store)
    assert audit.verify(store, since=told[4]) == ChainVerdict(1, told[4])


@pytest.mark.parametrize(("number", "broken_at"), [(3, 1), (4, 2), (5, 3)])
def test_a_change_of_the_head_or_after_it_is_found(
    store: Engine, number: int, broken_at: int
) -> None:
    head = hashes(store)[2]
    tamper(store, "UPDATE audit SET who = 'nobody' WHERE entry_no = :number", number=number)
    found = audit.verify(store, since=head)
    assert (found.broken_at, found.is_whole) == (broken_at, False)


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM audit WHERE entry_no > 2",
        "DELETE FROM audit WHERE entry_no = 3",
        "UPDATE audit SET hash = 'x' WHERE entry_no = 3",
    ],
)
def test_a_head_that_is_gone_proves_nothing_after_it(store: Engine, harm: str) -> None:
    head = hashes(store)[2]
    tamper(store, harm)
    found = audit.verify(store, since=head)
    assert (found.entries, found.broken_at) == (0, 1)


def test_a_noted_head_may_lie_before_the_one_to_begin_with(store: Engine) -> None:
    told = hashes(store)
    assert audit.verify(store, told[0], since=told[2]).is_unbroken
    assert audit.verify(store, told[3], since=told[2]).noted_at == 2
    assert not audit.verify(store, NOWHERE, since=told[2]).is_unbroken


def test_a_stretch_says_that_there_is_more_and_demands_the_noted_head_at_the_end(
    store: Engine,
) -> None:
    told = hashes(store)
    first = audit.verify(store, told[4], most=2)
    assert first == ChainVerdict(2, told[1], has_more=True)
    second = audit.verify(store, told[4], since=first.head, most=3)
    assert second == ChainVerdict(3, told[3], has_more=True)
    last = audit.verify(store, told[4], since=second.head, most=3)
    assert last == ChainVerdict(2, told[4], noted_at=2)
    assert not audit.verify(store, NOWHERE, since=second.head, most=3).is_unbroken


def test_no_transaction_is_open_while_a_page_is_recomputed(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_PAGE", 2)
    seen = 0
    for _ in audit.links(store):
        seen += 1
        assert store.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert seen == 5
