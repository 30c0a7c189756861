"""Faults of transport and of the partner, switched per call.

A rule names a system, a text to find in the call's label (a regular expression), the n-th matching
call and how many calls to spoil. The plays below say what happens; each decides whether the work
is executed before, after, twice, late or never, and the truth ledger shows it.
Source of the list: reliability reference, section 3.7.
"""

import gzip
import itertools
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from include.sandbox.server import Exchange, Response

MEBIBYTE = 1024 * 1024
FOREVER = 0  # the value of ``times`` for a rule that never wears off


@dataclass(slots=True)
class Rule:
    """One switched fault. ``seen`` counts matching calls, ``played`` the spoiled ones."""

    number: int
    system: str  # blank: any
    match: str  # regular expression searched in the app's label of the call
    fault: str
    nth: int = 1
    times: int = 1
    seconds: float = 0.0
    text: str = ""  # the error text, or the redirect's address
    retry_after: str = ""  # as sent: seconds, a date, or nonsense
    commit: bool | None = None  # for faults that replace the answer: execute first?
    seen: int = 0
    played: int = 0

    def wants(self, system: str, label: str) -> bool:
        """Count a call; say whether it is one to spoil."""
        if self.system not in ("", system) or not re.search(self.match, label, re.IGNORECASE):
            return False
        self.seen += 1
        is_worn_off = self.times != FOREVER and self.seen >= self.nth + self.times
        return self.seen >= self.nth and not is_worn_off

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class Faults:
    """The switchboard; empty, it leaves every call alone."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, fault: str, *, system: str = "", match: str = "", **settings: Any) -> Rule:
        """Switch a fault on.

        Raises:
            ValueError: the fault, a setting or the pattern is not known.
        """
        if fault not in PLAYS and not _is_status(fault):
            raise ValueError(
                f"unknown fault {fault!r}; known: {', '.join(sorted(PLAYS))}, 4xx, 5xx"
            )
        try:
            re.compile(match)
            rule = Rule(next(self._numbers), system, match, fault, **_settings(settings))
        except (re.error, TypeError) as problem:
            raise ValueError(f"unusable fault rule: {problem}") from problem
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[Rule]:
        with self._lock:
            return list(self._rules)

    def play(self, exchange: Exchange) -> bool:
        """Play the first rule that wants this call; false where none does."""
        label = exchange.app.label(exchange.request)
        with self._lock:
            wanting = [rule for rule in self._rules if rule.wants(exchange.app.system, label)]
            if not wanting:
                return False
            rule = wanting[0]
            rule.played += 1
        PLAYS.get(rule.fault, _status)(rule, exchange)
        return True


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    kinds: dict[str, Callable[[Any], Any]] = {
        "nth": int,
        "times": int,
        "seconds": float,
        "text": str,
        "retry_after": str,
        "commit": bool,
    }
    unknown = set(given) - set(kinds)
    if unknown:
        raise ValueError(f"unknown setting {', '.join(sorted(unknown))}; known: {', '.join(kinds)}")
    return {name: kinds[name](value) for name, value in given.items()}


def _is_status(fault: str) -> bool:
    return bool(re.fullmatch(r"[45][0-9][0-9]", fault))


# The plays. "Executes" means that the partner does the work and the ledger shows it.


def _drop_before_commit(rule: Rule, exchange: Exchange) -> None:
    exchange.wait(rule.seconds)
    exchange.drop()


def _drop_after_commit(rule: Rule, exchange: Exchange) -> None:
    exchange.execute()
    exchange.wait(rule.seconds)
    exchange.drop()


def _delay(rule: Rule, exchange: Exchange) -> None:
    """Work late, answer late: executes after the pause, even when the client has gone."""
    exchange.wait(rule.seconds)
    exchange.send(exchange.execute())


def _delay_after_commit(rule: Rule, exchange: Exchange) -> None:
    """Work at once, answer late: a time-out after the commit, as a slow network makes it."""
    response = exchange.execute()
    exchange.wait(rule.seconds)
    exchange.send(response)


def _late_commit(rule: Rule, exchange: Exchange) -> None:
    """Drop the call now and execute it later: why one absent look proves nothing."""
    exchange.later(rule.seconds or 1.0)
    exchange.drop()


def _second_delivery(rule: Rule, exchange: Exchange) -> None:
    """A middle box sends the request twice; the client sees one answer."""
    response = exchange.execute()
    exchange.execute()
    exchange.send(response)


def _reset(rule: Rule, exchange: Exchange) -> None:
    _maybe_execute(rule, exchange)
    exchange.drop(is_reset=True)


def _half_body(rule: Rule, exchange: Exchange) -> None:
    response = exchange.execute()
    exchange.send(response, truncate_to=len(response.whole()) // 2)


def _wrong_length(rule: Rule, exchange: Exchange) -> None:
    """Announce ten bytes more than come, then close."""
    response = exchange.execute()
    exchange.send(response, length=len(response.whole()) + 10)


def _short_length(rule: Rule, exchange: Exchange) -> None:
    """Announce half of what comes; a careless client reads a cut document as whole."""
    response = exchange.execute()
    exchange.send(response, length=len(response.whole()) // 2)


def _drip(rule: Rule, exchange: Exchange) -> None:
    """Answer one byte per ``seconds``: no single read times out, only a deadline helps."""
    exchange.drip(exchange.execute(), rule.seconds or 0.05)


def _garbage(rule: Rule, exchange: Exchange) -> None:
    response = exchange.execute() if rule.commit is not False else Response()
    response.body = bytes(range(256)) * 2
    exchange.send(response)


def _empty(rule: Rule, exchange: Exchange) -> None:
    response = exchange.execute() if rule.commit is not False else Response()
    response.body = b""
    exchange.send(response)


def _huge(rule: Rule, exchange: Exchange) -> None:
    """Answer 100 MiB of blanks in chunks: a client without a limit runs out of memory."""
    _maybe_execute(rule, exchange)
    exchange.send(Response(200, (b" " * MEBIBYTE for _ in range(100))))


def _gzip_bomb(rule: Rule, exchange: Exchange) -> None:
    """Answer 100 KiB that unpack to 100 MiB."""
    _maybe_execute(rule, exchange)
    packed = gzip.compress(bytes(100 * MEBIBYTE), compresslevel=1)
    exchange.send(Response(200, packed, headers=[("Content-Encoding", "gzip")]))


def _html(rule: Rule, exchange: Exchange) -> None:
    """A proxy's login page with status 200."""
    _maybe_execute(rule, exchange)
    page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
    exchange.send(Response.of_text(page, 200, "text/html; charset=utf-8"))


