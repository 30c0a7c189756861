"""Invoices and deposits: look, send and compare, against scripted answers."""

from typing import Any

import pytest

from include.domain.errors import OutcomeUnknown, Parked
from include.domain.journal import Journal
from include.services.effects.ports import EffectKind
from tests.syspro.support import SENT_AT, Make, options, refused, table

AP = (
    "<postapinvoice><Item><Transaction><Key><TrnYear>2026</TrnYear><TrnMonth>{month}</TrnMonth>"
    "<Journal>00017</Journal><EntryNumber>001</EntryNumber></Key><Supplier>ACQ001</Supplier>"
    "<Invoice>{invoice}</Invoice></Transaction></Item><StatusOfItems><GlJournal><GlYear/>"
    "<GlPeriod/><GlJournal/><GlJournalError>{error}</GlJournalError><GlJournalMessage>{message}"
    "</GlJournalMessage></GlJournal><ItemsProcessed>000001</ItemsProcessed><ItemsInvalid/>"
    "</StatusOfItems></postapinvoice>"
)


def invoice_reply(
    invoice: str = "ST-20261031", month: str = "10", error: str = "", message: str = ""
) -> bytes:
    return AP.format(invoice=invoice, month=month, error=error, message=message).encode()


def ap_row(value: str = "22.02", **more: str) -> bytes:
    return table(
        "ApInvoice",
        {
            "Supplier": "ACQ001",
            "Invoice": "ST-20261031",
            "OrigInvValue": value,
            "InvoiceDate": "2026-10-31",
            **more,
        },
    )


def test_an_invoice_is_posted_into_the_previous_period_and_read_back(
    fake: Any, make_adapter: Make, fee_invoice: Journal, effect_for: Make
) -> None:
    fake.on("query COMFND", table("ApInvoice"), ap_row())
    fake.on("query GENQSO", options())
    fake.on("post APSTIN", invoice_reply())
    adapter = make_adapter()
    partner = adapter.partners[EffectKind.ap_invoice]
    with adapter.session():
        assert partner.look(effect_for(fee_invoice)) == ()
        receipt = partner.send(effect_for(fee_invoice))
        sent = effect_for(fee_invoice, sent_at=SENT_AT, sends=1, their_key=receipt.their_key)
        (found,) = partner.look(sent)
        assert partner.compare(sent, found) == ()
    assert found.facts["total_minor"] == 22_02
    assert adapter.calls() == 6
    call = next(call for call in fake.calls if call.verb == "post")
    assert "<PostingPeriod>P</PostingPeriod>" in call.fields["XmlParameters"]


def test_an_invoice_whose_gl_journal_failed_is_a_difference_although_it_was_taken(
    fake: Any, make_adapter: Make, fee_invoice: Journal, effect_for: Make
) -> None:
    fake.on("query GENQSO", options())
    fake.on("post APSTIN", invoice_reply(error="000001", message="Ledger locked"))
    fake.on("query COMFND", ap_row())
    partner = make_adapter().partners[EffectKind.ap_invoice]
    receipt = partner.send(effect_for(fee_invoice))
    sent = effect_for(fee_invoice, sent_at=SENT_AT, sends=1, their_key=receipt.their_key)
    (difference,) = partner.compare(sent, partner.look(sent)[0])
    assert difference.what == "general ledger journal"
    assert difference.theirs == "failed: 000001 Ledger locked"


def test_a_card_number_in_the_reason_of_a_failed_gl_journal_is_kept_nowhere(
    fake: Any, make_adapter: Make, fee_invoice: Journal, effect_for: Make
) -> None:
    fake.on("query GENQSO", options())
    fake.on("post APSTIN", invoice_reply(error="000001", message="Card 4111111111111111 locked"))
    receipt = make_adapter().partners[EffectKind.ap_invoice].send(effect_for(fee_invoice))
    for kept in (receipt.their_key, str(receipt.evidence["gl_error"])):
        assert "000001 Card" in kept
        assert "4111111111111111" not in kept


def test_an_invoice_that_slipped_into_another_period_is_a_difference(
    fake: Any, make_adapter: Make, fee_invoice: Journal, effect_for: Make
) -> None:
    fake.on("query GENQSO", options())
    fake.on("post APSTIN", invoice_reply(month="11"))
    fake.on("query COMFND", ap_row("22.03", Reference="someone else's"))
    partner = make_adapter().partners[EffectKind.ap_invoice]
    receipt = partner.send(effect_for(fee_invoice))
    sent = effect_for(fee_invoice, sent_at=SENT_AT, sends=1, their_key=receipt.their_key)
    (found,) = partner.look(sent)
    names = [difference.what for difference in partner.compare(sent, found)]
    assert names == ["invoice value", "year and period", "reference"]
    assert found.facts["total_minor"] == 22_03


@pytest.mark.parametrize(
    "answer",
    [
        refused("postapinvoice", "Invoice 'ST' is there", "120001"),
        refused("postapinvoice", "Invoice 'ST' already exists"),
        invoice_reply(invoice="ST-OTHER"),
        invoice_reply().replace(b"ACQ001", b"ACQ002"),
    ],
    ids=["number", "words", "answer for another invoice", "answer for another supplier"],
)
def test_an_invoice_that_is_already_there_is_looked_at_again(
    fake: Any, make_adapter: Make, fee_invoice: Journal, effect_for: Make, answer: bytes
) -> None:
    fake.on("query GENQSO", options())
    fake.on("post APSTIN", answer)
    with pytest.raises(OutcomeUnknown):
        make_adapter().partners[EffectKind.ap_invoice].send(effect_for(fee_invoice))


