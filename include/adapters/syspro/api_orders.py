"""Orders and customers by the JSON facade; its names are data, as in ``api_services.py``."""

import json
from collections.abc import Mapping
from typing import Any

from include.adapters.http.redact import redact
from include.adapters.syspro.api_services import (
    AMOUNT_MARK,
    MARKED,
    FacadeClient,
    dig,
    first,
    rows_shown,
)
from include.adapters.syspro.api_values import (
    DecimalText,
    address_values,
    line_values,
    order_values,
    plain_values,
    text_of,
)
from include.adapters.syspro.facade_map import CommandMap
from include.adapters.syspro.faults import has_any, is_closed_period
from include.adapters.syspro.partners.common import command_of, text_difference
from include.adapters.syspro.partners.order_moves import (
    CANCELLED,
    OPEN,
    SUSPENSE,
    demand_at_rest,
    is_so,
)
from include.domain.erp_orders import (
    AddCustomer,
    AddSalesOrder,
    MoveSalesOrder,
    OrderMove,
    key_number,
    same_key,
)
from include.domain.errors import IntegrationError, Rejected
from include.domain.orders import LineKind, OrderLine
from include.domain.shops import ChargeLine
from include.services.effects.ports import Difference, Effect, EffectKind, Found, Receipt

_MOVED_TO = {
    OrderMove.hold: SUSPENSE,
    OrderMove.release: OPEN,
    OrderMove.cancel: CANCELLED[0],
}
_COMMANDS: Mapping[EffectKind, type] = {
    EffectKind.sales_order: AddSalesOrder,
    EffectKind.sales_order_move: MoveSalesOrder,
    EffectKind.customer: AddCustomer,
}


