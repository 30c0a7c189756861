"""Dependencies that read a request, after ``auth`` has said who sends it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from anyio.to_thread import run_sync
from fastapi import Depends, Header, Request
from pydantic import BaseModel, ValidationError

from include.domain.card_numbers import (
    CardNumberRefused,
    has_card_number,
    mask_card_numbers,
    refuse_card_numbers,
)
from tieout.api.addresses import sender_of
from tieout.api.json_body import parse, read_bytes, require_json
from tieout.api.problems import Problem
from tieout.api.runtime import Api

M = TypeVar("M", bound=BaseModel)
_KEY = re.compile(r"[!-~]{1,200}")
_SEARCHED_AT_ONCE = 4_000  # bytes; more would hold up everybody else's requests
_MOST_SEARCHED = 40_000  # characters of a body that is refused anyway,
_MOST_OF_ONE = 1_000  # and of one text in it


def api_of(request: Request) -> Api:
    found: Api = request.app.state.api
    return found


ApiNow = Annotated[Api, Depends(api_of)]


@dataclass(frozen=True, slots=True)
class Asked(Generic[M]):
    """A body: checked, and as it was sent."""

    content: M
    plain: Any


async def refuse_cards(request: Request, value: object, size: int, who: str, where: str) -> None:
    """Refuse card numbers, and alarm: somebody handles cards who must not.

    Args:
        request: its parts.
        value: what may not hold one.
        size: its bytes; a large one is searched in a thread, since it may take a while.
        who: sent it.
        where: it stood.

    Raises:
        Problem: there is one; nothing of it is kept, logged or echoed.
    """
    try:
        if size > _SEARCHED_AT_ONCE:
            await run_sync(refuse_card_numbers, value, where)
        else:
            refuse_card_numbers(value, where)
    except CardNumberRefused as fault:
        await run_sync(api_of(request).tally.card_number, who, fault.what, sender_of(request))
        raise Problem("card-number-refused", fault.what, fault.do) from None


def body_of(model: type[M]) -> Callable[[Request], Awaitable[Asked[M]]]:
    """Return the dependency that reads a body of this shape; ``model.__name__`` documents it."""

    async def read(request: Request) -> Asked[M]:
        settings = api_of(request).settings
        client = request.state.client  # no body is read before it is known who sends it
        require_json(request)
        raw = await read_bytes(request, settings.max_body_bytes, settings.body_s)
        plain, who = parse(raw), client.client_id
        try:
            content = model.model_validate(plain)
        except ValidationError as error:
            # Nothing of it is kept, so looking at its beginning is enough to raise the alarm.
            part, size = _beginning(plain)
            await refuse_cards(request, part, size, who, "the request body")
            raise _invalid(error) from None
        await refuse_cards(request, plain, len(raw), who, "the request body")
        return Asked(content, plain)

    read.model = model  # type: ignore[attr-defined] # the OpenAPI document asks for it
    return read


def _invalid(error: ValidationError) -> Problem:
    """Name fields and rules; what was sent is never echoed."""
    fields = [
        (field_of(one["loc"]), str(one["msg"])[:200])
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    field, text = fields[0]
    return Problem("invalid", f"{field}: {text}", fields=fields[:50])


def _beginning(body: Any) -> tuple[dict[str, str], int]:
    """Return the beginnings of a body's texts by their places, as much as a large order has."""
    found: dict[str, str] = {}
    size = 0
    waiting: list[tuple[str, Any]] = [("", body)]
    while waiting and size < _MOST_SEARCHED:
        place, one = waiting.pop()
        place = place[:_MOST_OF_ONE]  # it is copied for each of its parts
        if isinstance(one, dict):
            waiting += [(f"{place}.{name}".lstrip("."), inner) for name, inner in one.items()]
        elif isinstance(one, list):
            waiting += [(f"{place}[{number}]", inner) for number, inner in enumerate(one)]
        else:
            text = "" if one is None or isinstance(one, bool) else str(one)
            found[place] = text[:_MOST_OF_ONE]
            size += len(place) + min(len(text), _MOST_OF_ONE)
    return found, size


def field_of(loc: tuple[int | str, ...]) -> str:
    """Write a place as ``lines[0].net``."""
    text = ""
    for part in loc:
        name = part if isinstance(part, int) else mask_card_numbers(part[:200])[:60]
        text += f"[{name}]" if isinstance(part, int) else f".{name}"
    return text.lstrip(".") or "body"


async def idempotency_key(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="A name of your own for this request; repeat it only with this request.",
            examples=["order-1001-1"],
        ),
    ] = None,
) -> str:
    """Read the key: a structured-field string or bare text."""
    if len(set(request.headers.getlist("idempotency-key"))) > 1:
        raise _bad_key("there are two headers Idempotency-Key, and they differ")
    text = (idempotency_key or "").strip()
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    if not text:
        raise Problem("missing-idempotency-key", "the header Idempotency-Key is missing or empty")
    if _KEY.fullmatch(text) is None:
        raise _bad_key("Idempotency-Key is not 1 to 200 visible ASCII characters")
    if has_card_number(text):
        client = request.state.client
        where = "the header Idempotency-Key"
        tell = api_of(request).tally.card_number
        await run_sync(tell, client.client_id, where, sender_of(request))
        raise Problem("card-number-refused", f"{where} holds a card number")
    return text


def _bad_key(what: str) -> Problem:
    return Problem("malformed", what, "Send one key of letters and digits, a UUID for instance.")


IdempotencyKey = Annotated[str, Depends(idempotency_key)]
