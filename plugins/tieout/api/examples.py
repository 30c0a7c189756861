"""Examples of the OpenAPI document. Tests send each of them."""

from typing import Any

_HOME = {
    "name": "Ann Lee",
    "lines": ["1 Main St"],
    "city": "New York",
    "region": "NY",
    "postal_code": "10001",
    "country": "US",
}
_SHOPPER = {"name": "Ann Lee", "email": "ann@example.com", "bill_to": _HOME}
_WIDGET = {
    "description": "Widget, blue",
    "stock_code": "WIDGET-1",
    "quantity": "2",
    "net": "91.98",
    "tax": "5.52",
}

OUTCOME: dict[str, Any] = {
    "code": "card_expired",
    "message": "The card has expired. Please use another card.",
    "retry": "other_card",
    "money": "nothing",
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "PlaceOrder": {
        "transient_token": {
            "summary": "Paid with a Flex token, freight and a discount",
            "value": {
                "number": "1001",
                "currency": "USD",
                "amount": "102.21",
                "shopper": _SHOPPER,
                "lines": [
                    _WIDGET,
                    {"kind": "freight", "description": "Parcel", "net": "9.95", "tax": "0.00"},
                    {"kind": "discount", "description": "Welcome", "net": "-5.24", "tax": "0"},
                ],
                "payment": {
                    "method": "transient_token",
                    "transient_token": "1E3GQY1RNKBG6IBD2EP93C43PIZ2NQ6S",
                    "keep": True,
                },
            },
        },
        "authorized": {
            "summary": "Authorised by the shop itself",
            "value": {
                "number": "1002",
                "currency": "USD",
                "amount": "97.50",
                "shopper": _SHOPPER,
                "lines": [_WIDGET],
                "payment": {"method": "authorized", "request_id": "7000000000000000000001"},
            },
        },
    },
    "CancelOrder": {"plain": {"value": {"reason": "the shopper changed their mind"}}},
    "CaptureOrder": {
        "part": {"summary": "What was shipped", "value": {"amount": "50.00"}},
        "rest": {"summary": "All that is left", "value": {}},
    },
    "AskRefund": {"part": {"value": {"amount": "9.95", "reason": "parcel came late"}}},
    "DecideOrder": {"accept": {"value": {"decision": "accept", "comment": "known customer"}}},
    "ReplayLetters": {"two": {"value": {"numbers": [1, 2]}}},
    "ResolveLetter": {"plain": {"value": {"reason": "booked by hand, journal 2026/11/412"}}},
}
