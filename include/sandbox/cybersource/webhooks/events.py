"""Which event a happening is, in both generations of names.

Source: the vendor's webhooks guide of 2026, and products answers seen in public repositories for
the older names. What stands inside a payload is not published, but for network tokens; here it
points to the transaction, as any reader has to fetch the facts anyway.
"""

from typing import Any

from include.sandbox.cybersource.payments.book import Entry

_CASES = (
    "risk.casemanagement.decision.accept",
    "risk.casemanagement.decision.reject",
    "risk.profile.decision.reject",
)
_TOKENS = ("tms.networktoken.updated", "tms.networktoken.provisioned", "tms.networktoken.binding")
_PAYMENTS = (
    *(f"payments.authorization.status.{w}" for w in ("accepted", "reviewed", "rejected")),
    "payments.authorization.status.partiallyApproved",
    *(
        f"payments.{n}.status.{w}"
        for n in ("capture", "refund", "credit")
        for w in ("accepted", "updated")
    ),
    *(f"payments.{n}.status.{w}" for n in ("void", "reversal") for w in ("accepted", "rejected")),
)
PRODUCTS = {
    "2026": {
        "decisionManager": (*_CASES, "risk.casemanagement.addnote"),
        "fraudManagementEssentials": (
            *_CASES,
            "risk.casemanagement.addnote",
            "risk.profile.decision.monitor",
            "risk.profile.decision.review",
        ),
        "tokenManagement": _TOKENS,
        "payments": _PAYMENTS,
    },
    "older": {
        "cardProcessing": (
            *(f"payments.payments.{w}" for w in ("accept", "review", "reject", "partial.approval")),
            *(f"payments.captures.{w}" for w in ("accept", "review", "reject")),
            *(f"payments.refunds.{w}" for w in ("accept", "reject", "partial.approval")),
            *(
                f"payments.{n}.{w}"
                for n in ("credits", "voids", "reversals")
                for w in ("accept", "reject")
            ),
        ),
        "decisionManager": _CASES,
        "tokenManagement": (
            "tms.networktoken.updated",
            "tms.token.created",
            "tms.token.updated",
            "tms.token.pan_updated",
        ),
    },
}
ENCRYPTED = frozenset({"payments"})  # a subscriber needs a certificate: message-level encryption
_STATUS_WORDS = {  # of a payment: 2026, older
    "AUTHORIZED": ("accepted", "accept"),
    "PARTIAL_AUTHORIZED": ("partiallyApproved", "partial.approval"),
    "AUTHORIZED_PENDING_REVIEW": ("reviewed", "review"),
    "PENDING_REVIEW": ("reviewed", "review"),
}
TOKEN_EVENTS = frozenset((*_TOKENS, *PRODUCTS["older"]["tokenManagement"]))


def names_of(happening: str, entry: Entry, generation: str) -> list[str]:
    """Return the event types that a happening has in a generation of names."""
    is_older = generation == "older"
    if happening in ("decision", "note"):
        word = f"payments.payments.{entry.decision.lower()}"
        is_told_twice = is_older and happening == "decision"
        return [_of_case(happening, entry), *([word] if is_told_twice else [])]
    if happening == "payment":
        return _of_payment(entry, is_older)
    if is_older:
        return [] if happening == "updated" else [f"payments.{happening}s.{_accepted(entry)[1]}"]
    if happening == "updated":
        noun = "capture" if entry.kind == "authorization" else entry.kind
        return [f"payments.{noun}.status.updated"]
    return [f"payments.{happening}.status.{_accepted(entry)[0]}"]


def _of_case(happening: str, entry: Entry) -> str:
    if happening == "note":
        return "risk.casemanagement.addnote"
    return f"risk.casemanagement.decision.{entry.decision.lower()}"


def _of_payment(entry: Entry, is_older: bool) -> list[str]:
    words = _STATUS_WORDS.get(entry.status, ("rejected", "reject"))
    found = [
        f"payments.payments.{words[1]}" if is_older else f"payments.authorization.status.{words[0]}"
    ]
    if entry.kind == "decision":
        found = []
    if entry.decision == "REVIEW":
        found.append("risk.profile.decision.review")
    elif entry.decision == "REJECT":
        found.append("risk.profile.decision.reject")
    return found


def _accepted(entry: Entry) -> tuple[str, str]:
    return ("rejected", "reject") if entry.status == "DECLINED" else ("accepted", "accept")


def payload_of(event_type: str, entry: Entry) -> dict[str, Any]:
    """Return what an event says of a request: mostly where to ask."""
    is_risk = event_type.startswith("risk.")
    data: dict[str, Any] = {
        "_links": {"transaction": {"href": f"/tss/v2/transactions/{entry.request_id}"}},
        "id": entry.request_id,
        "type": "caseManagementDecision" if is_risk else "transaction",
        "version": "1.0",
        "status": entry.status,
        "clientReferenceInformation": {"code": entry.code},
    }
    if entry.decision:
        data["decision"] = entry.decision
    return {"data": data, "organizationId": entry.merchant}


def token_payload(merchant: str, data_id: str, links: dict[str, list[str]]) -> dict[str, Any]:
    """Return the payload of a network token's update, in the recorded shape."""
    return {
        "data": {
            "_links": {name: [{"href": href} for href in hrefs] for name, hrefs in links.items()},
            "id": data_id,
            "type": "tokenizedCardUpdates",
            "version": "1.0",
        },
        "organizationId": merchant,
    }
