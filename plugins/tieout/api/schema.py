"""What may be sent. Strict: no unknown member, no number where text is meant, no card data.

Amounts and quantities are decimal text: a JSON number may have been a float on its way here.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from include.domain.orders import STOCK_CODE

MAX_LINES = 500

Amount = Annotated[
    str,
    Field(
        pattern=r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$",
        description='Decimal text with at most the currency\'s digits, e.g. "102.21".',
        examples=["102.21"],
    ),
]
Positive = Annotated[
    str,
    Field(
        pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$",
        description="Decimal text above zero, in the order's currency.",
        examples=["50.00"],
    ),
]
Quantity = Annotated[
    str,
    Field(
        pattern=r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?$",
        description="Decimal text above zero, at most six decimals.",
        examples=["1"],
    ),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["USD"])]


def _text(most: int, least: int = 1) -> object:
    return Field(min_length=least, max_length=most)


class Strict(BaseModel):
    """Takes exactly what is declared."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AddressIn(Strict):
    """Where somebody lives, in the parts of the national format."""

    name: Annotated[str, _text(100)]
    lines: Annotated[list[Annotated[str, _text(100)]], Field(min_length=1, max_length=4)]
    city: Annotated[str, _text(100)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2.")]
    postal_code: Annotated[str, _text(20, 0)] = ""
    region: Annotated[str, _text(100, 0)] = ""
    company: Annotated[str, _text(100, 0)] = ""


class ShopperIn(Strict):
    """Who buys."""

    name: Annotated[str, _text(100)]
    # As a shop's (``Fields.mail``): SYSPRO's field parts addresses by comma and semicolon.
    email: Annotated[str, Field(pattern=r"^[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,189}$")]
    bill_to: AddressIn
    ship_to: AddressIn | None = Field(None, description="As bill_to where it is missing.")
    reference: Annotated[str, Field(max_length=50, description="The shop's customer id.")] = ""
    phone: Annotated[str, _text(40, 0)] = ""


class LineIn(Strict):
    """One line; net and tax are for the whole line."""

    number: Annotated[int, Field(ge=1, le=9999)] | None = Field(
        None, description="Of the line; its place in the list where it is missing."
    )
    kind: Literal["goods", "freight", "discount", "fee"] = "goods"
    description: Annotated[str, _text(200)]
    quantity: Quantity = "1"
    net: Amount
    tax: Amount = "0"
    stock_code: Annotated[str, Field(pattern=rf"^({STOCK_CODE})?$")] = ""
    unit: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,10}$")] = "EA"
    parent: Annotated[int, Field(ge=0, le=9999, description="The kit's line number.")] = 0


Indicator = Literal[
    "aesk", "aesk_attempted", "dipb", "dipb_attempted", "internet", "js", "js_attempted",
    "js_failure", "pb", "pb_attempted", "spa", "spa_failure", "vbv", "vbv_attempted", "vbv_failure",
]  # fmt: skip


class AuthenticationIn(Strict):
    """That the shopper proved whose card it is (3-D Secure), as your checkout learned it.

    After a challenge the `transaction_id` alone: the gateway validates it as it authorises. Without
    one, what the enrolment answered, the `commerce_indicator` and its members, as they came.
    """

    transaction_id: Annotated[
        str,
        Field(
            pattern=r"^([0-9A-Za-z-]{16,36})?$",
            description="The gateway's `authenticationTransactionId`.",
        ),
    ] = ""
    commerce_indicator: Indicator | Literal[""] = Field(
        "", description="The gateway's `indicator`, or `ecommerceIndicator` of a card not enrolled."
    )
    cavv: Annotated[str, Field(pattern=r"^[0-9A-Za-z+/=]{0,40}$")] = ""
    ucaf_authentication_data: Annotated[str, Field(pattern=r"^[0-9A-Za-z+/=]{0,32}$")] = ""
    ucaf_collection_indicator: Annotated[str, Field(pattern=r"^[0-7]?$")] = ""
    xid: Annotated[str, Field(pattern=r"^[0-9A-Za-z+/=-]{0,40}$")] = ""
    directory_server_transaction_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{0,36}$")] = ""
    specification_version: Annotated[str, Field(pattern=r"^([0-9](\.[0-9]){0,2})?$")] = ""
    eci_raw: Annotated[str, Field(pattern=r"^([0-9]{2})?$")] = ""
    pares_status: Annotated[str, Field(pattern=r"^[A-Z]?$")] = ""
    veres_enrolled: Annotated[str, Field(pattern=r"^[A-Z]?$")] = ""
    cavv_algorithm: Annotated[str, Field(pattern=r"^[0-9]?$")] = ""


