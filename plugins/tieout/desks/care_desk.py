"""Joins what looks after orders with each merchant's partners: profiles, comparison, alerts."""

from functools import partial

from include.adapters.cybersource.day_rows import DayRows
from include.adapters.cybersource.timings import WEBHOOK_KEY_LIFE
from include.adapters.store.alerts import SqlAlertBook, SqlSightings
from include.adapters.store.audit_log import SqlAuditLog
from include.adapters.store.compared_orders import SqlProgress
from include.adapters.store.comparison import SqlLedger
from include.adapters.store.forgetting import SqlPersons
from include.adapters.store.payment_tokens import SqlTokenBook
from include.domain.alerts import AlertKind
from include.domain.errors import IntegrationError, Rejected
from include.domain.money import Money
from include.services.alerts.raise_alerts import RaiseAlerts
from include.services.comparing.compare_systems import CompareSystems
from include.services.comparing.erp_side import ErpSide
from include.services.comparing.gateway_side import GatewaySide
from include.services.comparing.ports import Did, Findings
from include.services.comparing.reverse_duplicate import reverse_duplicate
from include.services.effects.dead_letters import DeadLetter
from include.services.effects.states import EXECUTED
from include.services.profiles.check_profiles import ProfileCheck
from include.services.profiles.forget_orders import ForgetOrders
from include.services.profiles.forget_shopper import ForgetShopper
from include.services.profiles.join_duplicates import DuplicateJoiner
from include.services.profiles.keep_tokens import TokenSweep
from include.services.profiles.remove_tokens import TokenRemover
from include.wiring import Tieout
from tieout.desks.order_desk import Desks
from tieout.desks.order_feeds import refund_push, shop_sync
from tieout.desks.shop_desk import GuardedErp, ShopDesk
from tieout.hooks import messages


def token_sweep(desk: ShopDesk) -> TokenSweep:
    """Return what keeps the tokens that a crash left out."""
    merchant, context = desk.merchant, desk.context
    book = SqlTokenBook(context.store)
    return TokenSweep(
        merchant.merchant_id, merchant.company_id, book, context.watermarks, token_remover(desk)
    )


def token_remover(desk: ShopDesk) -> TokenRemover:
    """Return what deletes tokens at the gateway, and in SYSPRO's forms where shops have one."""
    merchant = desk.merchant
    shops = desk.context.mappings.orders.shops.values()
    known = [rule.value for rules in shops for rule in rules]  # also where they were kept earlier
    forms = {one.token_form for one in known if one.merchant_id == merchant.merchant_id}
    return TokenRemover(
        merchant_id=merchant.merchant_id,
        organization_id=merchant.organization_id,
        token_forms=sorted(form for form in forms if form[0]),
        owner=merchant.owner,
        book=SqlTokenBook(desk.context.store),
        vault=desk.gateway.tokens,
        erp=desk.desk.erp,
        engine=desk.engine,
    )


def duplicate_joiner(desk: ShopDesk) -> DuplicateJoiner:
    """Return what joins the duplicates of one merchant."""
    book, remover = SqlTokenBook(desk.context.store), token_remover(desk)
    return DuplicateJoiner(desk.merchant.merchant_id, book, desk.gateway.tokens, remover)


def profile_check(desk: ShopDesk) -> ProfileCheck:
    """Return what keeps tokens in step with the gateway and SYSPRO."""
    return ProfileCheck(
        merchant_id=desk.merchant.merchant_id,
        book=SqlTokenBook(desk.context.store),
        vault=desk.gateway.tokens,
        erp=GuardedErp(desk.erp, desk.erp_line),
        shelf=desk.context.shelf,
        owner=desk.merchant.owner,
    )


def forgetter(desk: ShopDesk) -> ForgetShopper:
    """Return what forgets a shopper of one shop."""
    store = desk.context.store
    return ForgetShopper(
        shop_id=desk.shop.shop_id,
        company_id=desk.merchant.company_id,
        book=SqlTokenBook(store),
        remover=token_remover(desk),
        audit=SqlAuditLog(store),
    )


