"""The field map of the JSON facade: data that says which of its names means which of ours."""

from pathlib import Path
from typing import Literal

import pydantic
import yaml

from include.domain.errors import Rejected
from include.domain.orders import LineKind

SHIPPED = Path(__file__).with_name("api_services.yaml")
DOCUMENT_FIELDS = frozenset(
    "company_id reference key date year period narrative currency value supplier invoice bank_code "
    "direction".split()
)
LINE_FIELDS = frozenset("gl_account amount reference narrative date".split())
COMMAND_FIELDS = frozenset(
    "company_id reference customer purchase_order order_date currency amount ship_name email "
    "warehouse order_type shipping_instructions special_instructions order_status allocation "
    "sales_order move action new_status expected_status reason_code authority name short_name "
    "phone branch terms_code area salesperson customer_class tax_status credit_limit user_field "
    "ship_1 ship_2 ship_3 ship_4 ship_5 ship_postal_code "
    "sold_1 sold_2 sold_3 sold_4 sold_5 sold_postal_code".split()
)
ORDER_LINE_FIELDS = frozenset(
    "number kind stock_code description quantity unit price value tax warehouse product_class "
    "charge_code tax_code".split()
)
STOCK_FIELDS = frozenset("company_id stock_code warehouse".split())


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


def _known(fields: dict[str, str], allowed: frozenset[str]) -> dict[str, str]:
    for theirs, ours in fields.items():
        if not ours.startswith("=") and ours not in allowed:
            raise ValueError(f"{theirs}: {ours!r} is none of {', '.join(sorted(allowed))}")
    return fields


class PostMap(_Strict):
    """How a document is sent and its answer read."""

    path: str
    document: dict[str, str]
    lines_name: str
    line: dict[str, str]
    success: str
    error: str
    gl_error: str
    their_key: list[str]

    @pydantic.field_validator("document")
    @classmethod
    def _document(cls, fields: dict[str, str]) -> dict[str, str]:
        return _known(fields, DOCUMENT_FIELDS)

    @pydantic.field_validator("line")
    @classmethod
    def _line(cls, fields: dict[str, str]) -> dict[str, str]:
        return _known(fields, LINE_FIELDS)


class ReadBackMap(_Strict):
    """How a document is found again; blank names are not compared."""

    path: str
    query: dict[str, str]
    rows: str
    ours: dict[str, str]  # what a row must show to be ours; empty: its rows do not show it
    their_key: list[str]
    total: str
    date: str
    year: str
    period: str
    lines_name: str
    gl_account: str
    amount: str

    @pydantic.field_validator("query", "ours")
    @classmethod
    def _asked(cls, fields: dict[str, str]) -> dict[str, str]:
        return _known(fields, DOCUMENT_FIELDS)


class KindMap(_Strict):
    """One kind of effect."""

    post: PostMap
    read_back: ReadBackMap


class CommandPostMap(_Strict):
    """How a command of order to cash is sent and its answer read."""

    path: str
    document: dict[str, str]
    lines_name: str = ""
    lines: dict[LineKind, dict[str, str]] = {}
    success: str
    error: str
    warnings: str = ""
    their_key: str

    @pydantic.field_validator("document")
    @classmethod
    def _document(cls, fields: dict[str, str]) -> dict[str, str]:
        return _known(fields, COMMAND_FIELDS)

    @pydantic.field_validator("lines")
    @classmethod
    def _lines(cls, lines: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        return {kind: _known(fields, ORDER_LINE_FIELDS) for kind, fields in lines.items()}


class CommandReadMap(_Strict):
    """How it is found again: what is compared stands as our word and their name."""

    path: str
    query: dict[str, str]
    rows: str
    ours: dict[str, str]  # what a row must show to be ours; empty: its rows do not show it
    their_key: str
    status: str = ""  # of a sales order
    compare: dict[str, str]

    @pydantic.field_validator("query", "ours")
    @classmethod
    def _asked(cls, fields: dict[str, str]) -> dict[str, str]:
        return _known(fields, COMMAND_FIELDS)

    @pydantic.field_validator("compare")
    @classmethod
    def _compare(cls, fields: dict[str, str]) -> dict[str, str]:
        _known({theirs: ours for ours, theirs in fields.items()}, COMMAND_FIELDS)
        return fields


class CommandMap(_Strict):
    """One kind of command."""

    post: CommandPostMap
    read_back: CommandReadMap


class StockMap(_Strict):
    """How stock of one code is asked for."""

    path: str
    query: dict[str, str]
    rows: str
    stock_code: str = ""  # where the rows repeat the code
    warehouse: str
    available: str

    @pydantic.field_validator("query")
    @classmethod
    def _query(cls, fields: dict[str, str]) -> dict[str, str]:
        return _known(fields, STOCK_FIELDS)


class FacadeMap(_Strict):
    """The whole map; a kind left out is not offered by the facade."""

    amounts: Literal["string", "number"]
    auth: str
    gl_journal: KindMap | None = None
    ap_invoice: KindMap | None = None
    cash_book_entry: KindMap | None = None
    sales_order: CommandMap | None = None
    sales_order_move: CommandMap | None = None
    customer: CommandMap | None = None
    stock: StockMap | None = None


def load_facade_map(path: str = "") -> FacadeMap:
    """Read the shipped map, or a site's own.

    Raises:
        Rejected: no such file, or not such a map; the message names place and fault.
    """
    file = Path(path) if path else SHIPPED
    try:
        return FacadeMap.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as fault:
        what = f"the field map cannot be read: {type(fault).__name__}"
    except pydantic.ValidationError as fault:
        first = fault.errors()[0]
        what = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    raise Rejected(what, str(file), "Correct the map; the shipped one shows the form.")
