"""What transaction search says of a live request: its applications, and how each stands now.

A row shows what recorded rows show, a detail what the vendor's model names: neither has the
merchant transaction id, by which both may be found all the same (reference, 2.4 and 2.5), but the
detail has the comments.
"""

from dataclasses import replace
from typing import Any

from include.sandbox.cybersource.payments.answers import RISKS, rules_of
from include.sandbox.cybersource.payments.book import Entry
from include.sandbox.cybersource.payments.outcomes import OUTCOMES
from include.sandbox.cybersource.payments.proofs import FAILED
from include.sandbox.cybersource.settings import Settings
from include.sandbox.world.dates import utc_text
from include.sandbox.world.facts import decimal_text

Body = dict[str, Any]

_CODES = {(o.reason, o.status): o.code for o in OUTCOMES.values() if o.reason}
_OWN = {  # the application of each kind but authorization, and its return code
    "increment": ("ics_auth", 1010000),
    "capture": ("ics_bill", 1260000),
    "refund": ("ics_credit", 1010000),
    "credit": ("ics_credit", 1010000),
    "reversal": ("ics_auth_reversal", 1010000),
    "void": ("ics_void", 1010000),
}
_FLAGS = {
    "200": "DAVSNO",
    "201": "DCALL",
    "202": "DCARDEXPIRED",
    "209": "DCV",
    "230": "DCV",
    "475": "DAUTHENTICATE",
    "476": "DAUTHENTICATIONFAILED",
    "480": "DREVIEW",
    "481": "DREJECT",
}
_DECISIONS = {  # reason code, rCode, rFlag, return code
    "ACCEPT": ("100", "1", "SOK", 1320000),
    "REVIEW": ("480", "0", "DREVIEW", 1322001),
    "REJECT": ("481", "0", "DREJECT", 1322002),
}
_SUCCESS = "Request was processed successfully."


def summary(entry: Entry, settings: Settings) -> Body:
    """Return an item of a search's answer."""
    body = _facts(entry, settings)
    body["orderInformation"]["amountDetails"].pop("authorizedAmount", None)
    body["applicationInformation"].pop("status", None)
    body["submitTimeUtc"] = utc_text(entry.at)
    href = f"/tss/v2/transactions/{entry.request_id}"
    body["_links"] = {"transactionDetail": {"href": href, "method": "GET"}}
    return body


def detail(entry: Entry, settings: Settings) -> Body:
    """Return the answer about one request, with links to what belongs to it."""
    body = _facts(entry, settings)
    body["submitTimeUTC"] = utc_text(entry.at)  # spelt so here, submitTimeUtc elsewhere
    body["rootId"] = entry.root_id
    body["reconciliationId"] = entry.processor_reference
    if entry.comments and settings.tss_shows_comments:
        body["clientReferenceInformation"]["comments"] = entry.comments
    root = entry.root or entry
    related = [e for e in (root, *root.follow_ons) if e is not entry]
    body["_links"] = {
        "self": {"href": f"/tss/v2/transactions/{entry.request_id}", "method": "GET"},
        "relatedTransactions": [
            {"href": f"/tss/v2/transactions/{e.request_id}", "method": "GET"} for e in related
        ],
    }
    return body


def _facts(entry: Entry, settings: Settings) -> Body:
    if entry.as_answered and not settings.tss_follows_review:
        told, reason, decision = entry.as_answered  # a reviewer's word stands elsewhere
        entry = replace(entry, status=told, reason=reason, decision=decision)
    amounts = {
        "totalAmount": decimal_text(entry.amount_minor, entry.currency),
        "currency": entry.currency,
    }
    if entry.kind == "authorization" and entry.authorized_minor:
        amounts["authorizedAmount"] = decimal_text(entry.authorized_minor, entry.currency)
    reference = {"code": entry.code}
    if settings.tss_shows_mti:
        reference["transactionId"] = entry.transaction_id
    payment: Body = {
        "paymentType": {"type": "credit card"},
        "card": {"type": entry.card.code, "suffix": entry.card.suffix},
    }
    payment |= {kind: {"id": token} for kind, token in entry.tokens.items()}
    error = {"reason": entry.reason} if entry.reason else {}
    return {
        "id": entry.request_id,
        "merchantId": entry.merchant,
        "applicationInformation": {}
        if settings.tss_says == "no_applications"
        else _applications(entry),
        "clientReferenceInformation": {k: v for k, v in reference.items() if v},
        "orderInformation": {"amountDetails": amounts, "billTo": dict(entry.bill_to)},
        "paymentInformation": payment,
        "processingInformation": {"commerceIndicatorLabel": entry.indicator}
        if entry.indicator
        else {},
        "processorInformation": {
            "processor": {"name": "sandboxacquirer"},
            **(_of_bank(entry) if entry.authorized_minor else {}),
        },
        "riskInformation": _risk(entry) if entry.decision else {},
        "errorInformation": error,
    }


