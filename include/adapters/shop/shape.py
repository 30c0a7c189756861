"""The shape of a JSON shop, as data: paths and field names. A wrong file is refused at load."""

import difflib
from dataclasses import dataclass, fields
from pathlib import Path

import yaml

from include.domain.errors import Rejected

SHIPPED = Path(__file__).with_name("generic_shop.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Field names as in ``generic_shop.yaml``, where each is explained."""

    auth_header: str
    auth_prefix: str
    error_code: str
    error_text: str
    absent_codes: str
    orders_path: str
    orders_items: str
    orders_since: str
    orders_cursor: str
    orders_next: str
    orders_size: str
    order_path: str
    order_id: str
    order_number: str
    order_status: str
    order_modified_at: str
    order_currency: str
    order_notes: str
    order_note_text: str
    order_tags: str
    order_derived_statuses: str
    order_write_method: str
    order_write_status: str
    order_write_note: str
    order_write_tags: str
    refunds_path: str
    refunds_items: str
    refund_id: str
    refund_amount: str
    refund_amount_unit: str
    refund_currency: str
    refund_reason: str
    refund_reference: str
    refund_user: str
    products_path: str
    products_items: str
    product_path: str
    product_id: str
    product_sku: str
    product_quantity: str
    product_modified_at: str
    product_mark: str
    product_write_method: str

    @property
    def absent(self) -> frozenset[str]:
        return frozenset(self.absent_codes.split("|"))


def load_shape(path: Path = SHIPPED) -> Shape:
    """Read and check a shape.

    Raises:
        Rejected: not readable, a field missing, unknown or unusable; the message names it.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as fault:
        reason = f"the shape cannot be read: {type(fault).__name__}"
        raise Rejected(reason, str(path), "Correct the file or its name.") from None
    if not isinstance(found, dict):
        raise Rejected("the shape is no list of 'name: value' lines", path.name, "Correct it.")
    names = [field.name for field in fields(Shape)]
    for name in found:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names)}."
            raise Rejected(f"{name!r} is unknown", path.name, hint)
    for name in names:
        if not isinstance(found.get(name), str):
            raise Rejected(f"{name!r} is missing or no text", path.name, "Write it down.")
    shape = Shape(**found)
    _check(shape, path.name)
    return shape


def _check(shape: Shape, where: str) -> None:
    rules = {
        "refund_amount_unit is minor or decimal": shape.refund_amount_unit in ("minor", "decimal"),
        "order_path and refunds_path hold {number}": "{number}" in shape.order_path
        and "{number}" in shape.refunds_path,
        "product_path holds {sku}": "{sku}" in shape.product_path,
        "write methods are POST, PUT or PATCH": {
            shape.order_write_method,
            shape.product_write_method,
        }
        <= {"POST", "PUT", "PATCH"},
        "order_write_tags is named: a write must be found again": bool(shape.order_write_tags)
        and bool(shape.order_tags),
        "refund_reference is named: a refund must be found again": bool(shape.refund_reference),
        "product_mark is named: a level must be found again": bool(shape.product_mark),
    }
    for rule, holds in rules.items():
        if not holds:
            raise Rejected(f"the shape breaks the rule: {rule}", where, "Correct the file.")