def order_forgetter(desk: ShopDesk) -> ForgetOrders:
    """Return what takes the shoppers of one shop out of their orders."""
    store = desk.context.store
    return ForgetOrders(
        desk.shop.shop_id, SqlTokenBook(store), SqlPersons(store), SqlAuditLog(store)
    )


def comparison(desks: Desks, desk: ShopDesk) -> CompareSystems:
    """Return the nightly comparison of one merchant; ``desk`` is any of its shops."""
    merchant, context = desk.merchant, desks.context
    ledger = SqlLedger(context.store)
    findings = Findings(context.shelf, ledger, merchant.owner)
    take_order = partial(_take_order, desks, merchant.merchant_id)
    prefixes = [one.shop.purchase_order_prefix for one in _desks_of(desks, merchant.merchant_id)]
    gateway = GatewaySide(
        merchant_id=merchant.merchant_id,
        organization_id=merchant.organization_id,
        prefixes=prefixes,
        feed=DayRows(desk.gateway.get_conn(), context.today.meanings(merchant.merchant_id)),
        ledger=ledger,
        service=desks.service,
        engine=desk.engine,
        take_order=take_order,
        findings=findings,
    )
    push = refund_push(desks, desk)
    erp = ErpSide(
        merchant_id=merchant.merchant_id,
        company_id=merchant.company_id,
        prefixes=prefixes,
        feed=desk.erp.orders,
        service=desks.service,
        engine=desk.engine,
        take_order=take_order,
        take_cancellation=push.take_cancellation,
        findings=findings,
        tolerance_minor=merchant.amount_tolerance_minor,
    )
    marks = context.watermarks
    progress = SqlProgress(context.store)
    return CompareSystems(
        merchant.merchant_id, gateway, erp, ledger, marks, progress, push.read_again
    )


def _desks_of(desks: Desks, merchant_id: str) -> list[ShopDesk]:
    every = (desks.of(shop_id) for shop_id in desks.shop_ids())
    return [desk for desk in every if desk.merchant.merchant_id == merchant_id]


def _take_order(desks: Desks, merchant_id: str, purchase_order: str) -> bool:
    """Take an order in that we never heard of, from the shop whose prefix it carries."""
    for desk in _desks_of(desks, merchant_id):
        prefix = desk.shop.purchase_order_prefix
        number = purchase_order.removeprefix(prefix)
        if not purchase_order.startswith(prefix) or not number[:1].isdigit():
            continue
        try:
            return shop_sync(desks, desk.shop.shop_id).import_one(number).done == 1
        except IntegrationError:
            return False  # what the caller sets aside says what to do
    return False


def reverse_copy(desks: Desks, letter: DeadLetter) -> str:
    """Carry out what a proposal of the comparison says, because a person replayed it.

    Raises:
        Rejected: it cannot be given back, or its amount is not known.
    """
    _, did, order_id, request_id = letter.key.split("|")
    where = f"dead letter {letter.dead_letter_id}"
    if not order_id or letter.amount_minor is None:
        raise Rejected("its order or amount is not known", where, "Reverse it by hand; resolve it.")
    order = desks.service.orders.content(order_id)
    desk = desks.of(order.shop_id)
    amount = Money(letter.amount_minor, letter.currency)
    effect = reverse_duplicate(
        desk.engine,
        order,
        desk.merchant.organization_id,
        desk.merchant.owner,
        did=Did(did),
        request_id=request_id,
        amount=amount,
    )
    if effect.state in EXECUTED:
        said = f"{effect.kind.value} {effect.their_key} of {amount}"
        desks.context.shelf.settle(letter.kind, letter.key, said)
    return f"{effect.kind.value}: {effect.state.value} {effect.reason}".strip()


def alerts(context: Tieout) -> RaiseAlerts:
    """Return the alerts over this store, sent by mail and chat where there is a connection."""
    today = context.today
    return RaiseAlerts(
        rules=[one for one in today.alert_rules() if one.kind is not AlertKind.dags_failing],
        sightings=SqlSightings(
            context.store,
            today.order_rules,
            lambda merchant_id: today.merchant(merchant_id).company_id,
            WEBHOOK_KEY_LIFE,
        ),
        book=SqlAlertBook(context.store),
        send=messages.send_alert,
    )
