"""What to do about a dead letter, by what the other side said: data for the person on call.

The first row that fits is shown beside the letter's own next action. Sources: Cybersource
reference, sections 2.2 and 3; SYSPRO reference, sections 4 and 6; reliability reference 2.1 to 2.4.
"""

from dataclasses import dataclass

from include.services.effects.dead_letters import DeadLetter
from include.services.orders.gateway_refusals import CAPTURE_REFUSED, REVERSAL_REFUSED
from include.services.orders.setting_back import WAYS_OUT, way_out


@dataclass(frozen=True, slots=True)
class NextAction:
    """One row: a part of the reason, in any letter case, and of which kind; '' is any."""

    text: str
    do: str
    kind: str = ""


_NO_HOLD = (
    "Nothing is held any more. Invoiced: orders give-up, and ask the shopper for the money; else "
    "orders cancel, and have the shopper pay anew."
)
ROWS = (
    # SYSPRO
    NextAction("[100000]", "Correct the key it names in SYSPRO or in shops.yaml; then replay."),
    NextAction("[100030]", "A field must not be blank: complete the shop's order; then replay."),
    NextAction("price must be numeric", "Give the line a price in the shop; then replay."),
    NextAction("credit limit", "Raise the limit or release the order in SYSPRO; then replay."),
    NextAction("on hold", "Take the customer off hold in SYSPRO, or cancel the order."),
    NextAction("period", "Open the period in SYSPRO, or have finance move the posting date."),
    NextAction("already exists", "Replay: it is looked for first, and taken as ours if equal."),
    NextAction("stock code", "Add the item to SYSPRO or map its SKU; then replay."),
    NextAction("warehouse", "Add the warehouse to the item in SYSPRO, or correct shops.yaml."),
    NextAction("logon", "Test the SYSPRO connection: operator, password, licence; then replay."),
    NextAction("licence", "Free a SYSPRO licence or wait for the night run; then replay."),
    NextAction("custom form", "Set custom_forms of the connection and the field; then replay."),
    NextAction(
        "",
        "Look at it in SYSPRO. Invoiced: credit it there, which gives the money back, or let it go "
        "on; else correct what it names and replay.",
        "sales_order_move",
    ),
    # Cybersource
    NextAction("AUTH_ALREADY_REVERSED", _NO_HOLD, CAPTURE_REFUSED),
    NextAction("MISSING_AUTH", _NO_HOLD, CAPTURE_REFUSED),
    NextAction(
        "TRANSACTION_ALREADY_SETTLED",
        "It was captured beside us: refund that at the gateway, then orders hold-gone.",
        REVERSAL_REFUSED,
    ),
    NextAction(
        "MISSING_AUTH",
        "The gateway knows of no hold: ask the acquirer, then orders hold-gone.",
        REVERSAL_REFUSED,
    ),
    NextAction(
        "",
        "Mend what it names and subscribe again (webhooks subscribe); then resolve this.",
        "webhook_subscription",
    ),
    NextAction("", "Test one that webhooks list shows; then resolve this.", "webhook_test"),
    NextAction("NOT_VOIDABLE", "Too late to void: refund it instead."),
    NextAction("INVALID_DATA", "Compare the fields it names with the order; place it anew."),
    NextAction("MISSING_FIELD", "Complete the fields it names in the shop; place it anew."),
    NextAction("DUPLICATE_REQUEST", "Replay: the first copy is looked for and counts."),
    NextAction("EXCEEDS_AUTH_AMOUNT", "Capture no more than is held; see the order's timeline."),
    NextAction("AUTH_ALREADY_REVERSED", "The hold is gone: resolve it, or take a new payment."),
    NextAction("TRANSACTION_ALREADY_SETTLED", "It is in a batch: refund instead of reversing."),
    NextAction("INVALID_MERCHANT_CONFIGURATION", "Have the account set up; then replay."),
    NextAction("PROCESSOR_ERROR", "Ask the processor; replay when it works again."),
    NextAction(
        "answered 401", "Renew the key of the connection; then replay everything of this kind."
    ),
    NextAction("token cannot be deleted", "Make another card the default, or forget the shopper."),
    NextAction(
        "differs from what was sent",
        "Reverse nothing. The case was decided the other way, which stands: read the order; stuck "
        "between two decisions, reviews settle. Then resolve this: a replay finds the same.",
        "review_decision",
    ),
    # Any
    NextAction("differs from what was sent", "Compare both; reverse or correct theirs by hand."),
    NextAction("cannot be found", "Look for it at the other side by hand; replay if absent."),
    NextAction("no answer for", "Mend the connection; then replay everything of this kind."),
    NextAction("other content", "Two orders share a number: place one under a new number."),
    NextAction("", "Replay: the comparison's proposal is carried out.", "gateway_duplicate"),
    NextAction("sold in the shop", "Set it back to what is taken; then replay.", "shop_order"),
    NextAction("", "Correct the order in the shop; then replay: it is read again.", "shop_order"),
    NextAction("", "See the event's type; replay it once its handler can.", "inbox_event"),
)


def suggest(letter: DeadLetter) -> str:
    """Return the suggested next action; '' where no row fits."""
    reason = letter.reason.casefold()
    for row in ROWS:
        if row.text.casefold() in reason and row.kind in ("", letter.kind):
            way = way_out(letter.kind, letter.owner)
            is_said = WAYS_OUT.get(letter.kind, way) in row.do
            return row.do if is_said else f"{row.do} {way}"
    return ""
