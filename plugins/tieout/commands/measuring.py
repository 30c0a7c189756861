"""The measurements of ``commissioning``: arguments in, one line of JSON out."""

import argparse
from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING

from include.domain.commissioning import WORDS, Probe
from include.domain.errors import Rejected
from include.wiring import Tieout
from tieout.commands.parts import Command, Parsers, command, day, money, say, whole

if TYPE_CHECKING:
    from include.services.commissioning.findings import Finding
    from include.services.commissioning.trial_payments import TrialPayments
    from tieout.hooks.syspro import SysproHook

_DAY_S = 86_400
_MOST_SAMPLES = 10_000
_MOST_LINES = 20_000
_LONGEST_ADDRESS = 100_000


def add(parsers: Parsers) -> None:
    """Add a command for each probe that can be measured."""
    repeats = _command(parsers, Probe.repeated_payment, _repeats)
    repeats.add_argument(
        "--after", nargs="+", type=whole(7 * _DAY_S), default=[60, 960], metavar="SECONDS",
        help="when the payment is sent again; default: 60 960",
    )  # fmt: skip
    lag = _command(parsers, Probe.search_lag, _search_lag)
    lag.add_argument("--samples", type=whole(_MOST_SAMPLES), default=200)
    lag.add_argument("--at-most", type=whole(_DAY_S), default=900, metavar="SECONDS")
    for pays in (repeats, lag):
        pays.add_argument("--token", required=True, help="TMS customer token of a test card")
        pays.add_argument("--currency", default="USD")
        pays.add_argument("--amount", default="1.00")
    order = _command(parsers, Probe.repeated_order, _repeated_order)
    order.add_argument("--customer", required=True, help="of an open order in SYSPRO")
    order.add_argument("--purchase-order", required=True, help="the PO of that order")
    order.add_argument("--stock-code", required=True, help="any that the customer may buy")
    order.add_argument("--unit", default="EA")
    order.add_argument("--warehouse", required=True)
    run = _command(parsers, Probe.longest_run, _longest_run)
    run.add_argument("--lines", type=whole(_MOST_LINES), default=2_000)
    run.add_argument("--at-most", type=whole(_DAY_S), default=3_600, metavar="SECONDS")
    run.add_argument("--on", type=day, help="posting date; default: today's")
    period = _command(parsers, Probe.closed_period, _closed_period)
    period.add_argument("--on", type=day, required=True, help="in a closed period")
    for posts in (run, period):
        posts.add_argument("--account", required=True, help="a GL code that takes postings")
    address = _command(parsers, Probe.longest_address, _longest_address)
    address.add_argument("--at-most", type=whole(_LONGEST_ADDRESS), default=32_000)
    _command(parsers, Probe.second_logon, _second_logon)


_Measure = Callable[[Tieout, argparse.Namespace], "tuple[str, Finding]"]


def _command(parsers: Parsers, probe: Probe, measure: _Measure) -> argparse.ArgumentParser:
    name = probe.name.replace("_", "-")
    made = command(parsers, name, f"measure {probe}: {WORDS[probe]}", _printed(probe, measure))
    made.add_argument("merchant")
    return made


def _printed(probe: Probe, measure: _Measure) -> Command:
    def run(context: Tieout, given: argparse.Namespace) -> None:
        from include.adapters.commissioning_lines import line_of

        if context.settings.mode == "production":
            raise Rejected(
                "measurements pay, order and post for trial, and this is production",
                "TIEOUT_MODE",
                "Measure at the vendors' test accounts with TIEOUT_MODE=sandbox; record it here.",
            )
        at = context.clock.now()
        connection, finding = measure(context, given)
        say(line_of(probe, connection, at, finding))

    return run


# At the gateway ------------------------------------------------------------------------------


def _search_lag(context: Tieout, given: argparse.Namespace) -> "tuple[str, Finding]":
    from include.services.commissioning.measure_payments import measure_search_lag
    from include.services.commissioning.timing import Stopwatch

    connection, pay = _trial_payments(context, given)
    watch = Stopwatch()
    return connection, measure_search_lag(
        pay, samples=given.samples, at_most_s=given.at_most, every_s=1.0, watch=watch
    )


