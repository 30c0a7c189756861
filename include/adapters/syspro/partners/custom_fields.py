"""One field of a custom form, e.g. a gateway reference or a token: COMSFM or COMTFM by setting.

Setting the same value twice is harmless, so an unknown outcome may be repeated; never card data.
A field may hold several references: what a later refund of the order adds takes none away, so a
value that is among what the field holds is there, and is not written over it.
"""

from include.adapters.syspro.documents import comqfm, comsfm, comtfm
from include.adapters.syspro.documents.verdict import Answer, Verdict
from include.adapters.syspro.partners.common import FORM, Asking, command_of
from include.domain.erp_orders import SetCustomField
from include.domain.errors import Rejected
from include.services.effects.ports import Difference, Effect, Found, Receipt


class CustomFieldPartner:
    """Satisfies ``effects.ports.Partner`` for ``custom_field``."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return the field if it holds the value, or if SYSPRO has said that it took it.

        A form that is known to be empty, since this very session made its order, is not read.
        """
        wanted = command_of(SetCustomField, effect)
        if self._settings.custom_forms == "none":
            return ()
        if effect.sent_at is None and self._was_empty(wanted):
            return ()
        with self._asking.client.session():
            value = self._value(wanted, effect.reference)
            if not value:
                self._asking.note_absent(FORM, _key(wanted))
        if value is None or not (effect.their_key or _holds(value, wanted)):
            return ()
        return (Found(_key(wanted), {"value": value}),)

    def send(self, effect: Effect) -> Receipt:
        """Set once: added where the field is empty, else updated; see the port for the errors."""
        wanted, client = command_of(SetCustomField, effect), self._asking.client
        if self._settings.custom_forms == "none":
            raise Rejected(
                f"this site keeps no custom forms, yet {wanted.name!r} is to be set",
                client.faults.where(f"form {wanted.form}"),
                "Set custom_forms of the connection, or keep tokens in our own store.",
            )
        with client.session(self._settings.write_deadline_s):
            is_new = self._was_empty(wanted) or not self._value(wanted, effect.reference)
            self._forget_empty(wanted)
            if self._settings.custom_forms == "comsfm":
                self._set_up(wanted, effect, "Add" if is_new else "Update")
            else:
                self._post(wanted, effect, "A" if is_new else "U")
        return Receipt(_key(wanted), {"value": wanted.value})

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare the value."""
        wanted, theirs = command_of(SetCustomField, effect), str(found.facts["value"])
        return () if _holds(theirs, wanted) else (Difference(wanted.name, wanted.value, theirs),)

    def _set_up(self, wanted: SetCustomField, effect: Effect, verb: str) -> None:
        document = comsfm.build(wanted.form, wanted.key, wanted.name, wanted.value)
        body = self._asking.client.set_up(
            verb,
            "COMSFM",
            comsfm.parameters(),
            document,
            effect.reference,
        )
        verdict = self._asking.parsed_post(comsfm.parse, body, "COMSFM")
        if verb == "Add" and self._exists(verdict):
            self._set_up(wanted, effect, "Update")  # refused, so nothing happened: it has a row
            return
        self._asking.client.faults.demand_taken(verdict, "COMSFM", "")

    def _post(self, wanted: SetCustomField, effect: Effect, function: str) -> None:
        document = comtfm.build(wanted.form, wanted.key, wanted.name, wanted.value)
        body = self._asking.client.post(
            "COMTFM",
            comtfm.parameters(function),
            document,
            effect.reference,
        )
        verdict = self._asking.parsed_post(comtfm.parse, body, "COMTFM")
        if function == "A" and self._exists(verdict):
            self._post(wanted, effect, "U")
            return
        self._asking.client.faults.demand_taken(verdict, "COMTFM", "")

    def _was_empty(self, wanted: SetCustomField) -> bool:
        """Say whether this session has seen the field empty, or made what the form belongs to.

        Should it be filled meanwhile, the add is refused, and becomes an update.
        """
        keys = (_key(wanted), f"{wanted.form}/{wanted.key}")
        return any(self._asking.was_absent(FORM, key) for key in keys)

    def _forget_empty(self, wanted: SetCustomField) -> None:
        for key in (_key(wanted), f"{wanted.form}/{wanted.key}"):
            self._asking.forget_absent(FORM, key)

    def _exists(self, verdict: Verdict) -> bool:
        is_refused = verdict.answer is Answer.refused
        return is_refused and self._asking.client.faults.is_duplicate(verdict)

    def _value(self, wanted: SetCustomField, reference: str) -> str | None:
        """Read the field; ``None`` where the form has none of that name, or nothing for the key."""
        body = self._asking.client.query("COMQFM", comqfm.build(wanted.form, wanted.key), reference)
        values = self._asking.read(
            lambda raw: comqfm.parse(raw, wanted.form, wanted.key), body, "COMQFM"
        )
        return values.get(wanted.name.lower()) if isinstance(values, dict) else None


def _holds(value: str, wanted: SetCustomField) -> bool:
    """Say whether every reference that is wanted is there, in whatever order."""
    words = set(wanted.value.split())
    return value == wanted.value or (bool(words) and words <= set(value.split()))


def _key(wanted: SetCustomField) -> str:
    return f"{wanted.form}/{wanted.key}/{wanted.name}"
