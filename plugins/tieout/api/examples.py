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
        "none": {
            "summary": "Free: a coupon of all that it costs, so nothing pays for it",
            "value": {
                "number": "1003",
                "currency": "USD",
                "amount": "0.00",
                "shopper": _SHOPPER,
                "lines": [
                    _WIDGET,
                    {"kind": "discount", "description": "Gift", "net": "-91.98", "tax": "-5.52"},
                ],
                "payment": {"method": "none"},
            },
        },
    },
    "PayOrder": {
        "other_card": {
            "summary": "Paid with a new Flex token after a decline",
            "value": {
                "payment": {
                    "method": "transient_token",
                    "transient_token": "1E4B2J9SMQXR7WZK3PT5UN8C6V0DGHAF",
                }
            },
        },
        "authenticated": {
            "summary": "The same card, once its holder has answered the bank (`authenticate`)",
            "value": {
                "payment": {
                    "method": "transient_token",
                    "transient_token": "1E3GQY1RNKBG6IBD2EP93C43PIZ2NQ6S",
                    "authentication": {"transaction_id": "4Q0DcXvR7tYbNf2LsJm9"},
                    "ip_address": "192.0.2.10",
                    "device_session": "5bce2a7d-90f1-4f9d-8b6e-0c4d1f2a3b4c",
                }
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

_ABOUT = {"order_id": "ord_327cd2b3296cf960300d0ba0c5", "number": "1001"}


def _event(name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": name,
        "timestamp": "2026-11-03T12:00:00+00:00",
        "shop": "acme_us_web",
        "data": {**_ABOUT, **data},
    }


def _refund(state: str, amount: str, reason: str) -> dict[str, Any]:
    return _event(
        f"refund.{state}",
        {
            "refund_id": "ref_0a1b2c3d4e5f60718293a4b5c6",
            "state": state,
            "amount": amount,
            "currency": "USD",
            "origin": "api",
            "reason": reason,
        },
    )


EVENTS: dict[str, dict[str, Any]] = {
    "OrderEvent": {
        "declined": {
            "value": _event(
                "order.declined",
                {
                    "state": "declined",
                    "amount": "48.78",
                    "currency": "USD",
                    "captured": "0.00",
                    "refunded": "0.00",
                    "sales_order": "",
                    "invoice": "",
                    "reason": "",
                    "outcome": OUTCOME,
                },
            )
        }
    },
    "ShippedEvent": {
        "parcel": {
            "value": _event(
                "order.shipped",
                {
                    "sales_order": "815",
                    "note": "1044",
                    "carrier": "UPS",
                    "tracking": "1Z999AA10123456784",
                },
            )
        }
    },
    "RefundEvent": {
        "waiting": {
            "summary": "Above the limit: a second person approves or refuses it",
            "value": _refund("waiting", "620.00", "parcel was lost"),
        },
        "refused": {"value": _refund("refused", "620.00", "it was delivered on Monday")},
        "moved": {"value": _refund("moved", "9.95", "parcel came late")},
    },
}
