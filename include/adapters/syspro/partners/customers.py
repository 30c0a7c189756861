"""Customers: ARSSCS add, read back from ArCustomer.

The key is ours, so a repeat is refused; that refusal means "look again", since somebody else may
have made the same customer.
"""

from include.adapters.syspro.documents import arsscs
from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.documents.schema import Note
from include.adapters.syspro.partners.common import (
    CUSTOMER,
    Asking,
    command_of,
    difference,
    key_conditions,
    text_difference,
    with_key,
)
from include.domain.erp_orders import AddCustomer, ErpAddress, same_key
from include.services.effects.ports import Difference, Effect, Found, Receipt

_SOLD = ("SoldToAddr1", "SoldToAddr2", "SoldToAddr3", "SoldToAddr4", "SoldToAddr5")
COLUMNS = ("Customer", "Name", "Currency", *_SOLD, "SoldPostalCode")


class CustomerPartner:
    """Satisfies ``effects.ports.Partner`` for ``customer``."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return the customer of this key, whoever made it.

        Where this very session has just read that it is absent, and nothing was sent, that answer
        stands: SYSPRO refuses a second one anyhow.
        """
        customer = command_of(AddCustomer, effect)
        if effect.sent_at is None and self._asking.was_absent(CUSTOMER, customer.customer):
            return ()
        keys = key_conditions("Customer", customer.customer, self._settings.key_width)
        with self._asking.client.session():
            rows = self._asking.find(Find("ArCustomer", (), COLUMNS, any_of=keys), effect.reference)
            found = with_key(rows, "customer", customer.customer)
            return tuple(
                Found(
                    customer.customer,
                    {
                        "customer": customer.customer,
                        "name": row.get("name", ""),
                        "currency": self._settings.iso_currency(
                            row.get("currency", ""), f"ArCustomer {customer.customer}"
                        ),
                        "address": [row.get(column.lower(), "") for column in _SOLD],
                        "postal_code": row.get("soldpostalcode", ""),
                    },
                )
                for row in found
            )

    def send(self, effect: Effect) -> Receipt:
        """Add once; see the port for the errors."""
        customer, client = command_of(AddCustomer, effect), self._asking.client
        document = self.document(customer)
        with client.session(self._settings.write_deadline_s):
            self._asking.forget_absent(CUSTOMER, customer.customer)
            body = client.set_up(
                "Add",
                "ARSSCS",
                arsscs.parameters(),
                document,
                effect.reference,
            )
        added = self._asking.parsed_post(arsscs.parse, body, "ARSSCS")
        client.faults.demand_taken(added.verdict, "ARSSCS", "")
        if not same_key(customer.customer, added.customer):
            raise client.faults.unknown(
                f"the answer is about customer {added.customer!r}", "ARSSCS"
            )
        return Receipt(customer.customer, {"customer": customer.customer})

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare name, currency and address."""
        customer, facts = command_of(AddCustomer, effect), found.facts
        theirs = facts["address"] if isinstance(facts["address"], list) else []
        differences = [
            *text_difference("name", Note(50).write(customer.name, "Name"), str(facts["name"])),
            *difference("currency", customer.currency, facts["currency"]),
            *text_difference(
                "postal code",
                Note(10).write(customer.sold_to.postal_code, "SoldPostalCode"),
                str(facts["postal_code"]),
            ),
        ]
        for number, (ours, line) in enumerate(zip(customer.sold_to.lines, theirs, strict=True), 1):
            sent = Note(40).write(ours, f"SoldToAddr{number}")
            differences += text_difference(f"address line {number}", sent, line)
        return tuple(differences)

    def document(self, customer: AddCustomer) -> str:
        """Return ARSSCS's XmlIn."""
        item: dict[str, object] = {
            "Key": {"Customer": customer.customer},
            "Name": customer.name,
            "ShortName": customer.short_name or None,
            "CreditLimit": customer.credit_limit or None,
            "Salesperson": customer.salesperson or None,
            "CustomerClass": customer.customer_class or None,
            "Branch": customer.branch,
            "TermsCode": customer.terms_code,
            "Area": customer.area or None,
            "TaxStatus": customer.tax_status or None,
            "Telephone": customer.phone or None,
            "Currency": self._settings.syspro_currency(customer.currency) or None,
            "UserField1": customer.user_field or None,
            "CustomerOnHold": "N",
            "Email": customer.email or None,
            **_address("SoldTo", "Sold", customer.sold_to),
            **_address("ShipTo", "Ship", customer.ship_to),
        }
        return arsscs.CUSTOMER.build({"Item": item})


def _address(prefix: str, short: str, address: ErpAddress) -> dict[str, object]:
    lines = {f"{prefix}Addr{n}": line or None for n, line in enumerate(address.lines, 1)}
    return {**lines, f"{short}PostalCode": address.postal_code or None}
