"""What a world notes beside its database and the partners' truth; the checker reads it."""

from dataclasses import dataclass, field

from include.services.effects.ports import EffectKind as K


@dataclass(slots=True)
class Call:
    """One send as it left, and whether its answer was a clear no."""

    seq: int
    at: float
    kind: K
    key: str
    reference: str
    digest: str
    sends: int
    amount_minor: int
    is_certainly_nothing: bool


@dataclass(slots=True)
class Notes:
    """What the checker is shown beside database and truth."""

    calls: list[Call] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)  # events the receiver answered 2xx
    in_transaction: int = 0  # calls made while one was open
    errors: list[str] = field(default_factory=list)  # that no rule of ours expects
    batches: list[tuple[int, int]] = field(default_factory=list)  # number, net minor