@pytest.mark.parametrize(("year", "period"), [(2027, 2), (2026, 9)], ids=["too old", "future"])
def test_a_sub_ledger_posting_outside_the_last_three_periods_is_parked_unsent(
    fake: Any, make_adapter: Make, fee_invoice: Journal, effect_for: Make, year: int, period: int
) -> None:
    fake.on("query GENQSO", options(year, period))
    with pytest.raises(Parked, match="period 10/2026 of company A"):
        make_adapter().partners[EffectKind.ap_invoice].send(effect_for(fee_invoice))
    assert fake.count("post") == 0


def cash(*rows: tuple[str, str, str], month: int = 11, day: int = 2) -> bytes:
    """Rows of reference, value and reconciled flag, in a period, of a day in November."""
    items = "".join(
        f"<CshTrnItem><CbTrnYear>2026</CbTrnYear><CbTrnMonth>{month}</CbTrnMonth><TrnType>D</TrnType>"
        f"<TrnReference>{reference}</TrnReference><TrnValue>{value:>14}</TrnValue><TrnDate>"
        f"2026/11/{day:02}</TrnDate><ReconciledFlag>{flag}</ReconciledFlag><Journal>{place}</Journal>"
        "</CshTrnItem>"
        for place, (reference, value, flag) in enumerate(rows, 9)
    )
    return f"<CshTrnQuery><BankItem><Bank>BUS</Bank>{items}</BankItem></CshTrnQuery>".encode()


CSHTWD = (
    b"<postcbdepositswithdrawals><Item><AddTransaction><Key><Bank>BUS</Bank><CbTrnYear>2026"
    b"</CbTrnYear><CbTrnMonth>11</CbTrnMonth><Journal>0009</Journal><EntryNumber>1</EntryNumber>"
    b"</Key></AddTransaction></Item><StatusOfItems><ItemsProcessed>1</ItemsProcessed>"
    b"<ItemsInvalid/></StatusOfItems></postcbdepositswithdrawals>"
)
GL_FAILED = CSHTWD.replace(
    b"<StatusOfItems>",
    b"<StatusOfItems><GlJournal><GlYear/><GlPeriod/><GlJournal/><GlJournalError>000001"
    b"</GlJournalError><GlJournalMessage>Ledger locked</GlJournalMessage></GlJournal>",
)


def test_a_deposit_is_found_among_others_by_its_reference(
    fake: Any, make_adapter: Make, deposit: Journal, effect_for: Make
) -> None:
    ours = deposit.reference
    fake.on("query CSHQRY", cash(("X", "1.00", "N")), cash((ours, "267.98", "N")))
    fake.on("query GENQSO", options())
    fake.on("post CSHTWD", CSHTWD)
    adapter = make_adapter()
    partner = adapter.partners[EffectKind.cash_book_entry]
    with adapter.session():
        assert partner.look(effect_for(deposit)) == ()
        receipt = partner.send(effect_for(deposit))
        sent = effect_for(deposit, sent_at=SENT_AT, sends=1, their_key=receipt.their_key)
        (found,) = partner.look(sent)
        assert partner.compare(sent, found) == ()
    assert found.their_key == receipt.their_key == "BUS/2026/11/9"
    assert adapter.calls() == 6


def test_a_second_deposit_and_a_wrong_value_are_seen_and_what_a_clerk_reconciled_is_not(
    fake: Any, make_adapter: Make, deposit: Journal, effect_for: Make
) -> None:
    ours = deposit.reference
    fake.on("query CSHQRY", cash((ours, "267.00", "Y"), (ours, "267.98", "N")))
    partner = make_adapter().partners[EffectKind.cash_book_entry]
    effect = effect_for(deposit, sent_at=SENT_AT, sends=1)
    found = partner.look(effect)
    assert [one.their_key for one in found] == ["BUS/2026/11/9", "BUS/2026/11/10"]
    names = [difference.what for difference in partner.compare(effect, found[0])]
    assert names == ["value"]
    assert found[0].facts["total_minor"] == 267_00


@pytest.mark.parametrize(
    ("shown", "posted", "what"),
    [
        ({"day": 3}, CSHTWD, "transaction date"),
        ({"month": 12}, CSHTWD, "year and period"),
        ({}, GL_FAILED, "general ledger journal"),
    ],
    ids=["another day", "another period", "no GL journal"],
)
def test_a_deposit_that_is_booked_elsewhere_or_in_the_cash_book_alone_is_a_difference(
    fake: Any,
    make_adapter: Make,
    deposit: Journal,
    effect_for: Make,
    shown: dict[str, int],
    posted: bytes,
    what: str,
) -> None:
    fake.on("query CSHQRY", cash((deposit.reference, "267.98", "N"), **shown))
    fake.on("query GENQSO", options())
    fake.on("post CSHTWD", posted)
    partner = make_adapter().partners[EffectKind.cash_book_entry]
    receipt = partner.send(effect_for(deposit))
    sent = effect_for(deposit, sent_at=SENT_AT, sends=1, their_key=receipt.their_key)
    (found,) = partner.look(sent)
    assert [difference.what for difference in partner.compare(sent, found)] == [what]
