"""The bodies of payment answers, with the vendor's member names."""

from typing import Any

from include.sandbox.cybersource.payments.book import Entry
from include.sandbox.cybersource.payments.outcomes import Outcome
from include.sandbox.cybersource.payments.proofs import Proof, shown
from include.sandbox.server import Response
from include.sandbox.world.dates import utc_text
from include.sandbox.world.facts import decimal_text

Body = dict[str, Any]

_INVALID = "Declined - One or more fields in the request contains invalid data"
_MESSAGES = {
    "MISSING_FIELD": "Declined - The request is missing one or more fields",
    "INVALID_DATA": _INVALID,
    "DUPLICATE_REQUEST": "Declined - The merchant reference was used within the past 15 minutes.",
    "CARD_TYPE_NOT_ACCEPTED": "Declined - The card type is not accepted by the payment processor.",
    "INVALID_MERCHANT_CONFIGURATION": "Declined - There is a problem with your merchant account.",
    "INVALID_AMOUNT": "Declined - The amount does not fit the original transaction.",
    "INVALID_PAYMENT_ID": "Declined - The request ID is invalid.",
    "EXCEEDS_AUTH_AMOUNT": "The requested amount exceeds the originally authorized amount.",
    "AUTH_ALREADY_REVERSED": "The authorization has already been reversed.",
    "TRANSACTION_ALREADY_SETTLED": "The transaction has already been settled.",
    "TRANSACTION_ALREADY_REVERSED_OR_SETTLED": "The transaction is settled or reversed already.",
    "MISSING_AUTH": "There is no corresponding, unused authorization.",
    "CAPTURE_ALREADY_VOIDED": "The capture has already been voided.",
    "ACCOUNT_NOT_ALLOWED_CREDIT": "Your account does not allow stand-alone credits.",
    "NOT_VOIDABLE": "The capture or credit cannot be voided.",
}


def refusal(request_id: str, at: str, reason: str, fields: tuple[str, ...] = ()) -> Response:
    """Return 400: status, reason and details lie at the top."""
    body: Body = {
        "id": request_id,
        "submitTimeUtc": at,
        "status": "INVALID_REQUEST",
        "reason": reason,
        "message": _MESSAGES[reason],
    }
    if fields:
        word = reason if reason in ("MISSING_FIELD", "INVALID_DATA") else "INVALID_DATA"
        body["details"] = [{"field": field, "reason": word} for field in fields]
    return Response.of_json(body, 400, "application/hal+json")


def lost(at: str, outcome: Outcome) -> Response:
    """Return 502: whether anything was executed, the answer does not say; nor has it an id."""
    body = {
        "submitTimeUtc": at,
        "status": outcome.status,
        "reason": outcome.reason,
        "message": outcome.message,
    }
    return Response.of_json(body, 502, "application/hal+json")


def created(body: Body) -> Response:
    return Response.of_json(body, 201, "application/hal+json")


def payment(
    entry: Entry, outcome: Outcome, actions: Body, is_token_new: bool | None, proof: Proof
) -> Body:
    """Return the answer to an authorization or a sale."""
    body = _head(entry, "payments")
    body["reconciliationId"] = entry.processor_reference
    if outcome.reason:
        body["errorInformation"] = {"reason": outcome.reason, "message": outcome.message}
    if entry.authorized_minor or outcome.is_held:
        path = f"/pts/v2/payments/{entry.request_id}"
        follow_on = "void" if entry.billed_minor else "capture"
        links = body["_links"]
        links["authReversal"] = {"href": f"{path}/reversals", "method": "POST"}
        links[follow_on] = {"href": f"{path}/{follow_on}s", "method": "POST"}
        body["processorInformation"] = {
            "approvalCode": "831000",
            "transactionId": entry.network_id,
            "networkTransactionId": entry.network_id,
            "responseCode": "00",
            "avs": {"code": "N" if outcome.word == "avs_failed" else "Y"},
            "cardVerification": {"resultCode": "N" if outcome.word == "cv_failed" else "M"},
        }
        body["orderInformation"] = {
            "amountDetails": {
                "totalAmount": decimal_text(entry.amount_minor, entry.currency),
                "authorizedAmount": decimal_text(entry.authorized_minor, entry.currency),
                "currency": entry.currency,
            }
        }
    elif outcome.status == "DECLINED":
        body["processorInformation"] = {"responseCode": outcome.code}
    card = {"type": entry.card.code}
    body["paymentAccountInformation"] = {"card": card}
    body["paymentInformation"] = {"card": card, "tokenizedCard": card, **token_members(entry)}
    if outcome.status == "PENDING_AUTHENTICATION":
        body["consumerAuthenticationInformation"] = {
            "veresEnrolled": "Y",
            "challengeRequired": "Y",
            "authenticationTransactionId": f"A{entry.request_id[-19:]}",
        }
    if proof.is_validated:
        body["consumerAuthenticationInformation"] = shown(proof)
    if entry.decision:
        body["riskInformation"] = _risk(entry)
    if is_token_new is not None:
        body["tokenInformation"] = {
            "instrumentidentifierNew": is_token_new,
            **token_members(entry),
        }
    if actions:
        body["embeddedActions"] = actions
    return body


