"""Journals: look, send and compare, against scripted answers."""

from dataclasses import replace
from typing import Any

import pytest

from include.domain.errors import IntegrationError, OutcomeUnknown, Parked, Rejected, Retryable
from include.domain.journal import Journal
from include.services.effects.ports import Effect, EffectKind
from tests.syspro.support import SENT_AT, Make, refused, table

LINES = (
    ("1160", "D", "267.98"),
    ("6150", "D", "6.10"),
    ("6151", "D", "0.52"),
    ("6152", "D", "0.40"),
    ("6155", "D", "15.00"),
    ("1170", "D", "80.00"),
    ("1150", "D", "30.00"),
    ("1150", "C", "400.00"),
)


def control(*journals: str, status: str = "P") -> bytes:
    return table(
        "GenJournalCtl",
        *(
            {"GlYear": "2026", "GlPeriod": "10", "GlJournal": number, "JnlStatus": status}
            for number in journals
        ),
    )


def details(lines: tuple[tuple[str, str, str], ...] = LINES, *journals: str, **more: str) -> bytes:
    rows = (
        {
            "GlYear": "2026",
            "GlPeriod": "        10",
            "Journal": journal,
            "EntryNumber": f"{number:5d}",
            "GlCode": account,
            "EntryType": side,
            "EntryValue": f"{value:>16}",
            "EntryDate": "2026-10-31",
            "EntryPosted": "Y",
            **more,
        }
        for journal in journals or ("       117",)
        for number, (account, side, value) in enumerate(lines, 1)
    )
    return table("GenJournalDetail", *rows)


def posted(entries: str = "00008", debit: str = "400.00") -> bytes:
    return (
        "<postgljournal><Item><Transaction><Key><GlYear>2026</GlYear><GlPeriod>10</GlPeriod>"
        f"<GlJournal>00117</GlJournal></Key><NumOfEntries>{entries}</NumOfEntries>"
        f"<DebitAmount>{debit}</DebitAmount><Jnlstatus>P</Jnlstatus></Transaction></Item>"
        "<StatusOfItems><JournalsProcessed>1</JournalsProcessed><JournalsInvalid/></StatusOfItems>"
        "</postgljournal>"
    ).encode()


# -- journals ------------------------------------------------------------------------------------


