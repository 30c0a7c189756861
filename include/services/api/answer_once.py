"""The same answer for the same key: ``Idempotency-Key`` as the IETF draft has it.

Source: draft-ietf-httpapi-idempotency-key-header-07, sections 2.6 and 2.7. What is done under a
key is itself safe to repeat, so a turn whose process died is taken over after a while.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from include.domain.canonical import to_json
from include.domain.errors import Rejected, Retryable
from include.services.api.ports import Answer, Answers, Claim, Standing

STALE_AFTER = timedelta(minutes=2)  # longer than the slowest authorisation
KEPT_FOR = timedelta(days=180)


class KeyInProgress(Retryable):
    """The first request with this key is not finished."""


class KeyReused(Rejected):
    """The key belongs to a request with other content."""


def key_reused() -> KeyReused:
    """Say so; the work itself may know it, where the answer is no longer kept."""
    return KeyReused(
        "this key was used for a request with other content",
        "Idempotency-Key",
        "Use a new key for a new request; repeat the old one unchanged.",
    )


def fingerprint_of(method: str, path: str, body: object) -> str:
    """Name a request by what it asks; members in another order are the same request."""
    return hashlib.sha256(f"{method} {path}\n{to_json(body)}".encode()).hexdigest()


def answer_once(
    answers: Answers, client_id: str, key: str, fingerprint: str, work: Callable[[], Answer]
) -> Answer:
    """Return the kept answer, or do the work and keep its answer where that is final.

    Raises:
        KeyInProgress, KeyReused: as they say.
        Retryable, OutcomeUnknown: of the work; the key is free again, since the work is
            safe to repeat.
        Rejected: of the work; the key is free again, since nothing was done.
    """
    claim = answers.claim(client_id, key, fingerprint, STALE_AFTER)
    if claim.answer is not None:
        return claim.answer
    if claim.standing is Standing.in_progress:
        raise KeyInProgress(
            "the first request with this key is still being worked on",
            "Idempotency-Key",
            "Send the same request again in a second.",
        )
    if claim.standing is Standing.other_content:
        raise key_reused()
    return _work(answers, client_id, key, claim, work)


def _work(
    answers: Answers, client_id: str, key: str, claim: Claim, work: Callable[[], Answer]
) -> Answer:
    is_kept = False
    try:
        answer = work()
        if answer.is_final:
            answers.keep(client_id, key, claim, answer)
        else:
            answers.reopen(client_id, key, claim, STALE_AFTER)
        is_kept = True
    finally:
        if not is_kept:
            answers.release(client_id, key, claim)
    return answer
