"""Bank statements as bytes: BAI2, camt.053.001.02 and CSV.

BAI2: records 01, 02, 03, 16, 49, 98, 99; amounts in minor units without a point, control totals
with a sign where negative. camt: unsigned amounts with CRDT or DBIT, opening and closing booked
balance. CSV: ``date,value_date,amount,currency,reference,text,balance``.
"""

import csv
import io
from collections.abc import Callable
from xml.sax.saxutils import escape

from include.sandbox.world.bank import Statement
from include.sandbox.world.facts import decimal_text
from include.sandbox.world.model import BankEntry

_CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
_BAI_CREDIT, _BAI_DEBIT = "165", "455"  # preauthorized ACH credit; preauthorized ACH debit


def bai2(statement: Statement) -> bytes:
    """Return one file with one group and one account; record counts and sums in 49, 98, 99."""
    day = f"{statement.day:%y%m%d}"
    entries = statement.entries
    credits = [e.amount_minor for e in entries if e.amount_minor > 0]
    debits = [-e.amount_minor for e in entries if e.amount_minor < 0]
    opening, closing = statement.opening_minor, statement.closing_minor
    summary = (
        f"03,{statement.account},{statement.currency},010,{opening},,,015,{closing},,,"
        f"100,{sum(credits)},{len(credits)},,400,{sum(debits)},{len(debits)},/"
    )
    details = [
        f"16,{_BAI_CREDIT if e.amount_minor > 0 else _BAI_DEBIT},{abs(e.amount_minor)},Z,"
        f"{e.entry_id},{e.reference},{e.text}"
        for e in entries
    ]
    # The account total is the sum of every amount in its 03 and 16 records.
    total = (
        opening + closing + sum(credits) + sum(debits) + sum(abs(e.amount_minor) for e in entries)
    )
    in_account = len(details) + 2
    lines = [
        f"01,SANDBANK,ACME,{day},2359,1,80,,2/",
        f"02,ACME,SANDBANK,1,{day},2359,{statement.currency},2/",
        summary,
        *details,
        f"49,{total},{in_account}/",
        f"98,{total},1,{in_account + 2}/",
        f"99,{total},1,{in_account + 4}/",
    ]
    return ("\n".join(lines) + "\n").encode()


def camt(statement: Statement) -> bytes:
    """Return one camt.053.001.02 document with one statement."""
    day = statement.day.isoformat()
    number = f"{statement.account}-{statement.day:%Y%m%d}"
    body = [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        f'<Document xmlns="{_CAMT}">\n <BkToCstmrStmt>\n',
        f"  <GrpHdr><MsgId>{number}</MsgId><CreDtTm>{day}T23:59:00Z</CreDtTm></GrpHdr>\n",
        f"  <Stmt>\n   <Id>{number}</Id>\n   <CreDtTm>{day}T23:59:00Z</CreDtTm>\n",
        f"   <FrToDt><FrDtTm>{day}T00:00:00Z</FrDtTm><ToDtTm>{day}T23:59:59Z</ToDtTm></FrToDt>\n",
        f"   <Acct><Id><Othr><Id>{statement.account}</Id></Othr></Id>"
        f"<Ccy>{statement.currency}</Ccy></Acct>\n",
        _balance("OPBD", statement.opening_minor, statement),
        _balance("CLBD", statement.closing_minor, statement),
        *(_camt_entry(entry) for entry in statement.entries),
        "  </Stmt>\n </BkToCstmrStmt>\n</Document>\n",
    ]
    return "".join(body).encode()


def _balance(code: str, minor: int, statement: Statement) -> str:
    return (
        f"   <Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f"{_amount(minor, statement.currency)}<Dt><Dt>{statement.day}</Dt></Dt></Bal>\n"
    )


def _amount(minor: int, currency: str) -> str:
    sign = "CRDT" if minor >= 0 else "DBIT"
    text = decimal_text(abs(minor), currency)
    return f'<Amt Ccy="{currency}">{text}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'


def _camt_entry(entry: BankEntry) -> str:
    day = entry.booking_date.isoformat()
    return (
        f"   <Ntry>{_amount(entry.amount_minor, entry.currency)}<Sts>BOOK</Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"<AcctSvcrRef>{entry.entry_id}</AcctSvcrRef>"
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>"
        "</BkTxCd><NtryDtls><TxDtls>"
        f"<Refs><EndToEndId>{entry.reference}</EndToEndId></Refs>"
        f"<RmtInf><Ustrd>{escape(entry.text)}</Ustrd></RmtInf></TxDtls></NtryDtls>"
        f"<AddtlNtryInf>{escape(entry.text)}</AddtlNtryInf></Ntry>\n"
    )


def as_csv(statement: Statement) -> bytes:
    """Return headings and one row per entry; the balance is the one after the entry."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow("date,value_date,amount,currency,reference,text,balance".split(","))
    balance = statement.opening_minor
    for entry in statement.entries:
        balance += entry.amount_minor
        day = entry.booking_date.isoformat()
        amount = decimal_text(entry.amount_minor, entry.currency)
        after = decimal_text(balance, entry.currency)
        writer.writerow([day, day, amount, entry.currency, entry.reference, entry.text, after])
    return out.getvalue().encode()


FORMATS: dict[str, tuple[Callable[[Statement], bytes], str]] = {
    "bai2": (bai2, "text/plain"),
    "camt": (camt, "application/xml"),
    "csv": (as_csv, "text/csv"),
}
