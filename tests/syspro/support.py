"""Scripted answers of SYSPRO that several tests of the partners share."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

SENT_AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
Make = Callable[..., Any]


def table(name: str, *rows: dict[str, str]) -> bytes:
    cells = "".join(
        f"<Row>{''.join(f'<{k}>{v}</{k}>' for k, v in row.items())}</Row>" for row in rows
    )
    return f"<{name}>{cells}<RowsReturned>{len(rows):8d}</RowsReturned></{name}>".encode()


def refused(root: str, text: str, number: str = "900001", counters: str = "Items") -> bytes:
    return (
        f"<{root}><Item><F><Value>x</Value><ErrorNumber>{number}</ErrorNumber><ErrorDescription>"
        f"{text}</ErrorDescription></F></Item><StatusOfItems><{counters}Processed/>"
        f"<{counters}Invalid>1</{counters}Invalid></StatusOfItems></{root}>"
    ).encode()


def options(year: int = 2026, period: int = 11, flags: str = "") -> bytes:
    return (
        f"<GeneralLedgerOptions><Periods><CurrentYear>{year}</CurrentYear><CurrentPeriod>{period}"
        f"</CurrentPeriod>{flags}</Periods></GeneralLedgerOptions>"
    ).encode()