def _repeats(context: Tieout, given: argparse.Namespace) -> "tuple[str, Finding]":
    from include.services.commissioning.measure_payments import measure_repeats
    from include.services.commissioning.timing import Stopwatch
    from include.services.commissioning.trial_payments import MOST_REPEATS

    if len(given.after) > MOST_REPEATS:
        what = f"{len(given.after)} repeats of one payment"
        raise Rejected(what, "--after", f"Name {MOST_REPEATS} instants at most.")
    connection, pay = _trial_payments(context, given)
    return connection, measure_repeats(pay, after_s=sorted(given.after), watch=Stopwatch())


def _trial_payments(context: Tieout, given: argparse.Namespace) -> "tuple[str, TrialPayments]":
    from include.domain.orders import PaymentMethod, PaymentSource
    from include.services.commissioning.trial_payments import TrialPayments, targets_of
    from include.services.effects.ports import EffectKind
    from tieout.hooks.cybersource import CybersourceHook
    from tieout.this_process import worker_name

    merchant = context.today.merchant(given.merchant)
    hook = CybersourceHook(
        merchant.cybersource_conn_id, reasons=context.today.meanings(merchant.merchant_id)
    )
    engine = context.engine(hook.partners, hook.timings, worker=worker_name())
    engine.sweep(targets=targets_of(merchant.organization_id))  # what a broken run has left
    pay = TrialPayments(
        engine,
        hook.partners[EffectKind.payment_authorization],
        merchant.organization_id,
        PaymentSource(PaymentMethod.stored_token, customer_token=given.token),
        money(given.amount, given.currency),
        _name(context),
    )
    return merchant.cybersource_conn_id, pay


# In SYSPRO -----------------------------------------------------------------------------------


def _longest_run(context: Tieout, given: argparse.Namespace) -> "tuple[str, Finding]":
    from include.services.commissioning.measure_run import large_journal, measure_run
    from include.services.commissioning.timing import Stopwatch, TimedPartner
    from include.services.effects.ports import EffectKind
    from tieout.this_process import worker_name

    merchant = context.today.merchant(given.merchant)
    hook, watch = _erp(context, given), Stopwatch()
    kind, on = EffectKind.gl_journal, given.on or context.business_date(merchant.zone)
    partner = TimedPartner(hook.partners[kind], watch)
    with hook.session():
        return hook.syspro_conn_id, measure_run(
            large_journal(merchant, _name(context), given.account, given.lines, on),
            engine=context.engine({kind: partner}, hook.timings, worker=worker_name()),
            partner=partner,
            watch=watch,
            owner=merchant.owner,
            at_most_s=given.at_most,
        )


def _repeated_order(context: Tieout, given: argparse.Namespace) -> "tuple[str, Finding]":
    from include.services.commissioning.ask_syspro import measure_repeated_order, trial_order

    merchant = context.today.merchant(given.merchant)
    hook = _erp(context, given)
    order = trial_order(
        merchant,
        customer=given.customer,
        purchase_order=given.purchase_order,
        stock_code=given.stock_code,
        unit=given.unit,
        warehouse=given.warehouse,
        on=context.business_date(merchant.zone),
    )
    return hook.syspro_conn_id, measure_repeated_order(order, hook.rehearsals, _name(context))


def _closed_period(context: Tieout, given: argparse.Namespace) -> "tuple[str, Finding]":
    from include.services.commissioning.ask_syspro import measure_closed_period
    from include.services.commissioning.measure_run import large_journal

    merchant = context.today.merchant(given.merchant)
    hook = _erp(context, given)
    journal = large_journal(merchant, _name(context), given.account, 2, given.on)
    today = context.business_date(merchant.zone)
    return hook.syspro_conn_id, measure_closed_period(journal, today, hook.rehearsals)


def _longest_address(context: Tieout, given: argparse.Namespace) -> "tuple[str, Finding]":
    from include.services.commissioning.ask_syspro import measure_longest_address

    hook = _erp(context, given)
    return hook.syspro_conn_id, measure_longest_address(hook.rehearsals, given.at_most)


def _second_logon(context: Tieout, given: argparse.Namespace) -> "tuple[str, Finding]":
    from include.services.commissioning.ask_syspro import measure_second_logon

    hook = _erp(context, given)
    return hook.syspro_conn_id, measure_second_logon(hook.rehearsals)


def _erp(context: Tieout, given: argparse.Namespace) -> "SysproHook":
    from tieout.hooks.syspro import SysproHook

    merchant = context.today.merchant(given.merchant)
    return SysproHook(merchant.syspro_conn_id, leases=context.leases)


def _name(context: Tieout) -> str:
    """Name a measurement, so that each has keys of its own."""
    return context.clock.now().astimezone(UTC).isoformat(timespec="microseconds")
