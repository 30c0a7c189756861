"""The other side: takes writes, keeps the truth in an append-only ledger, and answers raw text.

The engine never sees the ledger; the checker does.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from include.services.effects.ports import Effect, EffectKind


@dataclass(frozen=True, slots=True)
class Entry:
    """One executed write."""

    at: float
    visible_at: float  # when the search index knows it
    reference: str
    digest: str
    their_key: str
    is_second_delivery: bool


@dataclass(slots=True)
class Call:
    """One send as it left, and whether its answer was a clear no."""

    at: float
    reference: str
    is_certainly_nothing: bool


@dataclass(slots=True)
class Remote:
    """One partner system with its periods, its guard and its lazy index."""

    ledger: list[Entry] = field(default_factory=list)
    calls: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))  # by digest
    pending: Counter[str] = field(default_factory=Counter)  # commits on their way, by digest
    closed: tuple[float, float] = (0.0, 0.0)
    outage: tuple[float, float] = (0.0, 0.0)  # of looks only
    freezes: tuple[tuple[float, float], ...] = ()  # the index stands still meanwhile
    _by_reference: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    _executed: Counter[str] = field(default_factory=Counter)  # by digest of what was meant

    def execute(
        self,
        effect: Effect,
        now: float,
        lag: float,
        *,
        is_second: bool = False,
        drops_element: bool = False,
        is_silent: bool = False,
    ) -> str:
        """Do what a request says, once per delivery, and return the answer's text."""
        if self.closed[0] <= now < self.closed[1]:
            return "ERROR period is closed"
        if effect.kind is EffectKind.ap_invoice and self._by_reference[effect.reference]:
            return "ERROR duplicate invoice"
        number = f"{len(self.ledger) + 1:05}"
        digest = "altered" if drops_element else effect.digest
        entry = Entry(now, now + lag, effect.reference, digest, number, is_second)
        self.ledger.append(entry)
        self._by_reference[effect.reference].append(entry)
        self._executed[effect.digest] += 1
        return "OK" if is_silent else f"OK {number}"

    def search(self, reference: str, now: float) -> tuple[list[Entry], str]:
        """Answer from the index: what it knows, and why it knows less than is true, if so."""
        known_until = min((begin for begin, end in self.freezes if begin <= now < end), default=now)
        entries = self._by_reference[reference]
        visible = [entry for entry in entries if entry.visible_at <= known_until]
        if len(visible) == len(entries):
            return visible, ""
        is_lag = any(entry.visible_at > now for entry in entries)
        return visible, "index lag" if is_lag else "stale look"

    def executed(self, digest: str) -> int:
        """The truth: how often the write with this payload was executed."""
        return self._executed[digest]

    def entries(self, reference: str) -> list[Entry]:
        """The truth of one reference."""
        return self._by_reference[reference]