def _redirect(rule: Rule, exchange: Exchange) -> None:
    """Point elsewhere, by 307: a client that follows it sends a write twice."""
    _maybe_execute(rule, exchange)
    location = rule.text or exchange.request.target
    exchange.send(Response(307, b"", "text/plain", [("Location", location)]))


def _error_text(rule: Rule, exchange: Exchange) -> None:
    """The partner's own 'call failed', in place of a document."""
    _maybe_execute(rule, exchange)
    exchange.send(exchange.app.error_text(rule.text or "Unexpected error in the service"))


def _session_lost(rule: Rule, exchange: Exchange) -> None:
    exchange.app.lose_session(exchange.request)
    exchange.send(exchange.execute())


def _json_string(rule: Rule, exchange: Exchange) -> None:
    """Some hosts wrap the document as a JSON string."""
    response = exchange.execute()
    text = response.whole().decode("cp1252")
    wrapped = Response.of_json(text)
    wrapped.status = response.status
    exchange.send(wrapped)


def _string_element(rule: Rule, exchange: Exchange) -> None:
    """Some hosts wrap the document, escaped, in one ``<string>`` element."""
    text = exchange.execute().whole().decode("cp1252")
    for raw, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(raw, escaped)
    opening = '<string xmlns="http://schemas.microsoft.com/2003/10/Serialization/">'
    exchange.send(Response.of_text(f"{opening}{text}</string>", 200, "application/xml"))


def _status(rule: Rule, exchange: Exchange) -> None:
    """Answer a bare 4xx or 5xx; nothing is executed unless the rule says ``commit``."""
    _maybe_execute(rule, exchange)
    headers = [("Retry-After", rule.retry_after)] if rule.retry_after else []
    if rule.fault == "429" and not headers:
        headers = [("Retry-After", str(int(rule.seconds) or 1))]
    exchange.send(Response(int(rule.fault), rule.text.encode(), "text/plain", headers))


def _maybe_execute(rule: Rule, exchange: Exchange) -> None:
    if rule.commit:
        exchange.execute()


PLAYS: dict[str, Callable[[Rule, Exchange], None]] = {
    "drop_before_commit": _drop_before_commit,
    "drop_after_commit": _drop_after_commit,
    "delay": _delay,
    "delay_after_commit": _delay_after_commit,
    "late_commit": _late_commit,
    "second_delivery": _second_delivery,
    "reset": _reset,
    "half_body": _half_body,
    "wrong_length": _wrong_length,
    "short_length": _short_length,
    "drip": _drip,
    "garbage": _garbage,
    "empty": _empty,
    "huge": _huge,
    "gzip_bomb": _gzip_bomb,
    "html": _html,
    "redirect": _redirect,
    "error_text": _error_text,
    "session_lost": _session_lost,
    "json_string": _json_string,
    "string_element": _string_element,
}
