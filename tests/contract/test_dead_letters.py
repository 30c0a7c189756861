"""Dead letters on SQLite and PostgreSQL: listed, shown, resolved and replayed, each audited."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import text

from include.adapters.store import audit
from include.adapters.store.dead_letters import SqlDeadLetters, open_letter
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.schema import metadata
from include.domain.errors import Rejected
from include.services.effects.dead_letters import replay
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectState
from tests.effects import KIND, START, TIMINGS, ManualClock, ScriptedPartner, effect


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    engine = open_store(store_url)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def refuse() -> None:
    raise Rejected("account 9999 does not exist", "SYSPRO A", "Map it to an account.")


def desk(database: Database) -> tuple[Engine, ScriptedPartner]:
    clock, partner = ManualClock(), ScriptedPartner(on_send=[refuse])
    store = SqlEffectStore(database, lambda _: clock.now())
    engine = Engine(store, {KIND: partner}, clock, {KIND: TIMINGS})
    engine.intend(effect())
    assert engine.advance(KIND, effect().key).state is EffectState.rejected
    return engine, partner


def test_a_dead_letter_says_what_who_and_what_next(database: Database) -> None:
    desk(database)
    letters = SqlDeadLetters(database)
    (letter,) = letters.listing()
    assert letters.show(letter.dead_letter_id) == letter
    assert (letter.kind, letter.key, letter.owner) == ("gl_journal", effect().key, "payments")
    assert (letter.amount_minor, letter.currency) == (40000, "USD")
    assert (letter.next_action, letter.opened_at) == ("Map it to an account.", START)


def test_resolving_is_audited_and_the_first_resolution_stands(database: Database) -> None:
    desk(database)
    letters = SqlDeadLetters(database)
    (letter,) = letters.listing()
    how = "booked by hand as journal 77"
    resolved = letters.resolve(letter.dead_letter_id, "ann", how, via="cli")
    assert (resolved.state, resolved.resolved_by) == ("resolved", "ann")
    assert letters.listing() == []
    with pytest.raises(Rejected, match="resolved by 'ann': 'booked by hand as journal 77'"):
        letters.resolve(letter.dead_letter_id, "bob", "something else", via="api")
    last = audit.history(database, f"gl_journal|{effect().key}")[-1]
    assert (last.who, last.what) == ("cli:ann", "dead letter resolved")
    assert audit.verify(database).is_unbroken


def test_replaying_looks_first_and_then_sends_again(database: Database) -> None:
    engine, partner = desk(database)
    letters = SqlDeadLetters(database)
    (letter,) = letters.listing()
    assert replay(letters, engine, letter.dead_letter_id, "ann").state is EffectState.done
    assert len(partner.sends) == 2
    assert letters.show(letter.dead_letter_id).resolved_by == "ann"


def test_replaying_what_is_there_after_all_adopts_it(database: Database) -> None:
    engine, partner = desk(database)
    partner.ledger.append((effect().reference, effect().payload))
    letters = SqlDeadLetters(database)
    (letter,) = letters.listing()
    assert replay(letters, engine, letter.dead_letter_id, "ann").state is EffectState.done
    assert len(partner.sends) == 1


def test_a_dead_letter_that_is_no_effect_is_not_replayed_here(database: Database) -> None:
    engine, _ = desk(database)
    with database.begin() as connection:
        open_letter(
            connection,
            now=START,
            kind="report_line",
            key="digest:42",
            currency="USD",
            amount_minor=None,
            reason="unknown record type",
            next_action="Add it to the layout.",
            owner="payments",
        )
    letters = SqlDeadLetters(database)
    number = max(letter.dead_letter_id for letter in letters.listing())
    with pytest.raises(Rejected, match="not an effect"):
        replay(letters, engine, number, "ann")


def test_an_unknown_dead_letter_is_a_clear_refusal(database: Database) -> None:
    with pytest.raises(Rejected, match="no dead letter 12345"):
        SqlDeadLetters(database).show(12345)


def test_a_change_of_an_old_audit_entry_is_found(database: Database) -> None:
    desk(database)
    entries = audit.verify(database).entries
    head = audit.verify(database).head
    assert entries == 3  # intended, sent, rejected
    with database.begin() as connection:
        connection.execute(text("UPDATE audit SET who = 'nobody' WHERE entry_no = 2"))
    verdict = audit.verify(database, expected_head=head)
    assert verdict.broken_at == 2


def test_a_cut_end_of_the_audit_is_found_by_a_noted_head(database: Database) -> None:
    desk(database)
    head = audit.verify(database).head
    with database.begin() as connection:
        connection.execute(text("DELETE FROM audit WHERE entry_no = 3"))
    assert audit.verify(database).is_unbroken
    assert not audit.verify(database, expected_head=head).is_unbroken


def test_a_transaction_anybody_has_open_on_this_thread_is_seen(database: Database) -> None:
    store = SqlEffectStore(database)
    with database.begin():
        assert store.is_in_transaction()
    with database.connect() as connection:
        connection.execute(text("SELECT 1"))
        assert store.is_in_transaction()
    assert not store.is_in_transaction()
