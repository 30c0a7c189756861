"""Receivers: read the raw bytes, check the signature, store, acknowledge; nothing else.

A repeat is acknowledged and does nothing: UNIQUE (source, event key). What is refused leaves no
row, only a count. Source: reliability reference, sections 0 (F6 to F8), 2.2 (I, B) and 3.8.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request
from fastapi import Path as PathParameter
from fastapi.responses import Response

from include.domain.errors import Retryable
from include.services.inbox.ports import Incoming, Refusal, Verdict, WebhookAccount
from tieout.api.addresses import sender_of
from tieout.api.auth import Open
from tieout.api.json_body import CLOSE, parse, read_bytes
from tieout.api.problems import Problem
from tieout.api.reading import ApiNow, refuse_cards
from tieout.api.replies import reply
from tieout.api.runtime import Api

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
Signed = Depends(Open("the sender's signature", is_signed=True))
Account = Annotated[str, PathParameter(max_length=64)]
_ACCOUNT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"[ -~]{1,300}")
_SIGNED_BY = ("v-c-", "x-wc-", "webhook-")
_JUDGED_AT_ONCE = 16_000  # bytes
_HELLO = re.compile(rb"webhook_id=[0-9]{1,20}")  # WooCommerce's, unsigned, when one is made
_LONGEST_HELLO = 40  # bytes
_UNSIGNED = Refusal("no signature header")


@router.get("/health", dependencies=[Depends(Open("says nothing"))])
@router.post("/health", dependencies=[Depends(Open("says nothing"))], name="health_by_post")
async def health() -> Response:
    """Answer the vendor's health check, which calls with GET and with POST."""
    return reply({"status": "ok"})


@router.post("/cybersource/{merchant_id}", dependencies=[Signed])
async def cybersource(request: Request, merchant_id: Account, api: ApiNow) -> Response:
    """Take an event of Cybersource."""
    return await _receive(request, api, "cybersource", merchant_id)


@router.post("/woocommerce/{shop_id}", dependencies=[Signed])
async def woocommerce(request: Request, shop_id: Account, api: ApiNow) -> Response:
    """Take an event of a WooCommerce shop."""
    return await _receive(request, api, "woocommerce", shop_id)


@router.post("/generic/{shop_id}", dependencies=[Signed])
async def generic(request: Request, shop_id: Account, api: ApiNow) -> Response:
    """Take an event of a plain JSON shop."""
    return await _receive(request, api, "generic", shop_id)


async def _receive(request: Request, api: Api, kind: str, name: str) -> Response:
    known = await api.receivers.find(kind, name) if _ACCOUNT.fullmatch(name) else None
    if known is None:
        raise Problem("not-found", "no such receiver", "Check the address in the subscription.")
    if not request.headers.get(known.signed_by, "").strip():
        if kind == "woocommerce" and await _is_hello(request, api):
            return reply({"status": "hello"})
        raise _refused(request, api, known, _UNSIGNED, CLOSE)  # nothing of it is read
    raw = await read_bytes(request, api.settings.max_body_bytes, api.settings.body_s)
    verdict = await _judge(request, api, known, raw)
    plain = _parse(request, api, known, raw)
    await refuse_cards(request, plain, len(raw), known.source, "the webhook's body")
    named = {"delivery's name": verdict.event_key}  # it may stand in a header, and is kept too
    await refuse_cards(request, named, len(verdict.event_key), known.source, "the webhook")
    event = Incoming(known.source, verdict.event_key, verdict.event_type, raw)
    try:
        await api.writer.store(event)
    except Retryable as fault:
        raise Problem("unavailable", fault.what, fault.do, headers={"Retry-After": "10"}) from None
    return reply({"status": "stored"})


async def _judge(request: Request, api: Api, known: WebhookAccount, raw: bytes) -> Verdict:
    """Return what the verifier says of a genuine event.

    Raises:
        Problem: it is not genuine, or not readable.
    """
    verdict: Verdict | Refusal
    names = [name for name, _ in request.headers.items()]
    ours = [n for n in names if n.startswith(_SIGNED_BY) or n in known.headers]
    if any(names.count(name) > 1 for name in ours):
        verdict = Refusal("a header of the signature comes twice", is_malformed=True)
    else:
        verdict = await _verify(known, raw, dict(request.headers), api.parts.now())
    if isinstance(verdict, Verdict):
        if _NAME.fullmatch(verdict.event_key) and _NAME.fullmatch(verdict.event_type):
            return verdict
        verdict = Refusal("bad_event_name", is_malformed=True)
    if verdict.holds_card_number:
        tell = api.tally.card_number
        await run_sync(tell, known.source, verdict.reason, sender_of(request))
        raise Problem("card-number-refused", f"the event is refused: {verdict.reason}")
    raise _refused(request, api, known, verdict)


def _refused(
    request: Request,
    api: Api,
    known: WebhookAccount,
    why: Refusal,
    headers: Mapping[str, str] | None = None,
) -> Problem:
    api.tally.bad_signature(known.source, why.reason, sender_of(request))
    code = "malformed" if why.is_malformed else "bad-signature"
    return Problem(code, f"the event is refused: {why.reason}", headers=headers)


async def _is_hello(request: Request, api: Api) -> bool:
    """Say whether an unsigned body is the few bytes that WooCommerce sends of a new webhook."""
    try:
        raw = await read_bytes(request, _LONGEST_HELLO, api.settings.body_s)
    except Problem:
        return False
    return _HELLO.fullmatch(raw) is not None


async def _verify(
    known: WebhookAccount, raw: bytes, headers: dict[str, str], now: datetime
) -> Verdict | Refusal:
    """A large event is judged in a thread: it would hold up everybody else's."""
    if len(raw) > _JUDGED_AT_ONCE:
        return await run_sync(known.verify, raw, headers, now)
    return known.verify(raw, headers, now)


def _parse(request: Request, api: Api, known: WebhookAccount, raw: bytes) -> object:
    """Signed and still ambiguous (two members of one name, half a character): refused as well."""
    try:
        return parse(raw, may_control=True)
    except Problem:
        api.tally.bad_signature(known.source, "malformed_json", sender_of(request))
        raise
