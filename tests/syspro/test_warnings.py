"""A warning of SYSPRO, of a control account say: each site says for each object what it is."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from include.domain.errors import IntegrationError, Rejected
from include.domain.journal import Journal
from include.sandbox import Sandbox, start
from include.services.effects.ports import Effect, EffectKind, EffectState
from tests.syspro.sandbox_desk import Desk
from tests.syspro.support import Make, options
from tests.syspro.support_orders import RECEIPT
from tests.syspro.support_orders import effect_of as command_effect

CONTROL = "1200"  # a control account of the sandbox's companies


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, start=date(2026, 10, 20), days=25)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def open_desk(running: Sandbox, effect_for: Callable[..., Effect]) -> Callable[..., Desk]:
    def fresh(**extra: object) -> Desk:
        running.reset()
        return Desk(running, effect_for, **extra)

    return fresh


def onto_control(journal: Journal) -> Journal:
    """Return it with its last line on the control account; a bill's contra stays where it is."""
    at = 0 if "invoice" in dict(journal.details) else len(journal.lines) - 1
    lines = list(journal.lines)
    lines[at] = replace(lines[at], gl_account=CONTROL)
    return replace(journal, lines=tuple(lines))


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("settlement", "journal_warnings"),
        ("deposit", "cash_book_warnings"),
        ("fee_invoice", "invoice_warnings"),
    ],
)
def test_a_control_account_is_refused_or_booked_as_the_connection_says(
    open_desk: Callable[..., Desk], request: pytest.FixtureRequest, name: str, setting: str
) -> None:
    posting = onto_control(request.getfixturevalue(name))
    refused = open_desk().drive(posting)
    assert refused.state is EffectState.rejected
    assert "control account" in refused.reason
    for word in ("Y", "W"):
        found = open_desk(**{setting: word}).drive(posting)
        assert found.state is EffectState.verified, found.reason


@pytest.mark.parametrize("word", ["", "N", "W"])
def test_receipts_ignore_warnings_unless_the_connection_says_otherwise(
    fake: Any, make_adapter: Make, word: str
) -> None:
    fake.on("query GENQSO", options())
    fake.on("post ARSTPY", b"ERROR: no")
    extra = {"receipt_warnings": word} if word else {}
    partner = make_adapter(**extra).partners[EffectKind.ar_receipt]
    with pytest.raises(IntegrationError):
        partner.send(command_effect(RECEIPT))
    (call,) = (call for call in fake.calls if call.verb == "post")
    sent = call.fields["XmlParameters"]
    assert f"<IgnoreWarnings>{word or 'Y'}</IgnoreWarnings>" in sent


def test_another_word_is_refused(make_settings: Make) -> None:
    with pytest.raises(Rejected, match="cash_book_warnings is one of"):
        make_settings(cash_book_warnings="yes")
