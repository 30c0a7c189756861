"""A sales order as SYSPRO has it."""

from collections.abc import Callable
from dataclasses import dataclass, field

COMPLETE = "9"  # SYSPRO's status of an order of which nothing more is shipped


@dataclass(slots=True)
class SalesOrder:
    """One sales order with its status and documents."""

    number: str
    order_id: str
    purchase_order: str
    customer: str
    amount_minor: int
    status: str
    cursor: str = ""
    is_cancelled: bool = False
    invoices: list[tuple[str, int, str]] = field(default_factory=list)  # number, minor, cursor
    waiting: list[Callable[[], None]] = field(default_factory=list)  # until it is released
    kept: "SalesOrder | None" = None  # the one that a person left when this was one too many

    @property
    def invoiced_minor(self) -> int:
        return sum(minor for _, minor, _ in self.invoices)

    @property
    def is_over(self) -> bool:
        """Say whether nothing is shipped of it any more."""
        return self.is_cancelled or self.status == COMPLETE

    def call_off(self) -> None:
        """Cancel it; how one is shown that was invoiced in part is not confirmed, so both ways."""
        if self.invoices and int(self.number) % 2:
            self.status = COMPLETE
        else:
            self.is_cancelled = True

    def standing(self) -> "SalesOrder":
        """Return the one that people work on."""
        return self.kept.standing() if self.kept else self
