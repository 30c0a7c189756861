"""Count what must alarm a person, without a database write for each forged request."""

import logging
import threading
from dataclasses import dataclass

from include.domain.alerts import AlertKind
from include.services.api.ports import Alarms

_log = logging.getLogger("tieout.api")
_MOST_CAUSES = 200  # between two flushes; an attacker must not fill our memory


@dataclass(slots=True)
class _Seen:
    rule: AlertKind
    words: str  # of the last one
    count: int


class Tally:
    """Sightings of this process, written by ``flush``; a card number is written at once.

    An address is told and is no part of a cause: whoever has many must not make many alarms.
    """

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}

    def bad_signature(self, source: str, reason: str, address: str) -> None:
        """Count a webhook that was refused; ``source`` is a sender that we know."""
        _log.warning("webhook_refused source=%s reason=%s from=%s", source, reason, address)
        self._count(AlertKind.webhook_signature_failures, source, reason, address)

    def bad_key(self, who: str, reason: str, address: str) -> None:
        """Count a call that was refused; ``who`` is a client that we know, or ``nobody``."""
        _log.warning("api_key_refused who=%s reason=%s from=%s", who, reason, address)
        self._count(AlertKind.api_key_failures, who, reason, address)

    def card_number(self, who: str, words: str, address: str) -> None:
        """Tell of a card number: which field, never the number. Blocks: call from a thread."""
        _log.error("card_number_refused who=%s where=%s from=%s", who, words, address)
        rule = AlertKind.card_number_refused
        words = f"{who} from {address}: {words}"
        self._alarms.sight(f"{rule}|{who}", rule.value, words[:500], 1)

    def _count(self, rule: AlertKind, who: str, reason: str, address: str) -> None:
        cause, words = f"{rule}|{who}|{reason}", f"{who}: {reason}; last from {address}"
        with self._lock:
            if cause in self._seen or len(self._seen) < _MOST_CAUSES:
                seen = self._seen.setdefault(cause, _Seen(rule, words, 0))
                seen.words, seen.count = words, seen.count + 1

    def flush(self) -> int:
        """Write what was counted; what cannot be written is kept and counted on.

        Returns:
            0: there is never more to do at once.
        """
        with self._lock:
            waiting, self._seen = self._seen, {}
        try:
            while waiting:
                cause, one = next(iter(waiting.items()))
                self._alarms.sight(cause, one.rule.value, one.words, one.count)
                del waiting[cause]
        finally:
            with self._lock:
                for cause, one in waiting.items():
                    self._seen.setdefault(cause, _Seen(one.rule, one.words, 0)).count += one.count
        return 0
