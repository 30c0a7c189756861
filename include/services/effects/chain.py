"""The audit chain: each entry's hash covers the one before it, so nothing changes unnoticed."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from include.domain.canonical import plain_json
from include.domain.card_numbers import refuse_in_words

START = ""  # the previous hash of the first entry


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what, and when (UTC)."""

    at: datetime
    who: str
    what: str  # e.g. "effect sent -> done"
    subject: str  # e.g. "gl_journal|acme_us|..."
    detail: str  # canonical JSON


@dataclass(frozen=True, slots=True)
class Link:
    """An entry at its place in the chain."""

    entry: AuditEntry
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What reading the chain showed. Entries are counted from 1, the first that was read."""

    entries: int  # that hold
    head: str  # hash of the last entry that holds; note it elsewhere to prove nothing was cut off
    broken_at: int | None = None  # the first entry that does not
    noted_at: int | None = None  # the entry of the head that was noted
    is_whole: bool = True  # each entry fits the one before; the noted head may be missing still
    has_more: bool = False  # it was not read to its end: go on since ``head``

    @property
    def is_unbroken(self) -> bool:
        return self.broken_at is None


@dataclass(frozen=True, slots=True)
class Signed:
    """What a person decides, for the chain, in the very commit that decides it.

    Raises:
        CardNumberRefused: their words hold one. The commit that carries it must then not happen:
            the chain keeps for ever what it was told.
    """

    what: str  # e.g. "dispute given up"
    who: str
    via: str  # the door they came by: cli, api, airflow
    detail: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refuse_in_words({"who": self.who}, self.what)
        refuse_in_words(self.detail, self.what)

    def entry(self, at: datetime, subject: str) -> AuditEntry:
        """Return the entry that says so."""
        who = signer(self.via, self.who)
        return AuditEntry(at, who, self.what, subject, detail_of(**self.detail))


def signer(via: str, who: str) -> str:
    """Name who signs an entry: a person with the door they came by (cli, api, airflow)."""
    return f"{via}:{who}" if via else who


def detail_of(**fields: object) -> str:
    """Render the fields of an entry as canonical JSON."""
    return plain_json(fields)


def entry_hash(previous_hash: str, entry: AuditEntry) -> str:
    """SHA-256 over the previous hash and the content, hex."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    content = [previous_hash, at, entry.who, entry.what, entry.subject, entry.detail]
    return hashlib.sha256(plain_json(content).encode()).hexdigest()


def verify(
    links: Iterable[Link], expected_head: str = "", since: Link | None = None
) -> ChainVerdict:
    """Recompute the chain from its start, or from a link that is proven up to itself.

    Args:
        links: every link from there on, in order.
        expected_head: a head noted earlier; it must appear, or the end was cut off.
        since: the first of ``links``, whose hash was noted earlier. All before it is taken as it
            was noted, and not read.
    """
    head, count, noted_at = since.previous_hash if since else START, 0, None
    for link in links:
        if link.previous_hash != head or link.hash != entry_hash(head, link.entry):
            return ChainVerdict(count, head, count + 1, noted_at, is_whole=False)
        head, count = link.hash, count + 1
        noted_at = count if head == expected_head else noted_at
    is_lost = expected_head != START and noted_at is None
    return ChainVerdict(count, head, count + 1 if is_lost else None, noted_at)
