"""Whether SYSPRO would tax a sales order otherwise than was meant; read back, not taken on trust.

A live SYSPRO 8 ignores the tax code of a stock line in silence, and taxes gross prices a second
time (reference, sections 4.1 and 9). Under an exempt status no code matters; that
``SorMaster.TaxExemptFlag`` shows the status that SORTOI was told is inferred.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from include.adapters.syspro.documents.comfnd import Row
from include.adapters.syspro.partners.common import difference, minor, money_difference
from include.adapters.syspro.partners.order_document import charge_of, tax_code_of
from include.adapters.syspro.settings import SysproSettings
from include.domain.erp_orders import AddSalesOrder
from include.domain.orders import LineKind
from include.services.effects.ports import Difference


@dataclass(frozen=True, slots=True)
class TaxCodes:
    """How the lines of an order are coded."""

    goods: dict[str, str]  # tax code by stock code, in lower case; several of one are joined by /
    charges: dict[str, int]  # what is charged under each tax code, in minor units


def tax_codes(order: AddSalesOrder, rows: Sequence[Row]) -> TaxCodes:
    """Read them from the rows of SorDetail."""
    goods: dict[str, set[str]] = {}
    charges = Counter[str]()
    for row in rows:
        stock_code = row.get("mstockcode", "").casefold()
        if stock_code:
            goods.setdefault(stock_code, set()).add(row.get("mtaxcode", ""))
        elif row.get("nmscchargevalue", ""):
            code = row.get("nmsctaxcode", "")
            charges[code] += minor(row["nmscchargevalue"], order.currency)
    return TaxCodes({name: "/".join(sorted(found)) for name, found in goods.items()}, dict(charges))


def tax_differences(
    order: AddSalesOrder, settings: SysproSettings, status: object, theirs: object
) -> Iterator[Difference]:
    """Yield what would change the tax.

    Args:
        order: as it was meant.
        settings: the connection's.
        status: ``SorMaster.TaxExemptFlag``; '' was not shown, which proves nothing.
        theirs: its ``TaxCodes``; ``None``: its lines were not read.
    """
    if status in settings.tax_exempt_flags:
        return
    sent = {line.number: tax_code_of(order, line, settings) for line in order.lines}
    if isinstance(theirs, TaxCodes):
        yield from _code_differences(order, sent, theirs)
    if order.is_untaxed and not (isinstance(theirs, TaxCodes) and all(sent.values())):
        yield Difference(
            "tax status", "exempt, the shop's tax is in the lines", str(status or "none")
        )


def _code_differences(
    order: AddSalesOrder, sent: dict[int, str], theirs: TaxCodes
) -> Iterator[Difference]:
    """Compare the codes that were sent; what was sent without one is SYSPRO's to code."""
    charges = Counter[str]()
    for line in order.lines:
        code, name = sent[line.number], line.stock_code.casefold()
        if code and line.kind is LineKind.goods:
            yield from difference(f"tax code of {name}", code, theirs.goods.get(name, ""))
        elif code:
            charges[code] += charge_of(order, line).minor
    for code, value in sorted(charges.items()):
        charged = theirs.charges.get(code, 0)
        yield from money_difference(f"charges of tax code {code}", value, charged, order.currency)