def token_members(entry: Entry) -> Body:
    """Return the ids of the tokens a payment used or made, each below its own member."""
    found: Body = {name: {"id": value} for name, value in entry.tokens.items()}
    if "instrumentIdentifier" in found:
        found["instrumentIdentifier"]["state"] = "ACTIVE"
    return found


# What Decision Manager finds, by its decision: score, factors and information codes.
RISKS: dict[str, tuple[str, list[str], dict[str, list[str]]]] = {
    "ACCEPT": ("12", [], {}),
    "REVIEW": ("61", ["G", "Q"], {"identityChange": ["MORPH-P"]}),
    "REJECT": ("92", ["F", "V"], {"customerList": ["NEG-EM"], "globalVelocity": ["VELV-EM"]}),
}


def rules_of(entry: Entry) -> list[Body]:
    """Return the profile's rules, each with what it says of a payment."""
    fired = entry.decision if entry.decision != "ACCEPT" else "IGNORE"
    return [
        {"name": "Ships to another country than the bill", "decision": "IGNORE"},
        {"name": "Score above the profile's limit", "decision": fired},
    ]


def _risk(entry: Entry) -> Body:
    score, factors, infos = RISKS[entry.decision]
    return {
        "profile": {"name": "Default", "desinationQueue": "Standard"},  # the vendor's spelling
        "rules": rules_of(entry),
        "infoCodes": infos,
        "score": {"result": score, "factorCodes": factors, "modelUsed": "default"},
        "casePriority": 3,
    }


def increment(entry: Entry, root: Entry) -> Body:
    body = _head(entry, "payments")
    body["orderInformation"] = {
        "amountDetails": {
            "authorizedAmount": decimal_text(entry.amount_minor, entry.currency),
            "totalAuthorizedAmount": decimal_text(root.authorized_minor, entry.currency),
            "currency": entry.currency,
        }
    }
    return body


def capture(entry: Entry, lines: str = "") -> Body:
    """Return the answer to a capture; ``lines``: whether its Level III data were passed on."""
    body = _head(entry, "captures")
    path = f"/pts/v2/captures/{entry.request_id}"
    body["_links"]["void"] = {"href": f"{path}/voids", "method": "POST"}
    body["_links"]["refund"] = {"href": f"{path}/refunds", "method": "POST"}
    body["reconciliationId"] = entry.processor_reference
    amount = decimal_text(entry.amount_minor, entry.currency)
    body["orderInformation"] = {
        "amountDetails": {"totalAmount": amount, "currency": entry.currency},
        **_transmission(lines),
    }
    return body


def _transmission(lines: str) -> Body:
    return {"invoiceDetails": {"level3TransmissionStatus": lines}} if lines else {}


def refund(entry: Entry, outcome: Outcome | None = None, lines: str = "") -> Body:
    """Return the answer to a refund or a stand-alone credit; ``lines`` as a capture's."""
    is_credit = entry.kind == "credit"
    noun, member, amount = (
        ("credits", "creditAmountDetails", "creditAmount")
        if is_credit
        else ("refunds", "refundAmountDetails", "refundAmount")
    )
    body = _head(entry, noun)
    href = f"/pts/v2/{noun}/{entry.request_id}/voids"
    body["reconciliationId"] = entry.processor_reference
    if outcome is not None and outcome.status == "DECLINED":
        body["errorInformation"] = {"reason": outcome.reason, "message": outcome.message}
        return body
    body["_links"]["void"] = {"href": href, "method": "POST"}
    body[member] = {
        amount: decimal_text(entry.amount_minor, entry.currency),
        "currency": entry.currency,
    }
    if lines:
        body["orderInformation"] = _transmission(lines)
    return body


def reversal(entry: Entry, root: Entry) -> Body:
    body = _head(entry, "reversals")
    body["reversalAmountDetails"] = {
        "reversedAmount": decimal_text(entry.amount_minor, entry.currency),
        "originalTransactionAmount": decimal_text(root.amount_minor, entry.currency),
        "currency": entry.currency,
    }
    body["authorizationInformation"] = {"approvalCode": "831000", "reasonCode": "100"}
    return body


def void(entry: Entry) -> Body:
    body = _head(entry, "voids")
    body["orderInformation"] = {"amountDetails": {"currency": entry.currency}}
    body["voidAmountDetails"] = {
        "voidAmount": decimal_text(entry.amount_minor, entry.currency),
        "currency": entry.currency,
    }
    return body


def _head(entry: Entry, noun: str) -> Body:
    reference = {"code": entry.code, "transactionId": entry.transaction_id}
    return {
        "_links": {"self": {"href": f"/pts/v2/{noun}/{entry.request_id}", "method": "GET"}},
        "id": entry.request_id,
        "submitTimeUtc": utc_text(entry.at),
        "status": entry.status,
        "clientReferenceInformation": {k: v for k, v in reference.items() if v},
    }


def amount(entry: Entry) -> str:
    """Return what a request put into a batch, as text."""
    return decimal_text(entry.billed_minor, entry.currency)


def decision(entry: Entry, outcome: Outcome) -> Body:
    """Return the answer to a decision without a payment."""
    body = _head(entry, "decisions")
    body["_links"]["self"]["href"] = f"/risk/v1/decisions/{entry.request_id}"
    if outcome.decision != "ACCEPT":
        body["errorInformation"] = {"reason": outcome.reason, "message": outcome.message}
    body["riskInformation"] = _risk(entry)
    return body
