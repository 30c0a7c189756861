"""GENQSO (current period) and GENQPP (periods of previous years).

Source: reference, section 4.5. The public copies of GENQSO's and ARSQSO's replies stop before a
current period, so the names it may have are a setting; GENQPP's flags are published. Each module
has a query of this kind; APSQSO and CSHQSO by the roots of their setup objects.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from xml.etree.ElementTree import Element as Tree  # a type; parsing is reply.py's

from include.adapters.syspro.documents.reply import (
    Unreadable,
    count,
    field,
    read_date,
    read_document,
)
from include.adapters.syspro.documents.schema import Choice, Document, Element, Group, Key, Whole

OPTION_ROOTS = {
    "GENQSO": "GeneralLedgerOptions",
    "ARSQSO": "AccountsReceivableOptions",
    "APSQSO": "AccountsPayableOptions",
    "CSHQSO": "CashBookOptions",
}
_OPTION = Group(
    "Option",
    (
        Element("ReturnSchema", Choice("N Y")),
        Element("IncludeInformationItems", Choice("N Y")),
        Element("CompanyId", Key(10), is_required=True),
    ),
)
OPTIONS = {name: Document(name, "Query", f"{name}.XSD", (_OPTION,)) for name in OPTION_ROOTS}
PREVIOUS_PERIODS = Document(
    "GENQPP",
    "Query",
    "GENQPP.XSD",
    (Group("Options", (Element("PreviousYear", Whole(maximum=9), is_required=True),)),),
)
_CURRENT_FLAG = re.compile(r"glcuryrflagperiod(\d+)")  # by analogy with the other
_PREVIOUS_FLAG = re.compile(r"glprevyrflagperiod(\d+)")


@dataclass(frozen=True, slots=True)
class CurrentPeriod:
    """A module's current year and period, and the ledger's flags of that year where given."""

    year: int
    period: int
    flags: Mapping[int, bool]  # period -> is it open


def build_options(company_id: str, query: str = "GENQSO") -> str:
    return OPTIONS[query].build(
        {
            "Option": {
                "ReturnSchema": "N",
                "IncludeInformationItems": "N",
                "CompanyId": company_id,
            }
        }
    )


def parse_options(
    body: bytes,
    year_names: Sequence[str],
    period_names: Sequence[str],
    query: str = "GENQSO",
) -> CurrentPeriod:
    """Read the current period from the first of the configured names that is there.

    Raises:
        CallFailed, Unreadable: no such document, or none of the names is in it.
    """
    tree = read_document(body, OPTION_ROOTS[query].lower())
    values = {element.tag: count(tree, f".//{element.tag}") for element in tree.iter()}
    year = next((values[n.lower()] for n in year_names if values.get(n.lower())), None)
    period = next((values[n.lower()] for n in period_names if values.get(n.lower())), None)
    if not year or not period:
        raise Unreadable(f"{query} without {' / '.join((*year_names, *period_names))}")
    return CurrentPeriod(year, period, _flags(tree, _CURRENT_FLAG))


def build_previous(years_back: int) -> str:
    return PREVIOUS_PERIODS.build({"Options": {"PreviousYear": years_back}})


def parse_previous(body: bytes) -> tuple[int, Mapping[int, bool]]:
    """Return the fiscal year and, for each of its periods, whether it is open (flag O).

    Raises:
        CallFailed, Unreadable: no such document, or no year in it.
    """
    tree = read_document(body, "glpostpreviousquery")
    periods = tree.find("periods")
    year = count(periods, "glpreviousyear")
    if periods is None or not year:
        raise Unreadable("GENQPP without GlPreviousYear")
    return year, _flags(tree, _PREVIOUS_FLAG)


def parse_first_end(body: bytes) -> tuple[int, date | None]:
    """Return the fiscal year, and when its first period ended; ``None``: it is not shown.

    Raises:
        CallFailed, Unreadable: no such document, or no year in it.
        Rejected: the end is no date.
    """
    year, _ = parse_previous(body)
    tree = read_document(body, "glpostpreviousquery")
    return year, read_date(field(tree, "periods/glprevyrdateperiod1"), "GENQPP")


def _flags(tree: Tree, name: re.Pattern[str]) -> Mapping[int, bool]:
    """Return which periods are open, by the flags of one year: a reply may show those of two."""
    found = ((name.fullmatch(element.tag), (element.text or "").strip()) for element in tree.iter())
    return {int(flag.group(1)): text.upper() == "O" for flag, text in found if flag and text}
