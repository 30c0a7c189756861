"""What the comparison reads, and what it asks to be repaired."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from include.domain.erp_orders import ErpDocument, ErpOrder
from include.domain.errors import Rejected
from include.domain.money import Money
from include.services.effects.ports import Effect, EffectKind
from include.services.sync.ports import Shelf, Tally

_DIGIT = re.compile(r"[0-9]")


def has_form(code: str, prefixes: Iterable[str]) -> bool:
    """Say whether a purchase order has the form of one of ours: a shop's prefix, then a digit."""
    return any(code.startswith(one) and _DIGIT.match(code, len(one)) for one in prefixes)


class Did(StrEnum):
    """What a request did to money at the gateway."""

    authorization = "authorization"
    capture = "capture"
    refund = "refund"
    reversal = "reversal"
    void = "void"


KIND_OF = {did: EffectKind(f"payment_{did.value}") for did in Did}


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One thing that one request did at the gateway."""

    request_id: str
    did: Did | None  # None: it moved and held nothing, e.g. a decline
    mti: str  # merchant transaction id; '' where the row does not show it
    code: str  # merchant reference
    amount: Money | None  # None where the row does not show it


class GatewayFeed(Protocol):
    """The gateway's own list of what happened. Raises ``Retryable``: could not ask."""

    def between(self, start_at: datetime, end_at: datetime) -> Iterator[GatewayRow]: ...

    def mti_of(self, request_id: str) -> str:
        """Ask for one request's merchant transaction id; '' where it has none."""
        ...


class ErpFeed(Protocol):
    """SYSPRO's own lists."""

    def orders_since(self, cursor: str) -> Sequence[ErpOrder]: ...

    def read_ahead(
        self, purchase_orders: Sequence[str], references: Sequence[str]
    ) -> AbstractContextManager[None]:
        """Read what is inside asked of these orders and receipts in few questions.

        Raises:
            Retryable: SYSPRO could not be asked.
        """
        ...

    def documents_of(self, purchase_order: str, customer: str) -> Sequence[ErpDocument]: ...

    def receipts_of(self, references: Sequence[str]) -> Sequence[ErpDocument]: ...

    def overpaid(self) -> Iterable[str]:
        """Return the company's purchase orders with an invoice of which less than nothing is left.

        A blank may be among them.
        """
        ...


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """A request that our orders or refunds name."""

    order_id: str
    amount: Money | None  # None: whatever it was


class Ledger(Protocol):
    """Our own side."""

    def now(self) -> datetime: ...

    def effect_by_reference(self, target: str, reference: str) -> Effect | None: ...

    def effects_of(self, order_id: str, kind: EffectKind) -> Sequence[Effect]:
        """Return what was written of this kind for an order, its refunds and surplus copies."""
        ...

    def request(self, request_id: str) -> KnownRequest | None: ...

    def order_of(self, effect: Effect) -> str:
        """Return the order that an effect belongs to; '' for none."""
        ...

    def sent_between(
        self, target: str, kinds: Sequence[EffectKind], since: datetime, until: datetime
    ) -> Sequence[Effect]:
        """Return effects that are there by our knowledge, by when they were sent."""
        ...

    def open_letters(self, kinds: Sequence[str]) -> set[tuple[str, str]]:
        """Return kind and key of the open dead letters of these kinds."""
        ...


class Progress(Protocol):
    """Which orders a comparison that has not ended has held already, at which version."""

    def versions(self, merchant_id: str, night: str) -> Mapping[str, int]:
        """Return them by order id; ``night`` names the comparison."""
        ...

    def note(self, merchant_id: str, night: str, versions: Mapping[str, int]) -> None: ...

    def forget(self, merchant_id: str) -> None: ...


LETTER_KINDS = (
    "gateway_unknown",  # money at the gateway that no order of ours accounts for
    "gateway_difference",
    "gateway_duplicate",  # replaying it reverses the surplus
    "gateway_missing",  # ours, and the gateway does not show it
    "erp_missing",
    "erp_difference",
    "erp_unpaid",  # a sales order under our prefix without a standing payment
    "invoice_credited",  # without a note of its own, so that nothing was refunded
)


class Findings:
    """Sets aside what does not fit, and closes what fits again; each item counts once."""

    def __init__(self, shelf: Shelf, ledger: Ledger, owner: str) -> None:
        self._shelf = shelf
        self._owner = owner
        self._open = ledger.open_letters(LETTER_KINDS)
        self.tally = Tally()

    def differs(self, kind: str, key: str, fault: Rejected, amount: Money | None) -> None:
        self.tally.read += 1
        self.tally.set_aside += 1
        self._shelf.set_aside(kind, key, fault, owner=self._owner, amount=amount)

    def fits(self, *items: tuple[str, str]) -> None:
        """Count an item that fits; the letters of it that are open are closed."""
        self.tally.read += 1
        self.tally.done += 1
        for kind, key in items:
            if (kind, key) in self._open:
                self._shelf.settle(kind, key, "the nightly comparison found it in order")

    def open_of(self, kind: str) -> set[str]:
        """Return the keys of the open letters of a kind, as they were when this was made."""
        return {key for its_kind, key in self._open if its_kind == kind}

    def is_not_ours(self) -> None:
        self.tally.read += 1
        self.tally.not_ours += 1
