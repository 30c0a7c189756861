"""What a card network's chargeback reason code means and how long we may contest it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChargebackReason:
    """One reason code of one network."""

    code: str  # as the network writes it, e.g. "10.4" or "4837"
    network: str
    meaning: str
    respond_within_days: int  # our own time for an answer, shorter than the network's
