"""GENTJL: post a general-ledger journal. Source: reference, section 4.5.

Parameters and document have the same root. Lengths of references and comments are not published;
those here are the shortest seen in public schemas, so nothing is cut on the other side.
"""

from dataclasses import dataclass

from include.adapters.syspro.documents.reply import count, field, read_document
from include.adapters.syspro.documents.schema import (
    Amount,
    Choice,
    Day,
    Document,
    Element,
    Group,
    Key,
    Note,
    Whole,
)
from include.adapters.syspro.documents.verdict import Verdict, judge

PARAMETERS = Document(
    "GENTJL",
    "PostGlJournal",
    "GENTJL.XSD",
    (
        Group(
            "Parameters",
            (
                Element("IgnoreWarnings", Choice("N Y W"), is_required=True),
                Element("ApplyIfEntireDocumentValid", Choice("Y N"), is_required=True),
                Element("ValidateOnly", Choice("N Y"), is_required=True),
                Element("ActionType", Choice("A M"), is_required=True),
                Element("ValidatePasswords", Choice("Y N")),
                Element("DeleteEntriesonMaint", Choice("N Y")),
                Element("IgnoreAnalysis", Choice("Y N"), is_required=True),
                Element("IncludeDimensionAnalysis", Choice("N Y")),
            ),
        ),
    ),
)
JOURNAL = Document(
    "GENTJL",
    "PostGlJournal",
    "GENTJLDOC.XSD",
    (
        Group(
            "Item",
            (
                Element("JournalType", Choice("N P U S L A I E"), is_required=True),
                Element("AuthorizeJournal", Choice("D A U"), is_required=True),
                Element("PostJournal", Choice("Y N"), is_required=True),
                Element("CancelJournal", Choice("N Y")),
                Element("HoldJournal", Choice("N Y")),
                Element("JournalDate", Day(), is_required=True),
                Element("JournalReference", Key(30), is_required=True),
                Element("Notation", Note(50)),
                Element("PostingPeriod", Whole(digits=2, maximum=15), is_required=True),
                Element("PostingYear", Whole(maximum=9999), is_required=True),
                Element("SourceCode", Key(10)),
                Element("Currency", Key(3)),
                Group(
                    "JournalDetails",
                    (
                        Element("LedgerCode", Key(35), is_required=True),
                        Element("Date", Day(), is_required=True),
                        Element("Reference", Key(30), is_required=True),
                        Element("EntryAmount", Amount(), is_required=True),
                        Element("Comment", Note(50)),
                    ),
                    repeats=True,
                ),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class PostedJournal:
    """What GENTJL answers: the key, and the count and debits of what it took."""

    year: str
    period: str
    journal: str
    entries: int | None
    debit_text: str
    status: str  # P is posted
    verdict: Verdict


def parse(body: bytes) -> PostedJournal:
    """Read the reply.

    Raises:
        CallFailed, Unreadable: it is not one.
    """
    tree = read_document(body, "postgljournal")
    taken = tree.find("item/transaction")
    return PostedJournal(
        year=field(taken, "key/glyear"),
        period=field(taken, "key/glperiod"),
        journal=field(taken, "key/gljournal"),
        entries=count(taken, "numofentries"),
        debit_text=field(taken, "debitamount"),
        status=field(taken, "jnlstatus"),
        verdict=judge(tree, "journalsprocessed", "journalsinvalid"),
    )
