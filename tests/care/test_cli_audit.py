"""The store and its audit at the command line: doubted, verified, tampered with."""

import pytest

from include.adapters.store import audit
from include.wiring import Tieout
from tests.care.conftest import Care
from tests.care.shell import ANN
from tests.care.shell import context as context
from tests.orders.conftest import make_order
from tests.tampering import unguard, write_anew
from tieout import cli


def test_a_store_is_doubted_with_a_name_until_its_letter_is_resolved(
    care: Care, context: Tieout
) -> None:
    assert not context.trust.check()
    assert cli.main(["store", "doubt", "--reason", "failed over", "--who", "ann"]) == 0
    assert context.trust.check()
    (letter,) = care.letters.listing()
    assert "failed over" in letter.reason
    (entry,) = audit.history(care.store, "store")
    assert (entry.who, entry.what) == (f"cli:{ANN}", "store doubted")
    care.letters.resolve(letter.dead_letter_id, "ann", "compared")
    assert not context.trust.check()


def test_the_audit_is_verified_and_a_changed_entry_is_named(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    care.kit.run(make_order())
    assert cli.main(["audit", "verify"]) == 0
    assert "entries hold" in capsys.readouterr().out
    with care.store.begin() as connection:
        unguard(connection)
        connection.exec_driver_sql("UPDATE audit SET who = 'nobody' WHERE entry_no = 2")
    assert cli.main(["audit", "verify"]) == 1
    assert "entry 2" in capsys.readouterr().err


def test_a_head_that_was_told_shows_a_chain_that_was_written_anew(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    care.kit.run(make_order())
    context.trust.note()
    before = audit.verify(care.store)
    care.kit.run(make_order(number="1002"))
    assert cli.main(["audit", "verify", "--head", before.head]) == 0
    assert f"; the head asked for is number {before.entries}\n" in capsys.readouterr().out
    assert cli.main(["audit", "verify", "--since", before.head]) == 0
    rest = audit.verify(care.store).entries - before.entries + 1
    assert f"{rest} entries hold, from the head given on; " in capsys.readouterr().out
    write_anew(care.store, "cli:innocent")
    assert cli.main(["audit", "verify"]) == 1
    assert "the head noted in the lake is not among them" in capsys.readouterr().err
    context.lake.write_note("store", b"")  # whoever writes the store may write there, too
    context.trust.note()
    assert cli.main(["audit", "verify"]) == 0
    capsys.readouterr()
    assert cli.main(["audit", "verify", "--head", before.head]) == 1
    assert f"but the head {before.head} is not among them" in capsys.readouterr().err
    assert cli.main(["audit", "verify", "--since", before.head]) == 1
    assert f"but the head {before.head} is not among them" in capsys.readouterr().err
    assert cli.main(["audit", "verify", "--head", before.head[:-1]]) == 1
    assert "is no head: 64 digits and letters" in capsys.readouterr().err