def _risk(entry: Entry) -> Body:
    """Return what Decision Manager found; here the score is a number, in an answer it is a text."""
    score, factors, _ = RISKS[entry.decision]
    return {
        "profile": {"name": "Default", "decision": entry.decision},
        "rules": rules_of(entry),
        "score": {"result": int(score), "factorCodes": factors},
    }


def _of_bank(entry: Entry) -> Body:
    return {"approvalCode": "831000", "transactionId": entry.network_id}


def status(entry: Entry) -> str:
    """Return how a request stands now."""
    if entry.is_voided:
        return "VOIDED"
    if entry.billed_minor:
        return "TRANSMITTED" if entry.is_settled else "PENDING"
    if entry.authorized_minor and entry.reversed_minor >= entry.authorized_minor:
        return "REVERSED"
    return entry.status


def _applications(entry: Entry) -> Body:
    found = _of_authorization(entry) if entry.kind in ("authorization", "decision") else []
    if entry.kind in _OWN:
        name, return_code = _OWN[entry.kind]
        name = entry.application or name
        found = [_one(entry, name, status(entry), _code(entry), return_code)]
    worst = next((a for a in found if a["rCode"] != "1"), found[0])
    return {
        "status": status(entry),
        "reasonCode": worst["reasonCode"],
        "rCode": worst["rCode"],
        "rFlag": worst["rFlag"],
        "applications": found,
    }


def _of_authorization(entry: Entry) -> list[Body]:
    """Return Decision Manager's word, the issuer's, and that of a sale's capture."""
    found = []
    if entry.decision:
        code, r_code, flag, return_code = _DECISIONS[entry.decision]
        application = _one(entry, "ics_decision", "", code, return_code)
        application |= {"rCode": r_code, "rFlag": flag}
        application["rMessage"] = f"Decision is {entry.decision}."
        application["status"] = {"ACCEPT": "ACCEPTED", "REJECT": "REJECTED"}.get(
            entry.decision, "PENDING_REVIEW"
        )
        found.append(application)
    is_asked = entry.kind == "authorization" and (
        entry.status != "PENDING_REVIEW" and not _was_stopped(entry)
    )
    if is_asked:
        if entry.status == "PENDING_AUTHENTICATION":  # the payer was asked, the issuer was not
            return [*found, _one(entry, "ics_pa_enroll", entry.status, "475", 1050000)]
        if entry.is_payer_validated:
            is_refused = entry.reason == FAILED.reason
            code = FAILED.code if is_refused else "100"
            found.append(_one(entry, "ics_pa_validate", entry.status, code, 1050000))
            if is_refused:  # the issuer was not asked
                return found
        is_gone = entry.authorized_minor and entry.reversed_minor >= entry.authorized_minor
        held = "REVERSED" if is_gone else "AUTHORIZED"
        code = _code(entry)
        is_held = entry.authorized_minor or code == "100"
        if is_held and code in ("480", "481"):
            code = "100"  # the issuer approved; it is Decision Manager that did not
        found.append(_one(entry, "ics_auth", held if is_held else entry.status, code, 1010000))
    if entry.is_auto_reversed:
        found.append(_one(entry, "ics_auto_full_auth_reversal", "REVERSED", "100", 1010000))
    if entry.is_sale:
        found.append(_one(entry, "ics_bill", status(entry), "100", 1260000))
    return found


def _was_stopped(entry: Entry) -> bool:
    """Say whether Decision Manager rejected before the issuer was asked."""
    return entry.status == "DECLINED" and entry.reason == "DECISION_PROFILE_REJECT"


def _code(entry: Entry) -> str:
    if entry.status == "PARTIAL_AUTHORIZED":
        return "110"
    if not entry.reason:
        return "100"
    return _CODES.get((entry.reason, entry.status), "100")


def _one(entry: Entry, name: str, state: str, code: str, return_code: int) -> Body:
    is_done = code in ("100", "110")
    return {
        "name": name,
        "status": state,
        "reasonCode": code,
        "rCode": "1" if is_done else "0",
        "rFlag": ("SOK" if code == "100" else "SPARTIALAPPROVAL")
        if is_done
        else _FLAGS.get(code, "DCARDREFUSED"),
        "reconciliationId": entry.processor_reference,
        "rMessage": _SUCCESS if is_done else f"The request was declined ({entry.reason}).",
        "returnCode": return_code,
    }
