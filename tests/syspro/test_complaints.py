"""A document that complains says neither 'nothing there' nor one thing alone.

Source: reference, section 2: what fails in a document is a container inside normal XML.
"""

from collections.abc import Callable
from typing import Any

import pytest

from include.domain.errors import OutcomeUnknown, Retryable
from include.domain.journal import Journal
from include.services.effects.ports import EffectKind
from tests.syspro.support import SENT_AT
from tests.syspro.support_orders import ORDER, PO, effect_of, imported

Make = Callable[..., Any]
COMPLAINT = (
    "<{0}><Value>x</Value><ErrorNumber>900044</ErrorNumber><ErrorDescription>No access to {0}"
    "</ErrorDescription></{0}>"
)


def complaining_table(name: str) -> bytes:
    """No rows, and why: the question itself was refused."""
    column = COMPLAINT.format("Column")
    return (
        f"<{name}><HeaderDetails><TableName>{name}</TableName>{column}</HeaderDetails>"
        f"<RowsReturned>       0</RowsReturned></{name}>"
    ).encode()


def test_a_table_that_may_not_be_asked_is_not_taken_for_an_empty_one(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    """Else a journal in doubt would count as absent, and be posted a second time."""
    fake.on(
        "query COMFND", complaining_table("GenJournalDetail"), complaining_table("GenJournalCtl")
    )
    partner = make_adapter().partners[EffectKind.gl_journal]
    with pytest.raises(Retryable, match="No access to Column"):
        partner.look(effect_for(settlement, sent_at=SENT_AT, sends=1))


def test_a_bank_that_may_not_be_asked_is_not_taken_for_one_without_the_deposit(
    fake: Any, make_adapter: Make, deposit: Journal, effect_for: Make
) -> None:
    bank = deposit.detail("bank_code")
    period = COMPLAINT.format("AsOfPeriod")
    answer = f"<CshTrnQuery>{period}<BankItem><Bank>{bank}</Bank></BankItem></CshTrnQuery>"
    fake.on("query CSHQRY", answer.encode())
    fake.on("query COMFND", b"<GenJournalDetail><RowsReturned>0</RowsReturned></GenJournalDetail>")
    partner = make_adapter().partners[EffectKind.cash_book_entry]
    with pytest.raises(Retryable, match="No access to AsOfPeriod"):
        partner.look(effect_for(deposit, sent_at=SENT_AT, sends=1))


def test_every_text_of_a_refused_order_is_read_and_not_the_first_alone(
    fake: Any, make_adapter: Make
) -> None:
    """The second one says that the order is there: it is looked for, and not given up."""
    fake.on(
        "post SORTOI",
        imported(
            f"<Orders><OrderHeader><CustomerPoNumber>{PO}</CustomerPoNumber><ErrorMessages>"
            "<ErrorDescription>Customer 'W000001' is on hold</ErrorDescription>"
            f"<ErrorDescription>Customer purchase order '{PO}' already exists</ErrorDescription>"
            "</ErrorMessages></OrderHeader></Orders>"
        ),
    )
    with pytest.raises(OutcomeUnknown, match=r"on hold.*already exists"):
        make_adapter().partners[EffectKind.sales_order].send(effect_of(ORDER))


def test_a_complaint_behind_an_empty_one_is_no_yes(fake: Any, make_adapter: Make) -> None:
    fake.on(
        "post SORTOI",
        imported(
            "<Orders><OrderHeader><ErrorMessages><ErrorDescription/><ErrorDescription>XML element "
            "'price' must be numeric</ErrorDescription></ErrorMessages></OrderHeader></Orders>"
        ),
    )
    fake.on("query COMFND", b"<SorMaster><RowsReturned>0</RowsReturned></SorMaster>")
    with pytest.raises(Exception, match="must be numeric"):
        make_adapter().partners[EffectKind.sales_order].send(effect_of(ORDER))
