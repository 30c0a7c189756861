"""The fields of a connection that pace its writes and guard its webhooks.

Source: reliability reference, 2.1 (timings; Q never below 60 s, F4) and F8 (webhook keys).
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from include.domain.errors import Rejected

_SHORTEST_Q_S = 60.0  # the vendor asks to wait so long before an authorization is reversed
_SLACK_S = 10.0  # ``Timings.send_slack``
# The guide calls a signature's time that of its key, which lives a year; its own example and the
# samples take it for the delivery's.
_LONGEST_TOLERANCE_S = 366 * 24 * 3600.0
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the effects engine is with this account."""

    quiescence_s: float = 300.0
    look_gap_s: float = 60.0  # longer than the search index lags
    max_sends: int = 3


def read_pace(text: Mapping[str, str], where: str) -> Pace:
    """Read the fields.

    Raises:
        Rejected: no number, Q below a minute, or Q not longer than the exchange it must outlast.
    """
    usual = Pace()
    try:
        pace = Pace(
            float(text.get("quiescence_s") or usual.quiescence_s),
            float(text.get("look_gap_s") or usual.look_gap_s),
            int(text.get("max_sends") or usual.max_sends),
        )
        deadlines = [
            float(text.get(name) or least)
            for name, least in (("deadline_s", 30.0), ("authorization_deadline_s", 20.0))
        ]
    except ValueError:
        raise Rejected(
            "quiescence_s, look_gap_s or max_sends is not a number", where, "Write plain numbers."
        ) from None
    checks = {
        f"quiescence_s is at least {_SHORTEST_Q_S:g}": pace.quiescence_s >= _SHORTEST_Q_S,
        "quiescence_s exceeds every deadline by 10 s": pace.quiescence_s
        > max(deadlines) + _SLACK_S,
        "look_gap_s is positive": pace.look_gap_s > 0,
        "max_sends is at least 1": pace.max_sends >= 1,
    }
    for rule, holds in checks.items():
        if not holds:
            raise Rejected(f"the connection breaks the rule: {rule}", where, "Correct the field.")
    return pace


def read_webhook_secrets(text: str, where: str) -> Mapping[str, bytes]:
    """Read ``keyId=base64 keyId=base64``; two or more stay alive while keys are rotated.

    Raises:
        Rejected: not of this form. No key is quoted.
    """
    found: dict[str, bytes] = {}
    for pair in text.split():
        key_id, _, key = pair.partition("=")  # the first one only: base64 may end in more
        try:
            secret = base64.b64decode(key, validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if _KEY_ID.fullmatch(key_id) is None or not secret or key_id in found:
            raise Rejected(
                "webhook_secrets is not a list of keyId=key with distinct ids and base64 keys",
                where,
                "Write e.g. bdc0fe52-091e-b0d6-e053-34b8d30a0504=<key>, separated by blanks.",
            )
        found[key_id] = secret
    return found


def read_tolerance(text: str, where: str) -> float:
    """Read how old a webhook's signature may be.

    Raises:
        Rejected: no number of seconds, none at all, or more than a key lives.
    """
    try:
        seconds = float(text or 3600.0)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_TOLERANCE_S:
        raise Rejected(
            f"webhook_tolerance_s {text!r} is not a number of seconds up to a year",
            where,
            "Write e.g. 3600.",
        )
    return seconds