class PaymentIn(Strict):
    """What stands for the card. There is no member for a card number, and there will be none."""

    method: Literal["transient_token", "stored_token", "authorized", "none"] = Field(
        description="`none` is for an order of 0 alone, and the only one for it: no other member."
    )
    transient_token: Annotated[
        str,
        Field(
            pattern=r"^([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+|[0-9A-Za-z_-]{16,80})?$",
            max_length=8000,
            description="Flex: the whole token, or its jti.",
        ),
    ] = ""
    customer_token: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{32})?$")] = ""
    instrument_token: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{32})?$")] = ""
    request_id: Annotated[
        str, Field(pattern=r"^([0-9]{20,26})?$", description="Of the shop's own authorisation.")
    ] = ""
    keep: bool = Field(
        False,
        description="The shopper wants the card kept as a token: see `payment.kept` of the answer.",
    )
    authentication: AuthenticationIn | None = Field(
        None, description="Where the shopper proved who pays: with a token, stored or not."
    )
    ip_address: Annotated[
        str,
        Field(
            pattern=r"^[0-9A-Fa-f:.]{0,45}$",
            description="Where the shopper pays from, for the fraud check.",
        ),
    ] = ""
    device_session: Annotated[
        str,
        Field(
            pattern=r"^[0-9A-Za-z_-]{0,88}$",
            description="Of the page that profiled the shopper's device for Decision Manager (its "
            "`fingerprintSessionId`), new for each page load; a UUID, say.",
        ),
    ] = ""


class PlaceOrder(Strict):
    """An order; its amount must be the sum of its lines, tax included."""

    number: Annotated[
        str,
        Field(
            pattern=r"^[0-9A-Za-z][0-9A-Za-z._/#-]{0,29}$",
            description="The shop's order number; with the shop's prefix at most 30 characters. "
            "Used once: an order that was declined is paid anew, under its number.",
        ),
    ]
    currency: Currency
    amount: Amount
    shopper: ShopperIn
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=MAX_LINES)]
    payment: PaymentIn
    note: Annotated[str, _text(2000, 0)] = ""


class PayOrder(Strict):
    """Another payment of an order whose payment was declined; the order stays as it was placed."""

    payment: PaymentIn


class CancelOrder(Strict):
    """Unwind an order: what was captured goes back, what is held is released."""

    reason: Annotated[str, _text(500)]


class CaptureOrder(Strict):
    """Capture part of an order, or all that is left."""

    amount: Positive | None = Field(None, description="All that is left where it is missing.")


class AskRefund(Strict):
    """Give (part of) what was captured back."""

    amount: Positive
    reason: Annotated[str, _text(500)]


class DecideOrder(Strict):
    """An analyst's decision of an order under review, or of two decisions against each other."""

    decision: Literal["accept", "reject"]
    comment: Annotated[str, _text(500, 0)] = ""


class ReplayLetters(Strict):
    """Dead letters to try again, one or many."""

    numbers: Annotated[
        list[Annotated[int, Field(ge=1, le=2**31 - 1)]], Field(min_length=1, max_length=100)
    ]


class ResolveLetter(Strict):
    """Close a dead letter that a person has dealt with."""

    reason: Annotated[str, _text(1000)]
