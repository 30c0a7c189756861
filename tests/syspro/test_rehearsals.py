"""What is measured of SYSPRO is what SYSPRO has said, not that it could not be asked."""

from collections.abc import Callable
from typing import Any

import pytest

from include.adapters.syspro.enet import EnetClient
from include.adapters.syspro.rehearsals import Rehearsals
from include.domain.errors import Rejected, Retryable
from include.domain.journal import Journal

NO_ROWS = b"<ComFind><HeaderDetails><RowsReturned>0</RowsReturned></HeaderDetails></ComFind>"
CLOSED = b"ERROR: The posting period is closed"


def drop(wire: Any) -> None:
    wire.close_connection = True
    wire.connection.close()


@pytest.fixture
def rehearsals(fake: Any, make_client: Callable[..., EnetClient]) -> Rehearsals:
    fake.on("query COMFND", NO_ROWS)
    client = make_client()
    return Rehearsals(client.settings, lambda _: client, lambda _: client)


def test_a_closed_period_is_told_in_the_words_of_syspro(
    fake: Any, rehearsals: Rehearsals, settlement: Journal
) -> None:
    fake.on("post GENTJL", CLOSED)
    words, is_recognised = rehearsals.refusal_of_journal(settlement)
    assert "is closed" in words
    assert is_recognised


@pytest.mark.parametrize(
    ("what", "answer", "family"),
    [
        ("post GENTJL", drop, Retryable),
        ("logon", b"ERROR: All seats are taken", Retryable),
        ("logon", b"ERROR: Invalid operator password", Rejected),
    ],
)
def test_who_could_not_ask_has_measured_nothing(
    fake: Any, rehearsals: Rehearsals, settlement: Journal, what: str, answer: Any, family: type
) -> None:
    fake.on(what, answer)
    with pytest.raises(family):
        rehearsals.refusal_of_journal(settlement)
