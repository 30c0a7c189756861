"""Count what must alarm a person, without a database write for each forged request."""

import logging
import threading
from collections import Counter

from include.domain.alerts import AlertKind
from include.services.api.ports import Alarms

_log = logging.getLogger("tieout.api")
_MOST_CAUSES = 200  # between two flushes; an attacker must not fill our memory


class Tally:
    """Sightings of this process, written by ``flush``; a card number is written at once."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self._lock = threading.Lock()
        self._seen: Counter[tuple[str, str, str]] = Counter()

    def bad_signature(self, source: str, reason: str) -> None:
        """Count a webhook that was refused; ``source`` is a sender that we know."""
        _log.warning("webhook_refused source=%s reason=%s", source, reason)
        rule = AlertKind.webhook_signature_failures
        cause = f"{rule}|{source}|{reason}", rule.value, f"{source}: {reason}"
        with self._lock:
            if cause in self._seen or len(self._seen) < _MOST_CAUSES:
                self._seen[cause] += 1

    def card_number(self, who: str, words: str) -> None:
        """Tell of a card number: which field, never the number. Blocks: call from a thread."""
        _log.error("card_number_refused who=%s where=%s", who, words)
        rule = AlertKind.card_number_refused
        self._alarms.sight(f"{rule}|{who}", rule.value, f"{who}: {words}"[:500], 1)

    def flush(self) -> int:
        """Write what was counted; what cannot be written is kept and counted on.

        Returns:
            0: there is never more to do at once.
        """
        with self._lock:
            seen, self._seen = self._seen, Counter()
        while seen:
            cause, rule, words = next(iter(seen))
            count = seen.pop((cause, rule, words))
            is_written = False
            try:
                self._alarms.sight(cause, rule, words, count)
                is_written = True
            finally:
                if not is_written:
                    with self._lock:
                        self._seen.update({**seen, (cause, rule, words): count})
        return 0