def test_posting_one_journal_takes_six_calls(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    fake.on("query COMFND", control(), details(), control("117"))
    fake.on("post GENTJL", posted())
    adapter = make_adapter()
    partner = adapter.partners[EffectKind.gl_journal]
    with adapter.session():
        assert partner.look(effect_for(settlement)) == ()
        receipt = partner.send(effect_for(settlement))
        sent = effect_for(settlement, sent_at=SENT_AT, sends=1, their_key=receipt.their_key)
        (found,) = partner.look(sent)
        assert partner.compare(sent, found) == ()
    assert receipt.their_key == found.their_key == "2026/10/117"
    assert found.facts["total_minor"] == 400_00
    assert fake.verbs() == [
        "logon", "query COMFND", "post GENTJL", "query COMFND", "query COMFND", "logoff",
    ]  # fmt: skip
    assert adapter.calls() == 6


def test_absence_after_a_send_is_asked_of_both_tables(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    fake.on("query COMFND", details(()), control())
    partner = make_adapter().partners[EffectKind.gl_journal]
    assert partner.look(effect_for(settlement, sent_at=SENT_AT, sends=1)) == ()
    tables = [c.fields["XmlIn"].partition("<TableName>")[2][:13] for c in fake.calls[1:3]]
    assert tables == ["GenJournalDet", "GenJournalCtl"]


def test_a_journal_whose_lines_lost_their_reference_is_found_by_its_head(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    fake.on("query COMFND", details(()), control("117"), details())
    partner = make_adapter().partners[EffectKind.gl_journal]
    (found,) = partner.look(effect_for(settlement, sent_at=SENT_AT, sends=1))
    assert found.their_key == "2026/10/117"


def test_two_journals_with_one_reference_are_both_returned(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    twice = details(LINES, "       117", "       118")
    fake.on("query COMFND", twice, control("117", "118"))
    partner = make_adapter().partners[EffectKind.gl_journal]
    found = partner.look(effect_for(settlement, sent_at=SENT_AT, sends=1))
    assert [one.their_key for one in found] == ["2026/10/117", "2026/10/118"]
    assert sum(int(str(one.facts["total_minor"])) for one in found) == 800_00


@pytest.mark.parametrize(
    ("answer", "differences"),
    [
        (
            details((("1160", "D", "267.88"), ("6152", "D", "0.50"), *LINES[1:3], *LINES[4:])),
            [
                "account 1160: ours 267.98 USD, theirs 267.88 USD",
                "account 6152: ours 0.40 USD, theirs 0.50 USD",
            ],
        ),
        (
            details((*LINES[:2], *LINES[3:])),
            [
                "debit total: ours 400.00 USD, theirs 399.48 USD",
                "entries: ours 8, theirs 7",
                "account 6151: ours 0.52 USD, theirs 0.00 USD",
            ],
        ),
        (details(GlPeriod="11"), ["year and period: ours (2026, 10), theirs (2026, 11)"]),
        (
            details(EntryDate="20261101"),
            ["journal date: ours 2026-10-31, theirs 2026-11-01"],
        ),
        (details(EntryPosted="N"), ["entries posted: ours Y, theirs N"]),
        (details(EntryPosted=""), ["journal status: ours P, theirs U"]),
    ],
    ids=["two accounts", "a line dropped", "period", "date", "not posted", "not authorised"],
)  # fmt: skip
def test_everything_that_differs_is_named(
    fake: Any,
    make_adapter: Make,
    settlement: Journal,
    effect_for: Make,
    answer: bytes,
    differences: list[str],
) -> None:
    head = control("117", status="U" if b"<EntryPosted></EntryPosted>" in answer else "P")
    if b"<GlPeriod>11" in answer:
        head = head.replace(b"<GlPeriod>10", b"<GlPeriod>11")
    fake.on("query COMFND", answer, head)
    partner = make_adapter().partners[EffectKind.gl_journal]
    effect = effect_for(settlement, sent_at=SENT_AT, sends=1)
    (found,) = partner.look(effect)
    seen = [f"{d.what}: ours {d.ours}, theirs {d.theirs}" for d in partner.compare(effect, found)]
    assert seen == differences


@pytest.mark.parametrize(
    "answer", [posted(entries="00007"), posted(debit="300.00"), posted(debit="?"), b"<x/>"]
)
def test_the_answer_to_another_journal_leaves_ours_unknown(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make, answer: bytes
) -> None:
    fake.on("post GENTJL", answer)
    with pytest.raises(OutcomeUnknown):
        make_adapter().partners[EffectKind.gl_journal].send(effect_for(settlement))
    assert fake.count("post") == 1


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            refused("postgljournal", "Posting period '10' is closed", counters="Journals"),
            Parked,
            r"period 10/2026 of company A .* Open the period",
        ),
        (
            refused("postgljournal", "Ledger code '6150' not found", counters="Journals"),
            Rejected,
            r"Ledger code '6150' not found .* Correct the mapping",
        ),
        (
            refused("postgljournal", "Period 10 required", counters="Journals"),
            Rejected,
            "Period 10 required",
        ),
    ],
)
def test_a_refusal_is_parked_or_rejected_by_its_words(
    fake: Any,
    make_adapter: Make,
    settlement: Journal,
    effect_for: Make,
    answer: bytes,
    error: type[IntegrationError],
    words: str,
) -> None:
    fake.on("post GENTJL", answer)
    with pytest.raises(error, match=words) as caught:
        make_adapter().partners[EffectKind.gl_journal].send(effect_for(settlement))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "answer",
    [
        b"ERROR: e.net exception 100000",
        b"<html></html>",
        table("GenJournalCtl").replace(b"0</", b"3</"),
        details((("1160", "X", "1.00"),)),
        details((("1160", "D", "1,00"),)),
    ],
    ids=["licence", "html", "rows missing", "neither side", "no number"],
)
def test_a_look_that_cannot_read_never_says_absent(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make, answer: bytes
) -> None:
    fake.on("query COMFND", answer)
    partner = make_adapter().partners[EffectKind.gl_journal]
    with pytest.raises((Retryable, Rejected)):
        partner.look(effect_for(settlement, sent_at=SENT_AT, sends=1))


def test_a_wrong_password_while_looking_says_so(
    fake: Any, make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    fake.on("logon", b"ERROR: Invalid operator password")
    with pytest.raises(Rejected, match="Correct operator or password"):
        make_adapter().partners[EffectKind.gl_journal].look(effect_for(settlement))


def test_an_effect_that_names_another_journal_is_our_own_bug(
    make_adapter: Make, settlement: Journal, effect_for: Make
) -> None:
    effect: Effect = replace(effect_for(settlement), reference="TO0")
    with pytest.raises(ValueError, match="reference"):
        make_adapter().partners[EffectKind.gl_journal].send(effect)
