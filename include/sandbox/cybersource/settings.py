"""What the vendor does not publish, or does differently by account: one switch each.

``POST /control/cybersource`` changes them by name and answers all of them.
"""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(slots=True)
class Settings:
    """The defaults are what is documented, or else what does least harm."""

    mti_guard: bool = True  # a used transactionId is refused for 180 days
    names_fields: bool = True  # off: as the recorded refusal of a failed token, which names none
    duplicate_reference_check: bool = False  # the same order number within 15 minutes: 104
    index_lag_s: float = 0.0  # seconds until a search finds a request
    detail_lag_s: float = 0.0  # seconds until GET by id finds it
    tss_shows_mti: bool = False  # in rows and details; no model or recorded row has it
    tss_shows_comments: bool = True  # in details, as their model has it
    tss_finds_mti: str = "rows"  # or "nothing", or "refused": no list of search fields has it
    tss_says: str = "all"  # or "pending": 201 and no count; or "no_applications": not even in GET
    tss_follows_review: bool = False  # no reference says that a reviewer's word changes a row
    decision_manager: bool = True  # off: no payment is looked at, as with DECISION_SKIP
    capture_in_review: bool = True  # a case is advice: the service captures before its end
    reverse_after_capture: bool = False  # the processor releases the rest of a captured hold
    last_capture_releases: bool = False  # numbered as the last, or not at all: the rest goes back
    auto_reversal: bool = False  # what Decision Manager declines is released in the same request
    hold_days: float = 0.0  # captures of older holds are refused; 0: the issuer keeps them for ever
    void_releases_hold: bool = False  # the processor gives the hold back with the capture
    refund_excess: bool = False  # refunds may exceed what was captured
    credits_allowed: bool = True  # stand-alone credits
    level_three: bool = True  # the account may pass lines on to its processor
    timeout_wait_s: float = 0.0  # a time-out void or reversal finds nothing younger than this
    event_generation: str = "2026"  # or "older": which names webhook events have
    payment_events: bool = False  # payments.* events, which the vendor must enable
    webhook_review: bool = True  # a new URL waits in PENDING_REVIEW
    webhook_payload: str = "object"  # or "array", as one recorded notification has it
    webhook_spacing: bool = False  # blanks in the body, as a pretty printer puts them
    webhook_signs: str = "raw"  # payload bytes as sent; or "compact": re-serialised ones
    webhook_minute_s: float = 60.0  # how long a minute of the retry policy lasts


_CHOICES = {
    "tss_says": ("all", "pending", "no_applications"),
    "tss_finds_mti": ("rows", "nothing", "refused"),
    "event_generation": ("2026", "older"),
    "webhook_payload": ("object", "array"),
    "webhook_signs": ("raw", "compact"),
}


class Switches:
    """The settings in force; ``now`` is replaced as a whole, so that a reader sees no half."""

    def __init__(self) -> None:
        self.now = Settings()
        self._lock = threading.Lock()

    def change(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Change some settings; return all.

        Raises:
            ValueError: an unknown name, or a value that does not fit.
        """
        known = {field.name: type(field.default) for field in fields(Settings)}
        unknown = sorted(set(facts) - set(known))
        if unknown:
            raise ValueError(f"unknown setting {', '.join(unknown)}; known: {', '.join(known)}")
        with self._lock:
            values = asdict(self.now)
            values.update({name: _fitting(name, known[name], v) for name, v in facts.items()})
            self.now = Settings(**values)
        return values

    def reset(self) -> None:
        self.now = Settings()


def _fitting(name: str, kind: type, value: Any) -> Any:
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if value >= 0:
            return float(value)
    elif isinstance(value, kind) and value in _CHOICES.get(name, (value,)):
        return value
    expected = " or ".join(_CHOICES.get(name, (kind.__name__,)))
    raise ValueError(f"{name} cannot be {value!r}; use {expected}")
