"""What the effects engine waits for at an account, by the fields of its connection.

Source: reliability reference, 2.1 (timings).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from include.adapters.cybersource.settings import Settings
from include.services.effects.ports import EffectKind, Timings

WEBHOOK_KEY_LIFE = timedelta(days=365)  # of a signing key, as it is asked for; reference 5.1
# What a person does about a key whose answer was lost: no call lists keys.
ROTATE_AGAIN = (
    "Rotate once more: a key nobody holds harms nobody, but until then what is signed with it is "
    "refused, and the pollers bring what it told."
)
GATEWAY_KINDS = (
    EffectKind.payment_authorization,
    EffectKind.payment_capture,
    EffectKind.payment_refund,
    EffectKind.payment_void,
    EffectKind.payment_reversal,
    EffectKind.review_decision,
    EffectKind.token_deletion,
)
# An analyst also decides at the vendor's own desk, and a token may be gone already: look first.
_OTHERS_WRITE_TOO = (EffectKind.review_decision, EffectKind.token_deletion)


def timings(settings: Settings) -> Mapping[EffectKind, Timings]:
    """Return what the effects engine waits for, per kind of write at this account."""
    found = {}
    for kind in GATEWAY_KINDS:
        is_authorization = kind is EffectKind.payment_authorization
        limits = settings.authorizations if is_authorization else settings.calls
        found[kind] = Timings(
            deadline=timedelta(seconds=limits.deadline_s),
            quiescence=timedelta(seconds=settings.pace.quiescence_s),
            look_gap=timedelta(seconds=settings.pace.look_gap_s),
            max_sends=settings.pace.max_sends,
            looks_first=kind in _OTHERS_WRITE_TOO,
        )
    return found


def webhook_timings(settings: Settings) -> Mapping[EffectKind, Timings]:
    """Return what the engine waits for, per kind of an admin's call: as patient as a case action.

    What was made by a lost call cannot be looked up. A key is a person's matter at once; a test
    notification is asked for again, which harms nobody.
    """
    patient = timings(settings)[EffectKind.review_decision]
    return {
        EffectKind.webhook_subscription: patient,
        EffectKind.webhook_key: replace(patient, looks_first=False, unknown_do=ROTATE_AGAIN),
        EffectKind.webhook_test: replace(patient, looks_first=False),
    }
