"""Operators, sessions and seats of the e.net service.

One session per operator: a second logon throws the first one out. A session ends after idle time;
each call refreshes it. When all seats are taken, the most idle session past its time-out makes
room, else the new logon is refused. Source: SYSPRO reference, sections 0.3, 1.4 and 2.
"""

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from include.sandbox.syspro import messages
from include.sandbox.syspro.documents import CallFailed


@dataclass(frozen=True, slots=True)
class Operator:
    """Who may log on, and where; all passwords are invented."""

    code: str
    password: str
    companies: tuple[str, ...]


@dataclass(slots=True)
class Session:
    """One operator at work in one company."""

    id: str
    operator: str
    company: str
    logged_on_at: datetime
    used_at_s: float  # by the session clock


def demo_operators() -> dict[str, Operator]:
    """Return the three operators of the demo companies, with a spare one for people."""
    found = [Operator(f"TIEOUT_{c}", f"sandbox-{c}", (c,)) for c in "ABJ"]
    found.append(Operator("ADMIN", "sandbox-admin", ("A", "B", "J")))
    return {operator.code: operator for operator in found}


class Sessions:
    """All live sessions; thread-safe."""

    def __init__(self, operators: Mapping[str, Operator]) -> None:
        self.idle_timeout_s = 20 * 60.0
        self.seats = 10
        self.refusal = ""  # why nobody can log on just now, in words that no document foretells
        self._operators = operators
        self._live: dict[str, Session] = {}
        self._skew_s = 0.0
        self._lock = threading.Lock()

    def log_on(
        self, operator: str, password: str, company: str, company_password: str, *, must_fail: bool
    ) -> str:
        """Open a session and return its id, without the blanks.

        ``must_fail`` is ``FailWhenAlreadyLoggedIn``: refuse, rather than throw the other out.

        Raises:
            CallFailed: wrong credentials, no seat, already logged in, or nobody may.
        """
        if self.refusal:
            raise CallFailed(f"ERROR: {self.refusal}")
        known = self._operators.get(operator.upper())
        if known is None:
            raise CallFailed(messages.BAD_OPERATOR)
        if password != known.password:
            raise CallFailed(messages.BAD_PASSWORD)
        if company.upper() not in known.companies:
            raise CallFailed(messages.BAD_COMPANY)
        if company_password:
            raise CallFailed(messages.BAD_COMPANY_PASSWORD)
        with self._lock:
            return self._open(known.code, company.upper(), must_fail=must_fail)

    def take_over(self, operator: str, company: str) -> None:
        """Log a person on as this operator: whoever worked as him is thrown out.

        Raises:
            ValueError: there is no such operator.
        """
        if operator not in self._operators:
            raise ValueError(f"no operator {operator!r}")
        with self._lock:
            self._open(operator, company, must_fail=False)

    def _open(self, operator: str, company: str, *, must_fail: bool) -> str:
        other = next((s for s in self._live.values() if s.operator == operator), None)
        if other is not None:
            if must_fail and not self._is_idle(other):
                raise CallFailed(messages.ALREADY_LOGGED_IN.format(operator))
            del self._live[other.id]
        self._make_room()
        session_id = secrets.token_hex(16).upper() + f"{secrets.randbelow(100):02d}"
        now = datetime.now(UTC)
        self._live[session_id] = Session(session_id, operator, company, now, self._now_s())
        return session_id

    def _make_room(self) -> None:
        if len(self._live) < self.seats:
            return
        oldest = min(self._live.values(), key=lambda s: s.used_at_s, default=None)
        if oldest is None or not self._is_idle(oldest):
            raise CallFailed(messages.NO_SEAT)
        del self._live[oldest.id]

    def touch(self, session_id: str) -> Session:
        """Return the live session and refresh it; blanks around the id do not matter.

        Raises:
            CallFailed: unknown, thrown out, or idle too long.
        """
        with self._lock:
            found = self._live.get(session_id.strip())
            if found is not None and self._is_idle(found):
                del self._live[found.id]
                found = None
            if found is None:
                raise CallFailed(messages.NOT_LOGGED_IN)
            found.used_at_s = self._now_s()
            return found

    def log_off(self, session_id: str) -> None:
        """End a session.

        Raises:
            CallFailed: there is none with this id.
        """
        with self._lock:
            if self._live.pop(session_id.strip(), None) is None:
                raise CallFailed(messages.UNKNOWN_SESSION_AT_LOGOFF)

    def evict(self, *, operator: str = "", session_id: str = "") -> int:
        """Forget sessions by operator or id, all if neither is given; return how many."""
        with self._lock:
            gone = [
                s.id
                for s in self._live.values()
                if s.operator == (operator or s.operator) and s.id == (session_id or s.id)
            ]
            for found in gone:
                del self._live[found]
            return len(gone)

    def advance(self, seconds: float) -> None:
        """Move the session clock, so that a test need not wait for a time-out."""
        with self._lock:
            self._skew_s += seconds

    def live(self) -> list[Session]:
        """Return the sessions that would still be accepted."""
        with self._lock:
            return [s for s in self._live.values() if not self._is_idle(s)]

    def _is_idle(self, session: Session) -> bool:
        return self._now_s() - session.used_at_s > self.idle_timeout_s

    def _now_s(self) -> float:
        return time.monotonic() + self._skew_s
