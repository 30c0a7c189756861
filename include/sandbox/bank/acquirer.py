"""The acquirer's daily file, a layout of our own called acquirer_daily_v2.

``H|ACQ|<merchant no>|<YYYY-MM-DD>|<CCY>|<statement id>``, then ``F|<fee code>|<request id>|<cost>|
<CCY>`` with INT, ASM or ITM, ``R|HOLD or RELEASE|<amount>|<CCY>``, ``A|<reason>|<signed amount>|
<CCY>``, and ``T|<rows without H and T>|<sum of F>|<released - held>|<sum of A>``.
"""

from include.sandbox.world.facts import decimal_text
from include.sandbox.world.settlement import SettlementDay, statement_id


def daily_file(settled: SettlementDay) -> bytes:
    """Return the file of one settlement day; it always has a header and a trailer."""
    currency = settled.facts.currencies[0]
    rows = _fees(settled, currency)
    held, released = settled.reserve_held_minor, settled.reserve_released_minor
    for word, minor in (("HOLD", held), ("RELEASE", released)):
        if minor:
            rows.append(f"R|{word}|{decimal_text(minor, currency)}|{currency}")
    for item in settled.adjustments:
        rows.append(f"A|{item.reason}|{decimal_text(item.amount_minor, currency)}|{currency}")
    for odd in settled.mysteries:
        rows.append(f"Z|{odd.request_id}|{decimal_text(odd.amount_minor, currency)}|{currency}")
    owner, day = settled.facts.organization_id, settled.day.isoformat()
    number = statement_id(settled.facts, settled.day, currency)
    fees = decimal_text(-settled.fees(currency), currency)
    reserve = decimal_text(released - held, currency)
    adjusted = decimal_text(sum(a.amount_minor for a in settled.adjustments), currency)
    lines = [
        f"H|ACQ|{owner}|{day}|{currency}|{number}",
        *rows,
        f"T|{len(rows)}|{fees}|{reserve}|{adjusted}",
    ]
    return ("\n".join(lines) + "\n").encode()


def _fees(settled: SettlementDay, currency: str) -> list[str]:
    found = []
    for fee in settled.fee_lines:
        for code, minor in (
            ("INT", fee.interchange_minor),
            ("ASM", fee.assessment_minor),
            ("ITM", fee.per_item_minor),
        ):
            if minor:
                text = decimal_text(minor, currency)
                found.append(f"F|{code}|{fee.transaction.request_id}|{text}|{currency}")
    return found
