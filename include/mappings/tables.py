"""The mappings in force: what the use cases ask, by code and by date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches

from include.domain.accounts import GlTemplate
from include.domain.chargeback_reasons import ChargebackReason
from include.domain.errors import Rejected
from include.domain.fees import FeeSchedule
from include.domain.merchant import Merchant
from include.mappings.in_force import InForce, begun, in_force
from include.mappings.tables_orders import OrderTables


@dataclass(frozen=True, slots=True)
class FxRates:
    """Dated rates of one pair; a rate holds until the next, but no longer than the limit."""

    rates: tuple[tuple[date, int], ...]  # ascending; base units per unit, times 1,000,000
    max_age: timedelta


@dataclass(frozen=True, slots=True, eq=False)
class Mappings:
    """Everything under ``include/mappings``, checked. Read-only."""

    version: str  # digest of the values: a changed comment is no change
    merchants: Mapping[str, Sequence[InForce[Merchant]]]
    templates: Mapping[str, Sequence[InForce[GlTemplate]]]
    fee_codes: Mapping[str, Sequence[InForce[Mapping[str, str]]]]  # layout: fee kinds by code
    schedules: Mapping[str, Sequence[InForce[FeeSchedule]]]  # by merchant|currency
    reasons: Mapping[str, Sequence[InForce[ChargebackReason]]]  # by code
    rates: Mapping[tuple[str, str], Sequence[InForce[FxRates]]]
    orders: OrderTables

    def merchant(self, merchant_id: str, on: date) -> Merchant:
        """Return a merchant as configured on a day of its calendar.

        Raises:
            Rejected: there is none.
        """
        rules = self.merchants.get(merchant_id, ())
        found = in_force(rules, on)
        if found is not None:
            return found.value
        when = f" on {on}" if rules else ""
        raise Rejected(
            f"merchant {merchant_id!r} is not configured{when}",
            rules[0].where if rules else "merchants.yaml",
            f"Add an entry with 'merchant_id: {merchant_id}' in force then.",
        )

    def merchant_to_its_end(self, merchant_id: str, on: date) -> Merchant:
        """Return a merchant as configured on a day, or ended: then no source of it is demanded.

        Raises:
            Rejected: none has begun by then.
        """
        latest = begun(self.merchants.get(merchant_id, ()), on)
        if latest is None or latest.effective_to is None or on <= latest.effective_to:
            return self.merchant(merchant_id, on)
        return latest.value.ended()

    def gl_template(self, name: str, on: date) -> GlTemplate:
        """Return the accounts in force on a posting date.

        Raises:
            Rejected: no template of that name is in force.
        """
        rules = self.templates.get(name, ())
        found = in_force(rules, on)
        if found is None:
            raise Rejected(
                f"no GL template {name!r} is in force on {on}",
                rules[0].where if rules else "gl_templates.yaml",
                f"Add an entry with 'name: {name}' and 'effective_from: {on}' or earlier.",
            )
        return found.value

    def fee_kind(self, layout: str, raw_code: str, on: date) -> str:
        """Return the fee kind of a source's code; GL role ``fee.<fee kind>``.

        Raises:
            Rejected: the code is not mapped; the message holds the line to add.
        """
        rules = self.fee_codes.get(layout, ())
        found = in_force(rules, on)
        kind = found.value.get(raw_code) if found else None
        if kind is not None:
            return kind
        what = f"fee code {raw_code!r} of layout {layout!r} has no fee kind on {on}"
        if found is None:
            raise Rejected(
                what,
                rules[0].where if rules else "fee_codes.yaml",
                f"Add an entry with 'layout: {layout}' and, under its codes, the line "
                f"'{_quoted(raw_code)}: <fee kind>'.",
            )
        guess = get_close_matches(raw_code.lower(), set(found.value.values()), n=1)
        line = f"{_quoted(raw_code)}: {guess[0] if guess else '<fee kind>'}"
        raise Rejected(what, found.where, f"Add the line '{line}' under codes of {layout}.")

    def chargeback_reason(self, code: str, on: date) -> ChargebackReason:
        """Return what a network's reason code means.

        Raises:
            Rejected: the code is not mapped; the message holds the line to add.
        """
        found = in_force(self.reasons.get(code, ()), on)
        if found is None:
            raise Rejected(
                f"chargeback reason {code!r} is not mapped on {on}",
                "chargeback_reasons.yaml",
                f"Add the line '{_quoted(code)}: {{meaning: ..., "
                "respond_within_days: ...}' under codes of its network.",
            )
        return found.value

    def fx_rate(self, from_currency: str, to_currency: str, on: date) -> int:
        """Return units of ``to_currency`` for one unit, times 1,000,000, as of a posting date.

        Raises:
            Rejected: no rate, or only one that is too old; the message holds the line to add.
        """
        if from_currency == to_currency:
            return 1_000_000
        pair = f"{from_currency} to {to_currency}"
        rules = self.rates.get((from_currency, to_currency), ())
        found = in_force(rules, on)
        where = found.where if found else "fx_rates.yaml"
        begun = [rate for rate in found.value.rates if rate[0] <= on] if found else []
        do = f"Add the line '{on}: \"<rate of six decimals>\"' under rates of {pair}."
        if found is None or not begun:
            raise Rejected(f"there is no rate {pair} on {on}", where, do)
        day, rate = begun[-1]
        if on - day > found.value.max_age:
            what = f"the rate {pair} of {day} is too old on {on}"
            raise Rejected(what, where, do)
        return rate

    def fee_schedule(
        self, merchant_id: str, on: date, currency: str | None = None
    ) -> FeeSchedule | None:
        """Return the agreed fees, or none where nothing was agreed: then no drift is knowable.

        ``currency`` may be left out for a merchant of one currency.
        """
        keys = [k for k in self.schedules if k.startswith(f"{merchant_id}|{currency or ''}")]
        if len(keys) > 1:
            raise ValueError(f"{merchant_id} has schedules {keys}; name the currency")
        found = in_force(self.schedules[keys[0]], on) if keys else None
        return found.value if found else None


def _quoted(code: str) -> str:
    return code if code.isidentifier() else f'"{code}"'