class FacadeCommandPartner:
    """Satisfies ``effects.ports.Partner`` for one kind of command, by its part of the map."""

    def __init__(self, client: FacadeClient, names: CommandMap, kind: EffectKind) -> None:
        self._client = client
        self._names = names
        self._kind = kind

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return all that carries the key; of a move only an order that is so."""
        command, names = self._command(effect), self._names.read_back
        values = self._values(command, effect.reference)
        mine = rows_shown(self._client, names, values, effect.reference)
        return tuple(
            self._found(row) for row in mine if self._is_meant(command, row, bool(effect.their_key))
        )

    def send(self, effect: Effect) -> Receipt:
        """Send once; see the port for the errors."""
        command, names = self._command(effect), self._names.post
        self._demand_holdable(command)
        answer = self._client.post(
            names.path, self.document(command, effect.reference), effect.reference
        )
        success = first(answer, names.success).lower()
        if success != "true":
            raise self._refusal(success, answer)
        key = first(answer, names.their_key)
        if not key.strip("0"):
            raise self._client.faults.unknown("a yes without a number", names.path)
        warnings = (
            [redact(str(one)) for one in dig(answer, names.warnings)] if names.warnings else []
        )
        return Receipt(key_number(key), self._evidence(command, key_number(key), warnings))

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare what the map names, and a move's status."""
        command = self._command(effect)
        values = self._values(command, effect.reference)
        if isinstance(command, MoveSalesOrder):
            status = str(found.facts["status"])
            if is_so(command.move, status) or status in CANCELLED:
                return ()
            return (Difference("order status", f"as after {command.move.value}", status),)
        differences: list[Difference] = []
        for word in self._names.read_back.compare:
            differences += text_difference(word, text_of(values, word), str(found.facts[word]))
        return tuple(differences)

    def document(self, command: object, reference: str) -> str:
        """Return the JSON to post."""
        names, values = self._names.post, self._values(command, reference)
        body = self._object(names.document, values)
        if names.lines_name and isinstance(command, AddSalesOrder):
            body[names.lines_name] = [
                self._object(self._line_names(command, line), line_values(command, line))
                for line in sorted(command.lines, key=lambda line: line.number)
            ]
        return MARKED.sub(r"\1", json.dumps(body))

    def _object(self, names: Mapping[str, str], values: Mapping[str, object]) -> dict[str, object]:
        typed = {theirs: self._typed(values, word) for theirs, word in names.items()}
        return {theirs: value for theirs, value in typed.items() if value != ""}

    def _line_names(self, order: AddSalesOrder, line: OrderLine) -> Mapping[str, str]:
        kind = line.kind
        if line.kind is LineKind.freight and order.charge_for(line.kind).line is ChargeLine.misc:
            kind = LineKind.fee  # the shop's table makes it an ordinary charge
        found = self._names.post.lines.get(kind)
        if found is None:
            raise Rejected(
                f"the facade's map has no names for a line of {kind}",
                self._client.faults.where(self._names.post.path),
                "Add them to the field map, or use a connection whose adapter is enet.",
            )
        return found

    def _demand_holdable(self, command: object) -> None:
        """Refuse to send an order that must be held where the map has no place to say so."""
        is_suspended = isinstance(command, AddSalesOrder) and command.is_suspended
        if is_suspended and "order_status" not in self._names.post.document.values():
            raise Rejected(
                "the facade cannot take an order straight into suspense",
                self._client.faults.where(self._names.post.path),
                "Map order_status, use an enet connection, or decide the review first.",
            )

    def _command(self, effect: Effect) -> object:
        kind: type[object] = _COMMANDS[self._kind]
        return command_of(kind, effect)

    def _values(self, command: object, reference: str) -> dict[str, object]:
        if isinstance(command, AddSalesOrder):
            own = order_values(command, self._client.settings.order_status)
        elif isinstance(command, MoveSalesOrder):
            own = {**plain_values(command), "new_status": _MOVED_TO[command.move]}
            own["action"] = command.move.value.capitalize()
        elif isinstance(command, AddCustomer):
            own = {**plain_values(command), **address_values("sold", command.sold_to)}
            own |= address_values("ship", command.ship_to)
        else:
            raise TypeError(f"no command of the facade: {type(command).__name__}")
        return {"reference": reference, **own}

    def _typed(self, values: Mapping[str, object], word: str) -> object:
        value = word[1:] if word.startswith("=") else values[word]
        if isinstance(value, DecimalText):
            is_text = self._client.names.amounts == "string"
            return value if is_text else f"{AMOUNT_MARK}{value}"
        return str(value)

    def _is_meant(self, command: object, row: Mapping[str, Any], is_answered: bool) -> bool:
        names = self._names.read_back
        if isinstance(command, AddSalesOrder) and "customer" in names.compare:
            return same_key(command.customer, first(row, names.compare["customer"]))
        if not isinstance(command, MoveSalesOrder):
            return True
        if not same_key(command.sales_order, first(row, names.their_key)):
            return False
        status = first(row, names.status)
        if is_answered:
            demand_at_rest(self._client.faults, command, [status])
        return is_answered or is_so(command.move, status)

    def _found(self, row: Mapping[str, Any]) -> Found:
        names = self._names.read_back
        key = key_number(first(row, names.their_key))
        facts: dict[str, object] = {
            word: first(row, theirs) for word, theirs in names.compare.items()
        }
        if names.status:
            facts["status"] = first(row, names.status)
        if self._kind is EffectKind.sales_order:
            facts |= {"sales_order": key, "warnings": []}
        if self._kind is EffectKind.customer:
            facts["customer"] = key
        return Found(key, facts)

    def _evidence(self, command: object, key: str, warnings: list[str]) -> dict[str, object]:
        if isinstance(command, MoveSalesOrder):
            return {"status": _MOVED_TO[command.move]}
        if isinstance(command, AddCustomer):
            return {"customer": key}
        return {"sales_order": key, "warnings": warnings}

    def _refusal(self, success: str, answer: Any) -> IntegrationError:
        faults, names = self._client.faults, self._names.post
        words = redact("; ".join(str(part) for part in dig(answer, names.error)))
        if success != "false" or has_any(words.lower(), self._client.settings.duplicate_words):
            return faults.unknown(f"the answer is neither yes nor no ({words})", names.path)
        if is_closed_period(words, self._client.settings):
            return faults.closed_period(words, names.path, "of the order")
        return Rejected(
            words or "refused without a reason", faults.where(names.path), faults.next_step(words)
        )
