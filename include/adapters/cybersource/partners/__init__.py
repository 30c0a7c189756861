"""One partner per kind of write at Cybersource; ``partners_of`` joins them for one account."""

from collections.abc import Mapping

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.partners.authorization import AuthorizationPartner
from include.adapters.cybersource.partners.capture import CapturePartner
from include.adapters.cybersource.partners.common import Gateway
from include.adapters.cybersource.partners.refund import RefundPartner
from include.adapters.cybersource.partners.reversal import ReversalPartner
from include.adapters.cybersource.partners.review import ReviewPartner
from include.adapters.cybersource.partners.token_deletion import TokenDeletionPartner
from include.adapters.cybersource.partners.void import VoidPartner
from include.adapters.cybersource.reasons import BuiltInReasons, ReasonTable
from include.services.effects.ports import EffectKind, Partner


def partners_of(client: Client, reasons: ReasonTable | None = None) -> Mapping[EffectKind, Partner]:
    """Return what writes to one account.

    Args:
        client: of the merchant's connection.
        reasons: what statuses and reasons mean; ``None`` is the built-in table.
    """
    gateway = Gateway(client, reasons or BuiltInReasons())
    return {
        EffectKind.payment_authorization: AuthorizationPartner(gateway),
        EffectKind.payment_capture: CapturePartner(gateway),
        EffectKind.payment_refund: RefundPartner(gateway),
        EffectKind.payment_reversal: ReversalPartner(gateway),
        EffectKind.payment_void: VoidPartner(gateway),
        EffectKind.review_decision: ReviewPartner(gateway),
        EffectKind.token_deletion: TokenDeletionPartner(gateway),
    }
