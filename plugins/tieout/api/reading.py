"""Dependencies that read a request, after ``auth`` has said who sends it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from anyio.to_thread import run_sync
from fastapi import Depends, Header, Request
from pydantic import BaseModel, ValidationError

from include.domain.card_numbers import CardNumberRefused, has_card_number, refuse_card_numbers
from tieout.api.json_body import parse, read_bytes, require_json
from tieout.api.problems import Problem
from tieout.api.runtime import Api

M = TypeVar("M", bound=BaseModel)
_KEY = re.compile(r"[!-~]{1,200}")


def api_of(request: Request) -> Api:
    found: Api = request.app.state.api
    return found


ApiNow = Annotated[Api, Depends(api_of)]


@dataclass(frozen=True, slots=True)
class Asked(Generic[M]):
    """A body: checked, and as it was sent."""

    content: M
    plain: Any


async def refuse_cards(api: Api, value: object, who: str, where: str) -> None:
    """Refuse card numbers, and alarm: somebody handles cards who must not.

    Raises:
        Problem: there is one; nothing of it is kept, logged or echoed.
    """
    try:
        refuse_card_numbers(value, where)
    except CardNumberRefused as fault:
        await run_sync(api.tally.card_number, who, fault.what)
        raise Problem("card-number-refused", fault.what, fault.do) from None


def body_of(model: type[M]) -> Callable[[Request], Awaitable[Asked[M]]]:
    """Return the dependency that reads a body of this shape; ``model.__name__`` documents it."""

    async def read(request: Request) -> Asked[M]:
        api = api_of(request)
        client = request.state.client  # no body is read before it is known who sends it
        require_json(request)
        raw = await read_bytes(request, api.settings.max_body_bytes)
        plain = parse(raw)
        await refuse_cards(api, plain, client.client_id, "the request body")
        try:
            return Asked(model.model_validate(plain), plain)
        except ValidationError as error:
            raise _invalid(error) from None

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


def field_of(loc: tuple[int | str, ...]) -> str:
    """Write a place as ``lines[0].net``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part[:60]}"
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
    text = (idempotency_key or "").strip()
    if len(text) > 2 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    if not text:
        raise Problem("missing-idempotency-key", "the header Idempotency-Key is missing or empty")
    if _KEY.fullmatch(text) is None:
        raise Problem("malformed", "Idempotency-Key is not 1 to 200 visible ASCII characters")
    if has_card_number(text):
        client = request.state.client
        where = "the header Idempotency-Key"
        await run_sync(api_of(request).tally.card_number, client.client_id, where)
        raise Problem("card-number-refused", f"{where} holds a card number")
    return text


IdempotencyKey = Annotated[str, Depends(idempotency_key)]
