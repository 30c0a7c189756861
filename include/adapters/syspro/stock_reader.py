"""Stock: what a warehouse has of each code, its units, and what kits are made of.

Source: reference, section 4.3 and the recorded replies, where one DOZ is 12.000000 EA with M, and
one KG is 2.204620 LB; that D divides is inferred. SYSPRO explodes a kit one level deep
(help.syspro.com, program IMP04B, read 2026-11-27); where it keeps the parts is a setting.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from include.adapters.syspro.cursors import Feed, changes
from include.adapters.syspro.documents import invqry
from include.adapters.syspro.documents.comfnd import Condition, Find, Row, find_alike, has_room
from include.adapters.syspro.documents.reply import read_millionths
from include.adapters.syspro.faults import has_any
from include.adapters.syspro.partners.common import Asking
from include.domain.erp_orders import same_key
from include.domain.errors import Retryable
from include.domain.orders import QUANTITY_DIGITS
from include.domain.stock import KitPart, Product, StockLevel

STOCK_COLUMNS = ("StockCode", "Warehouse", "QtyOnHand")
UNIT_COLUMNS = (
    "StockCode", "KitType", "StockUom", "AlternateUom", "ConvFactAltUom", "ConvMulDiv",
    "OtherUom", "ConvFactOthUom", "MulDiv",
)  # fmt: skip
_ONE = 10**QUANTITY_DIGITS
_DIVIDES = "D"

Available = Mapping[str, int | None]  # by stock code in lower case; millionths


class StockReader:
    """Reads of one company's stock; the connection's settings choose the business objects."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings
        self._believed: dict[str, tuple[float, Product]] = {}  # with when it was read

    def stock(self, stock_codes: Sequence[str], warehouse: str) -> list[StockLevel]:
        """Return what a warehouse can promise of each code, in the order asked for.

        After them come the parts of kits that were not asked for by themselves.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        codes = list(dict.fromkeys(stock_codes))
        if not codes:
            return []
        with self._asking.client.session():
            if self._settings.stock_by == "invqry":
                return self._queried(codes, warehouse)
            found = self._find_stock(codes, warehouse)
            known = self.products([c for c in codes if found.get(c.casefold()) is not None])
            return levels_of(codes, found, known, lambda parts: self._find_stock(parts, warehouse))

    def stock_levels(
        self, warehouse: str, cursor: str = "", limit: int = 10_000
    ) -> tuple[list[StockLevel], str]:
        """Return levels changed since a cursor (``''``: all), and the cursor to go on from.

        They say neither units nor parts: see ``products``. A site that is polled by date shows no
        changes of stock: all levels come every time. Call it inside the adapter's ``session()``:
        others have the operator between two pages.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        feed = Feed(
            "InvWarehouse",
            self._stock_columns,
            ("StockCode", "Warehouse"),
            "",
            (("Warehouse", "EQ", warehouse),),
        )
        levels: dict[str, StockLevel] = {}
        for row in self._stock_rows(feed, cursor, limit):
            cursor = row.get("timestamp", "") or cursor
            if same_key(warehouse, row.get("warehouse", "")):
                code = row.get("stockcode", "")
                levels[code] = StockLevel(code, self._available(row))
        return list(levels.values()), cursor

    def products(self, stock_codes: Sequence[str]) -> dict[str, Product]:
        """Return units and parts by stock code in lower case; one that is not there is left out.

        What was read is believed for ``product_memory_s``.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked, or says what cannot be read.
        """
        since = time.monotonic() - self._settings.product_memory_s
        wanted = {code.casefold(): code for code in stock_codes}
        found = {
            code: self._believed[code][1]
            for code in wanted
            if code in self._believed and self._believed[code][0] > since
        }
        asked = [code for low, code in wanted.items() if low not in found]
        with self._asking.client.session():
            read = [
                self._product(row)
                for row in self._rows_by_code("InvMaster", UNIT_COLUMNS, "StockCode", asked)
            ]
            return found | self._with_parts(read)

    def kits(self) -> tuple[str, ...]:
        """Return the stock codes that are sold by their parts, and whose parts SYSPRO tells.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        settings = self._settings
        if settings.kits_by == "none":
            return ()
        kinds = tuple(("KitType", "EQ", kind) for kind in settings.kit_types)
        find = Find(
            "InvMaster", (), UNIT_COLUMNS[:2], any_of=kinds, return_rows=settings.return_rows
        )
        rows = self._asking.find_pages(find, "StockCode", ("StockCode",), is_confirmed=True)
        return tuple(row.get("stockcode", "") for row in rows if self._is_kit(row))

    # Parts -----------------------------------------------------------------------------------

    def _stock_rows(self, feed: Feed, cursor: str, limit: int) -> Iterator[Row]:
        """Go by row version; where the site does not show it, all rows are read each time."""
        if self._settings.poll_by == "timestamp":
            yield from (row for _, row in changes(self._asking, feed, cursor, limit))
            return
        find = Find(
            feed.table, feed.conditions, feed.columns, return_rows=self._settings.return_rows
        )
        yield from self._asking.find_pages(find, feed.key[0], feed.key, is_confirmed=True)

    @property
    def _stock_columns(self) -> tuple[str, ...]:
        return (*STOCK_COLUMNS, *self._settings.promised_columns)

    def _available(self, row: Row) -> int:
        """Return what is on hand and not promised; negative where too much was promised."""
        where = f"InvWarehouse {row.get('stockcode', '')!r}"
        on_hand = read_millionths(row.get("qtyonhand", ""), where)
        return on_hand - sum(
            read_millionths(row.get(column.lower(), ""), where)
            for column in self._settings.promised_columns
        )

    def _find_stock(self, codes: Sequence[str], warehouse: str) -> dict[str, int | None]:
        here = (("Warehouse", "EQ", warehouse),)
        return {
            row.get("stockcode", "").casefold(): self._available(row)
            for row in self._rows_by_code(
                "InvWarehouse", self._stock_columns, "StockCode", codes, here
            )
            if same_key(warehouse, row.get("warehouse", ""))
        }

    def _rows_by_code(
        self,
        table: str,
        columns: tuple[str, ...],
        column: str,
        codes: Sequence[str],
        conditions: tuple[Condition, ...] = (),
    ) -> Iterator[Row]:
        """Yield the rows of many codes, as many codes a question as the address takes.

        One whose answer may be cut is asked in halves, and of one code paged by the next column.
        """
        size, longest = self._settings.codes_per_question, 0
        waiting = [codes[start : start + size] for start in range(0, len(codes), size)]
        while waiting:
            asked = waiting.pop(0)
            wanted = tuple((column, "EQ", code) for code in asked)
            find = Find(
                table, conditions, columns, return_rows=self._settings.return_rows, any_of=wanted
            )
            rows, half = self._asking.find(find), len(asked) // 2
            if has_room(find, len(rows), longest):
                yield from rows
            elif half:
                waiting[:0] = [asked[:half], asked[half:]]
            else:
                yield from find_alike(self._asking.find, find, columns[1])
            longest = max(longest, len(rows))

    def _queried(self, codes: Sequence[str], warehouse: str) -> list[StockLevel]:
        """Ask INVQRY code by code; its answer names the units."""
        asked = {code.casefold(): self._query_stock(code, warehouse) for code in codes}
        read = [self._product(one.product_row) for one in asked.values() if one]
        return levels_of(
            codes,
            {code: one.available_millionths if one else None for code, one in asked.items()},
            self._with_parts(read),
            lambda parts: {
                part.casefold(): one.available_millionths if one else None
                for part, one in ((part, self._query_stock(part, warehouse)) for part in parts)
            },
        )

    def _query_stock(self, code: str, warehouse: str) -> invqry.Stock | None:
        """Ask INVQRY; ``None``: SYSPRO does not have the code."""
        body = self._ask_known("INVQRY", invqry.build(code, warehouse), code)
        if body is None:
            return None
        found = self._asking.read(lambda raw: invqry.parse(raw, code, warehouse), body, "INVQRY")
        if isinstance(found, tuple):
            words = "; ".join(str(problem) for problem in found)
            if has_any(words.lower(), self._settings.absent_words):
                return None
            raise self._asking.client.faults.retryable(words, "INVQRY", "Read the text.")
        return found

    def _ask_known(self, business_object: str, question: str, name: str) -> bytes | None:
        """Ask; ``None`` where an ``ERROR`` text says that there is no such thing."""
        try:
            return self._asking.client.query(business_object, question, name)
        except Retryable as fault:
            low = fault.what.lower()
            if has_any(low, self._settings.absent_words) and name.lower() in low:
                return None
            raise

    def _is_kit(self, row: Row) -> bool:
        return row.get("kittype", "").upper() in self._settings.kit_types

    def _product(self, row: Row) -> Product:
        """Read a row of InvMaster, or the same names out of INVQRY; parts are added later."""
        code = row.get("stockcode", "")
        pairs = (
            ("alternateuom", "convfactaltuom", "convmuldiv"),
            ("otheruom", "convfactothuom", "muldiv"),
        )
        units = [
            (row[name], factor)
            for name, number, way in pairs
            if row.get(name, "") and (factor := _factor(row, number, way, code))
        ]
        return Product(code, row.get("stockuom", ""), tuple(units), self._is_kit(row))

    def _with_parts(self, products: Sequence[Product]) -> dict[str, Product]:
        """Give kits their parts, and remember all."""
        kits = [one.stock_code for one in products if one.is_kit]
        parts: dict[str, Counter[str]] = {code.casefold(): Counter() for code in kits}
        if self._settings.kits_by != "none":
            settings = self._settings
            for row in self._rows_by_code(
                settings.bom_table, settings.bom_columns, settings.bom_columns[0], kits,
                settings.bom_conditions,
            ):  # fmt: skip
                parent, part, quantity = (row.get(c.lower(), "") for c in settings.bom_columns)
                count = read_millionths(quantity, f"{settings.bom_table} {parent!r}")
                if count > 0 and parent.casefold() in parts:  # a by-product is not needed
                    parts[parent.casefold()][part] += count
        found = {
            one.stock_code.casefold(): replace(
                one,
                parts=tuple(
                    KitPart(part, count)
                    for part, count in parts.get(one.stock_code.casefold(), Counter()).items()
                ),
            )
            for one in products
        }
        now = time.monotonic()
        self._believed |= {code: (now, one) for code, one in found.items()}
        return found


def levels_of(
    codes: Sequence[str],
    available: Available,
    products: Mapping[str, Product],
    ask_parts: Callable[[Sequence[str]], Available],
) -> list[StockLevel]:
    """Join what is there with what it is: a level for each code, then for each part beside them."""
    asked = {code.casefold() for code in codes}
    needed = {
        part.stock_code.casefold(): part.stock_code
        for code in codes
        if (product := products.get(code.casefold()))
        for part in product.parts
    }
    beside = [part for low, part in needed.items() if low not in asked]
    parts = ask_parts(beside) if beside else {}
    return [
        *(
            StockLevel(code, available.get(code.casefold()), products.get(code.casefold()))
            for code in codes
        ),
        *(StockLevel(part, parts.get(part.casefold())) for part in beside),
    ]


def _factor(row: Row, number: str, way: str, code: str) -> Fraction | None:
    """Return how many stocking units a unit is; ``None``: the site has left it at zero."""
    text = row.get(number, "")
    count = read_millionths(text, f"InvMaster {code!r}") if text else 0
    if count <= 0:
        return None
    factor = Fraction(count, _ONE)
    return 1 / factor if row.get(way, "").upper() == _DIVIDES else factor
