"""What the translation needs from outside: national address formats and Windows-1252."""

from dataclasses import dataclass
from typing import Protocol

from include.domain.erp_orders import ErpAddress
from include.domain.orders import Address


@dataclass(frozen=True, slots=True)
class Harmonized:
    """An address as SYSPRO keeps it, and what did not fit."""

    address: ErpAddress
    overflow: tuple[str, ...] = ()  # lines left out, for special instructions


class Addresses(Protocol):
    """Knows how addresses are written; ``include/adapters/addresses`` has it."""

    def normalize(self, address: Address, where: str) -> Address:
        """Check country, region and postal code, and write them as the country does.

        Raises:
            Rejected: one of them is missing or wrong; the message names it and the fix.
        """
        ...

    def harmonize(self, address: Address) -> Harmonized:
        """Lay an address out in five lines of forty characters."""
        ...

    def latin(self, text: str) -> str:
        """Return a text in Windows-1252, readable, whatever its script."""
        ...
