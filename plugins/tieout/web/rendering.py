"""What all pages share: templates that escape everything, headers, amounts for people."""

import logging
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape
from pydantic import AfterValidator

from include.adapters.store.api_alerts import SqlAlarms
from include.domain.money import Money
from include.wiring import tieout
from tieout.card_in_address import place_of_card

_log = logging.getLogger(__name__)

# The pages hold no script of ours; the reports draw with inline SVG and style.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' "
    "data:; form-action 'self'; frame-ancestors 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def _storable(text: str) -> str:
    if "\x00" in text:  # no text of the store can hold one, and PostgreSQL answers with a fault
        raise ValueError("it holds a character that nothing here is called by")
    return text


STORABLE = AfterValidator(_storable)
Name = Annotated[str, STORABLE]  # in a path
Day = Annotated[date, Query(ge=date(2000, 1, 1), le=date(2200, 12, 31))]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
MerchantId = Annotated[str, Query(max_length=64), STORABLE]


def refuse_cards(request: Request, user: GetUserDep) -> None:
    """Refuse an address that holds a card number, and ring the alarm; for every page."""
    where = place_of_card(request)
    if where:
        who = f"airflow:{user.get_name()}"
        _log.error("card_number_refused who=%s where=%s of a page", who, where)
        SqlAlarms(tieout().store).card_number(who, f"{where} of a page")
        raise HTTPException(422, f"{where} holds a card number. Look for the order by its own.")


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Render one page."""
    merchants = sorted(tieout().mappings.merchants)
    found = _TEMPLATES.get_template(template).render(merchants=merchants, **values)
    return HTMLResponse(found, status, headers=HEADERS)


def grouped(money: Money) -> str:
    """Write an amount as people read it: ``-12,345.60``."""
    sign, digits = ("-" if money.minor < 0 else ""), money.decimal.removeprefix("-")
    whole, point, fraction = digits.partition(".")
    return f"{sign}{int(whole):,}{point}{fraction}"


def amount(minor: int | None, currency: str | None) -> str:
    """Write an amount for a person; an unreadable one is said to be so."""
    if minor is None or not currency:
        return "not readable"
    return f"{grouped(Money(minor, currency))} {currency}"


def quantity(millionths: int) -> str:
    """Write a quantity of 1/1,000,000: ``2``, ``0.5``."""
    whole, rest = divmod(millionths, 10**6)
    fraction = f"{rest:06d}".rstrip("0")
    return f"{whole:,}.{fraction}" if fraction else f"{whole:,}"


def age(since: datetime, now: datetime) -> str:
    """Write how long ago: ``3 d``, ``5 h`` or ``12 min``."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    if minutes >= 2880:
        return f"{minutes // 1440} d"
    return f"{minutes // 60} h" if minutes >= 120 else f"{minutes} min"


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["grouped"] = grouped
_TEMPLATES.globals["amount_of"] = amount
_TEMPLATES.globals["quantity"] = quantity
_TEMPLATES.globals["age"] = age
