"""Hold, release or cancel a sales order: SORTOS and SORTOX, read back from SorMaster.

A move is natural: it is done where the order already is so, whoever did it. What we believe the
status to be goes along as a guard, and a refusal is checked against the order as it is now.
"""

from collections.abc import Iterable

from include.adapters.syspro.documents import sortos, sortox
from include.adapters.syspro.documents.comfnd import Find, Row
from include.adapters.syspro.documents.verdict import Answer
from include.adapters.syspro.faults import Faults
from include.adapters.syspro.partners.common import Asking, command_of, key_conditions, with_key
from include.domain.erp_orders import NOT_RELEASED, MoveSalesOrder, OrderMove, key_number, same_key
from include.domain.errors import IntegrationError
from include.services.effects.ports import Difference, Effect, Found, Receipt

SUSPENSE, OPEN = "S", "1"
IN_PROCESS = "0"  # somebody has the order open
CANCELLED = ("\\", "*")
COMPLETE = "9"
COLUMNS = ("SalesOrder", "CustomerPoNumber", "OrderStatus", "CancelledFlag")


class OrderMovePartner:
    """Satisfies ``effects.ports.Partner`` for ``sales_order_move``."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return the order if it is so already, or if SYSPRO has said that it moved it.

        Raises:
            Retryable: could not ask, or somebody has an order open that SYSPRO said it moved.
            Rejected: SYSPRO may not be asked.
        """
        move = command_of(MoveSalesOrder, effect)
        with self._asking.client.session():
            rows = self._rows(move)
        if effect.their_key:
            demand_at_rest(self._asking.client.faults, move, map(status_of, rows))
        return tuple(
            _found(row) for row in rows if effect.their_key or is_so(move.move, status_of(row))
        )

    def send(self, effect: Effect) -> Receipt:
        """Move once; see the port for the errors."""
        move, client = command_of(MoveSalesOrder, effect), self._asking.client
        with client.session(self._settings.write_deadline_s):
            try:
                status = (
                    self._cancel(move, effect)
                    if move.move is OrderMove.cancel
                    else self._change(move, effect)
                )
            except _Refused as refusal:
                return self._done_anyhow(move, refusal.fault)
        return Receipt(key_number(move.sales_order), {"status": status})

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare the status; an order that was cancelled since needs neither hold nor release.

        One that was invoiced in part and then cancelled may be shown as complete.
        """
        move, status = command_of(MoveSalesOrder, effect), str(found.facts["status"])
        is_over = status in CANCELLED or (move.move is OrderMove.cancel and status == COMPLETE)
        if is_over or is_so(move.move, status):
            return ()
        return (Difference("order status", f"as after {move.move.value}", status),)

    def _change(self, move: MoveSalesOrder, effect: Effect) -> str:
        wanted = SUSPENSE if move.move is OrderMove.hold else OPEN
        document = sortos.CHANGE.build(
            {
                "Item": {
                    "SalesOrder": move.sales_order,
                    "OrderStatus": move.expected_status or None,
                    "NewOrderStatus": wanted,
                    "CreditAuthority": move.authority or None,
                }
            }
        )
        body = self._post("SORTOS", sortos.parameters(), document, effect)
        changed = self._asking.parsed_post(sortos.parse, body, "SORTOS")
        faults = self._asking.client.faults
        if changed.verdict.answer is Answer.refused:
            raise _Refused(faults.of_verdict(changed.verdict, "SORTOS", ""))
        faults.demand_taken(changed.verdict, "SORTOS", "")
        if not same_key(move.sales_order, changed.sales_order) or changed.status != wanted:
            raise faults.unknown(
                f"the answer is about order {changed.sales_order!r} and status {changed.status!r}",
                "SORTOS",
            )
        return wanted

    def _cancel(self, move: MoveSalesOrder, effect: Effect) -> str:
        document = sortox.CANCEL.build(
            {
                "Item": {
                    "SalesOrder": move.sales_order,
                    "MarkLineComplete": "N",
                    "CancelReasonCode": move.reason_code or None,
                }
            }
        )
        body = self._post("SORTOX", sortox.parameters(), document, effect)
        cancelled = self._asking.parsed_post(sortox.parse, body, "SORTOX")
        faults = self._asking.client.faults
        if cancelled.verdict.answer is Answer.refused:
            raise _Refused(faults.of_verdict(cancelled.verdict, "SORTOX", ""))
        faults.demand_taken(cancelled.verdict, "SORTOX", "")
        if not same_key(move.sales_order, cancelled.sales_order) or not cancelled.is_cancelled:
            raise faults.unknown(
                f"the answer is about order {cancelled.sales_order!r}, which it does not call "
                "cancelled",
                "SORTOX",
            )
        return CANCELLED[0]

    def _post(self, business_object: str, parameters: str, document: str, effect: Effect) -> bytes:
        return self._asking.client.post(
            business_object,
            parameters,
            document,
            effect.reference,
        )

    def _done_anyhow(self, move: MoveSalesOrder, refusal: IntegrationError) -> Receipt:
        """Look at the order that could not be moved; it may be so already, or be in use.

        Raises:
            Retryable: somebody has it open, which may be why it was refused.
            Parked, Rejected, OutcomeUnknown: what the refusal means otherwise.
        """
        rows = self._rows(move)
        for row in rows:
            if is_so(move.move, status_of(row)):
                return Receipt(key_number(move.sales_order), {"status": status_of(row)})
        demand_at_rest(self._asking.client.faults, move, map(status_of, rows))
        raise refusal

    def _rows(self, move: MoveSalesOrder) -> list[Row]:
        """Read the order by its PO, which is indexed everywhere, or else by its number."""
        if move.purchase_order:
            where = Find("SorMaster", (("CustomerPoNumber", "EQ", move.purchase_order),), COLUMNS)
        else:
            keys = key_conditions("SalesOrder", move.sales_order, self._settings.key_width)
            where = Find("SorMaster", (), COLUMNS, any_of=keys)
        rows = self._asking.find(where, move.sales_order)
        return with_key(rows, "salesorder", move.sales_order)


class _Refused(Exception):
    """SYSPRO said no; ``fault`` is what that means unless the order is so already."""

    def __init__(self, fault: IntegrationError) -> None:
        super().__init__(fault.what)
        self.fault = fault


def demand_at_rest(faults: Faults, move: MoveSalesOrder, statuses: Iterable[str]) -> None:
    """Return only if nobody has the order open: what it will be afterwards is not known.

    Raises:
        Retryable: it is in process.
    """
    if IN_PROCESS in statuses:
        raise faults.retryable(
            f"sales order {move.sales_order} is in process: somebody has it open",
            "SorMaster",
            "It is tried again; if it stays so, have the order closed in order entry.",
        )


def status_of(row: Row) -> str:
    """Return SYSPRO's status; the flag counts where it alone says cancelled."""
    status = row.get("orderstatus", "")
    is_flagged = row.get("cancelledflag", "").upper() == "Y"
    return CANCELLED[0] if is_flagged and status not in CANCELLED else status


def is_so(move: OrderMove, status: str) -> bool:
    """Say whether an order of this status is as the move would leave it."""
    if move is OrderMove.cancel:
        return status in CANCELLED
    if move is OrderMove.hold:
        return status == SUSPENSE
    return status not in (*NOT_RELEASED, *CANCELLED)


def _found(row: Row) -> Found:
    return Found(key_number(row["salesorder"]), {"status": status_of(row)})
