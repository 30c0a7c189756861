"""The words in which stores, whichever they are, name an effect and its changes."""

from include.domain.errors import Rejected
from include.services.effects.chain import detail_of
from include.services.effects.ports import Effect


def subject_of(effect: Effect) -> str:
    """Name an effect in the audit trail; the same words name its lease."""
    return f"{effect.kind}|{effect.key}"


def effect_detail(effect: Effect, cause: str) -> str:
    """Render what the audit keeps of a change."""
    return detail_of(
        cause=cause,
        reference=effect.reference,
        target=effect.target,
        sends=effect.sends,
        their_key=effect.their_key,
        fence=effect.fence,
        amount_minor=effect.amount_minor,
        currency=effect.currency,
    )


def reference_taken(effect: Effect, other: str) -> Rejected:
    """Say that another key already plants this reference at this target."""
    return Rejected(
        f"reference {effect.reference!r} already belongs to {other!r}",
        f"effect {effect.kind.value} {effect.key!r} at {effect.target!r}",
        "Two keys must never share a reference: report it, and post neither by hand.",
    )
