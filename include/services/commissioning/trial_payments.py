"""Payments at the gateway's test account: authorised, looked for, and released again."""

from contextlib import suppress
from dataclasses import dataclass

from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.money import Money
from include.domain.orders import Address, LineKind, OrderLine, PaymentSource, Shopper, reference_of
from include.domain.payments import Authorize, Reverse
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState, Partner
from include.services.effects.states import EXECUTED
from include.services.orders.commands import Command

_OWNER = "integration"
_ADDRESS = Address(
    "Tieout Commissioning", ("1 Market Street",), "San Francisco", "US", "94105", "CA"
)
_SHOPPER = Shopper(_ADDRESS.name, "commissioning@example.com", _ADDRESS, _ADDRESS)


MOST_REPEATS = 9


def target_of(organization_id: str) -> str:
    """Name a target of the measurements' own: no janitor and no order has to do with them."""
    return f"{organization_id}|commissioning"


def targets_of(organization_id: str) -> tuple[str, ...]:
    """Name all of them, those of the repeats too: whoever measures next ends what is left."""
    target = target_of(organization_id)
    return (target, *(f"{target}|repeat {turn}" for turn in range(1, MOST_REPEATS + 1)))


@dataclass(frozen=True, slots=True)
class TrialPayments:
    """Makes them, one after the other, each under its own key.

    Args:
        engine: reaches ``partner``.
        partner: the gateway's, for authorisations.
        organization_id: the merchant.
        source: a stored token of a test card that is approved.
        amount: of each.
        name: of this measurement; part of every key.
    """

    engine: Engine
    partner: Partner
    organization_id: str
    source: PaymentSource
    amount: Money
    name: str

    def authorize(self, number: int) -> Effect:
        """Make payment ``number``.

        Raises:
            Rejected: it is not approved; nothing can be measured with this token.
            OutcomeUnknown: its answer was lost; it is released by itself when the hold lapses.
        """
        effect = self.engine.perform(self._effect(number))
        if effect.state is EffectState.in_doubt:
            raise OutcomeUnknown(
                effect.reason, effect.key, "Measure again once the gateway answers."
            )
        if effect.state not in EXECUTED:
            self.engine.withdraw(effect.kind, effect.key, "a measurement that came to nothing")
            raise Rejected(
                f"the payment was not approved: {effect.reason or effect.evidence}",
                effect.key,
                "Use a token of a test card that the processor approves.",
            )
        return effect

    def repeat(self, number: int, turn: int) -> Effect:
        """Send payment ``number`` again under its transaction id, as if it were new to us.

        Our own guard against that is one reference a target, so each repeat has its own target.
        """
        first = self._effect(number)
        again = self._command(f"{number}", turn).effect(f"{first.key}|repeat {turn}")
        return self.engine.perform(again)

    def is_shown(self, effect: Effect) -> bool:
        """Say whether the gateway's search shows it; could not ask is no."""
        with suppress(Retryable):
            return bool(self.partner.look(effect))
        return False

    def end_doubt(self, effect: Effect) -> None:
        """Tell the engine what the search shows of a repeat whose answer was no clear one."""
        with suppress(Retryable):
            self.engine.late_evidence(effect.kind, effect.key, self.partner.look(effect))

    def release(self, effect: Effect) -> None:
        """Give back what a payment holds."""
        content = Reverse(
            order_id="commissioning",
            organization_id=self.organization_id,
            code=self._code(effect.key),
            authorization_id=effect.their_key,
            amount=self.amount,
            reason="commissioning",
            known_reference=effect.reference,
        )
        command = Command(
            EffectKind.payment_reversal,
            content,
            target_of(self.organization_id),
            self.amount.currency,
            self.amount.minor,
            _OWNER,
        )
        self.engine.perform(command.effect(f"{effect.key}|release"))

    def _effect(self, number: int) -> Effect:
        return self._command(str(number)).effect(self._key(str(number)))

    def _key(self, number: str) -> str:
        return f"commissioning|{self.name}|{number}"

    def _code(self, key: str) -> str:
        return f"TEST-{reference_of(key.partition('|repeat')[0])[-12:]}"

    def _command(self, number: str, turn: int = 0) -> Command:
        key = self._key(number)
        line = OrderLine(
            1, LineKind.goods, "Commissioning", 1_000_000, self.amount, self._zero, "TEST"
        )
        content = Authorize(
            order_id="commissioning",
            attempt=1,
            organization_id=self.organization_id,
            code=self._code(key),
            amount=self.amount,
            source=self.source,
            shopper=_SHOPPER,
            lines=(line,),
            skip_decision=True,
        )
        target = target_of(self.organization_id)
        return Command(
            EffectKind.payment_authorization,
            content,
            f"{target}|repeat {turn}" if turn else target,
            self.amount.currency,
            self.amount.minor,
            _OWNER,
            reference_of(key),
        )

    @property
    def _zero(self) -> Money:
        return Money(0, self.amount.currency)
