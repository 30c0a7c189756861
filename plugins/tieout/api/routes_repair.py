"""What an operator does: dead letters of all flows, the audit chain. And whether we are well."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from include.domain.errors import IntegrationError, Rejected
from include.services.api.ports import ANY_SHOP, ApiClient
from include.services.effects.dead_letters import DeadLetter
from include.services.inbox.ports import DEAD_LETTER_KIND
from tieout.api.answers import letter_body
from tieout.api.auth import Open, Operator
from tieout.api.cursor import Cursor, not_ours, read_cursor
from tieout.api.problems import Problem
from tieout.api.reading import ApiNow, Asked, body_of
from tieout.api.replies import reply
from tieout.api.runtime import Api
from tieout.api.schema import ReplayLetters, ResolveLetter
from tieout.cursor import cursor_of

router = APIRouter(prefix="/v1", tags=["repair"])
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/dead-letters")
def list_dead_letters(
    client: Operator,
    api: ApiNow,
    state: Annotated[Literal["open", "resolved"], Query()] = "open",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Cursor = "",
) -> Response:
    """List what the engine could not finish, the oldest first; a shop's, of its own orders."""
    after = _after(cursor)
    found = api.parts.letters.listing(state, limit, shop_id=_shop(client), after=after)
    last = found[-1] if len(found) == limit else None
    following = cursor_of(last.opened_at, str(last.dead_letter_id)) if last else None
    return reply({"dead_letters": [letter_body(one) for one in found], "next": following})


def _after(cursor: str) -> tuple[datetime, int] | None:
    found = read_cursor(cursor)
    if found is None:
        return None
    at, number = found
    if not (number.isdigit() and len(number) < 10):
        raise not_ours()
    return at, int(number)


@router.get("/dead-letters/{number}")
def read_dead_letter(number: Number, client: Operator, api: ApiNow) -> Response:
    """Read one: what, why, whose, and what to do."""
    return reply(letter_body(_letter(api, client, number)))


@router.post("/dead-letters/replay")
def replay_dead_letters(
    client: Operator,
    asked: Annotated[Asked[ReplayLetters], Depends(body_of(ReplayLetters))],
    api: ApiNow,
) -> Response:
    """Try dead letters again, one by one; each is looked for first, so nothing is doubled."""
    done = [_replay(api, client, number) for number in asked.content.numbers]
    api.wake()
    return reply({"replayed": done})


@router.post("/dead-letters/{number}/resolve")
def resolve_dead_letter(
    number: Number,
    client: Operator,
    asked: Annotated[Asked[ResolveLetter], Depends(body_of(ResolveLetter))],
    api: ApiNow,
) -> Response:
    """Close one that a person has dealt with; the audit chain keeps who and how."""
    _letter(api, client, number)
    found = api.parts.letters.resolve(number, client.client_id, asked.content.reason, via="api")
    return reply(letter_body(found))


@router.get("/audit/verify")
def verify_audit(
    client: Operator,
    api: ApiNow,
    since: Annotated[str, Query(pattern="^([0-9a-f]{64})?$")] = "",
    limit: Annotated[int, Query(ge=2, le=20_000)] = 20_000,
) -> Response:
    """Recompute a stretch of the audit chain, from its beginning or the hash of an entry.

    While `has_more`, go on with `since` = `head`, which is counted again. The head noted outside
    the store is demanded at the end.
    """
    verdict = api.parts.verify_audit(since, limit)
    body = {
        "is_unbroken": verdict.is_unbroken,
        "entries": verdict.entries,
        "head": verdict.head,
        "broken_at": verdict.broken_at,
        "has_more": verdict.has_more,
    }
    return reply(body)


@router.get("/health", dependencies=[Depends(Open("says only whether the store answers"))])
def health(api: ApiNow) -> Response:
    """Say whether this replica can work."""
    api.parts.views.is_reachable()  # a fault of the database becomes a 503 where all faults do
    return reply({"status": "ok"})


def _replay(api: Api, client: ApiClient, number: int) -> dict[str, Any]:
    try:
        letter = _letter(api, client, number)
        if letter.kind == DEAD_LETTER_KIND:
            api.parts.inbox.retry(letter.key, client.client_id, via="api")
            state = "received"
        else:
            state = api.parts.replay(number, client.client_id)
    except Problem as absent:
        return _outcome(number, False, "absent", absent.detail, absent.do)
    except IntegrationError as fault:
        return _outcome(number, False, "unchanged", fault.what, fault.do)
    return _outcome(number, True, state, "", "")


def _outcome(number: int, is_done: bool, state: str, detail: str, do: str) -> dict[str, Any]:
    return {"number": number, "is_done": is_done, "state": state, "detail": detail, "do": do}


def _letter(api: Api, client: ApiClient, number: int) -> DeadLetter:
    absent = Problem("not-found", "there is no such dead letter", "List them.")
    try:
        return api.parts.letters.show(number, _shop(client))
    except Rejected:
        raise absent from None


def _shop(client: ApiClient) -> str:
    """An operator of the house sees all; a shop's sees those of its own orders."""
    return "" if client.shop_id == ANY_SHOP else client.shop_id
