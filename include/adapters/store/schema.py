"""Tieout's own tables, apart from Airflow's. Every "only once" is a UNIQUE constraint.

Instants are UTC; amounts are minor units with a currency; JSON is canonical text. Rows hold what
is decided; settlement lines themselves live as Parquet in the lake. Some instants no code reads
(``journals.built_at``, ``reports.written_at``, ``commissioning_facts.recorded_at`` and
``customers.linked_at``): they are there for whoever has to find out later what happened when.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)


_WITHOUT_ZONE = len("2026-11-26 01:02:03.000000")


def _sqlite_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no zone")
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return in_utc.isoformat(" ", "microseconds")[:_WITHOUT_ZONE]


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite forgets zones, so they are put on and taken off here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def bind_processor(self, dialect: Dialect) -> Any:
        """Write the text that SQLite keeps at once; SQLAlchemy's own way takes five times as long.

        The text is the same: ``2026-11-26 01:02:03.000000``, in UTC.
        """
        return _sqlite_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


# SQLite numbers only INTEGER PRIMARY KEY columns by itself.
Serial = BigInteger().with_variant(Integer, "sqlite")


def required_text(name: str, **more: Any) -> Column[str]:
    """Declare text that is never null: '' is none."""
    return Column(name, Text, nullable=False, **more)


files = Table(
    "files",
    metadata,
    Column("file_id", Serial, primary_key=True),
    required_text("merchant_id"),
    Column("settlement_date", Date, nullable=False),
    required_text("source"),  # the merchant's name of it
    required_text("layout"),
    required_text("digest"),  # of the raw bytes, which lie in the lake under it
    Column("version", Integer, nullable=False),  # 1, then higher: a restatement of the window
    Column("size_bytes", BigInteger, nullable=False),
    Column("window_start_at", Instant),  # as printed inside the file; null where unsaid
    Column("window_end_at", Instant),
    Column("received_at", Instant, nullable=False),
    required_text("state"),  # received, classified, quarantined
    required_text("reason"),  # why quarantined; '' otherwise
    Column("lines_in", BigInteger),
    Column("lines_classified", BigInteger),
    Column("lines_quarantined", BigInteger),
    Column("lines_without_money", BigInteger),  # classified records that yield no line
    UniqueConstraint("merchant_id", "source", "settlement_date", "digest"),
    UniqueConstraint("merchant_id", "source", "settlement_date", "version"),
)

settlement_days = Table(
    "settlement_days",
    metadata,
    required_text("merchant_id", primary_key=True),
    Column("settlement_date", Date, primary_key=True),
    required_text("state"),  # the last step done: downloaded ... reported, or held, blocked
    required_text("reason"),
    required_text("coverage"),  # JSON list of Coverage
    required_text("totals"),  # JSON: per currency and class, minor units
    required_text("mapping_version"),  # digest of the mappings in force for this day
    required_text("run_id"),  # the Airflow run that last chose this day, or asked about it
    Column("updated_at", Instant, nullable=False),
)

quality_results = Table(
    "quality_results",
    metadata,
    Column("result_id", Serial, primary_key=True),
    required_text("merchant_id"),
    Column("settlement_date", Date, nullable=False),
    required_text("suite"),
    Column("is_passed", Boolean, nullable=False),
    required_text("detail"),  # JSON: every expectation, observed value, sentence for a person
    Column("checked_at", Instant, nullable=False),
    Index(None, "merchant_id", "settlement_date"),
)

expectations = Table(
    "expectations",
    metadata,
    Column("expectation_id", Serial, primary_key=True),
    required_text("merchant_id"),
    required_text("kind"),  # settlement (of a document), document (of a line), funding (of a batch)
    required_text("item_key"),  # document id, line source, or batch
    required_text("currency"),
    Column("amount_minor", BigInteger, nullable=False),
    Column("since_date", Date, nullable=False),  # the settlement date it arose on
    Column("due_date", Date, nullable=False),
    required_text("state"),  # open, met, missing
    required_text("met_by"),  # line source, document id or bank entry; '' while open
    Column("met_date", Date),
    required_text("detail"),  # JSON with what matching needs: reference, kind
    UniqueConstraint("merchant_id", "kind", "item_key"),
    Index(None, "merchant_id", "state", "due_date"),
)

open_items = Table(
    "open_items",
    metadata,
    Column("item_id", Serial, primary_key=True),
    required_text("item_key", unique=True),  # merchant|date|cause|what: the same finding is one row
    required_text("merchant_id"),
    Column("settlement_date", Date, nullable=False),
    required_text("stage"),  # the step that found it, see domain.open_items.Stage
    required_text("cause"),
    required_text("currency"),
    Column("amount_minor", BigInteger),  # null: the amount could not be read
    required_text("source"),  # "<file digest>:<line>", or '' where there is no line
    required_text("document_id"),
    required_text("explanation"),
    required_text("next_action"),
    required_text("owner"),
    required_text("state"),  # open, resolved
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    required_text("resolved_by"),
    required_text("resolution"),
    Index(None, "merchant_id", "state"),
)

journals = Table(
    "journals",
    metadata,
    required_text("journal_key", primary_key=True),
    required_text("merchant_id"),
    required_text("company_id"),
    Column("settlement_date", Date, nullable=False),
    required_text("batch_id"),
    required_text("currency"),
    required_text("kind"),
    Column("version", Integer, nullable=False),
    Column("posting_date", Date, nullable=False),
    required_text("reference", unique=True),
    required_text("payload"),  # Journal.to_payload: exact, canonical
    required_text("digest"),
    required_text("state"),  # built, approved, held, parked, posted, tied_out, void
    required_text("supersedes"),
    required_text("mapping_version"),
    required_text("control"),  # JSON: the conservation equation, both sides, residual
    required_text("their_key"),  # SYSPRO year/period/journal once posted
    Column("built_at", Instant, nullable=False),
    Column("posted_at", Instant),
    UniqueConstraint("merchant_id", "settlement_date", "batch_id", "currency", "kind", "version"),
    Index(None, "merchant_id", "settlement_date"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("approval_id", Serial, primary_key=True),
    required_text("journal_key"),  # or "refund|<id>" of one that waits for a second person
    required_text("digest"),  # of the content as seen; another digest needs another approval
    required_text("decision"),  # asked, approved, held; of a refund also refused
    required_text("decided_by"),
    required_text("reason"),
    Column("decided_at", Instant, nullable=False),
    UniqueConstraint("journal_key", "digest", "decision", "decided_by"),
)

tie_outs = Table(
    "tie_outs",
    metadata,
    required_text("journal_key", primary_key=True),
    required_text("currency"),
    Column("ours_minor", BigInteger, nullable=False),
    Column("theirs_minor", BigInteger, nullable=False),
    Column("difference_minor", BigInteger, nullable=False),
    required_text("detail"),
    Column("checked_at", Instant, nullable=False),
)

reports = Table(
    "reports",
    metadata,
    required_text("merchant_id", primary_key=True),
    Column("settlement_date", Date, primary_key=True),
    required_text("format", primary_key=True),  # xlsx, html, csv
    required_text("path"),
    required_text("digest"),
    Column("written_at", Instant, nullable=False),
)

effects = Table(
    "effects",
    metadata,
    required_text("kind", primary_key=True),
    required_text("key", primary_key=True),
    required_text("reference"),
    required_text("payload"),  # as sent, or without its person: see ``domain.forgetting``
    required_text("digest"),  # of what was sent
    required_text("target"),
    required_text("currency"),
    Column("amount_minor", BigInteger, nullable=False),
    required_text("owner"),
    required_text("state"),
    Column("sends", Integer, nullable=False),
    Column("absent_looks", Integer, nullable=False),
    Column("intended_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("next_at", Instant),
    Column("silent_since", Instant),
    required_text("their_key"),
    required_text("evidence"),  # JSON of what the other side answered; '' while nothing
    required_text("reason"),
    Column("fence", BigInteger, nullable=False),
    UniqueConstraint("target", "reference"),
    CheckConstraint("sends >= 0", name="sends_counted"),
    Index(None, "state", "next_at"),
    Index(None, "target", "sent_at"),
)

leases = Table(
    "leases",
    metadata,
    required_text("name", primary_key=True),  # effect kind|key, or e.g. settlement|merchant
    required_text("holder"),
    Column("fence", BigInteger, nullable=False),  # grows with every take-over
    Column("expires_at", Instant, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("dead_letter_id", Serial, primary_key=True),
    required_text("kind"),
    required_text("key"),
    required_text("currency"),
    Column("amount_minor", BigInteger),
    required_text("reason"),
    required_text("next_action"),
    required_text("owner"),
    required_text("state"),  # open, resolved
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    required_text("resolved_by"),
    required_text("resolution"),
    UniqueConstraint("kind", "key", "opened_at"),
    Index(None, "state"),
    Index(  # at most one is open for one item, however many workers give up on it
        "uq_dead_letters_open",
        "kind",
        "key",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

audit = Table(
    "audit",
    metadata,
    Column("entry_no", Serial, primary_key=True),
    Column("at", Instant, nullable=False),
    required_text("who"),
    required_text("what"),  # e.g. effect gl_journal|...: sent -> done
    required_text("subject"),
    required_text("detail"),  # JSON
    required_text("previous_hash", unique=True),  # two entries cannot follow the same one
    required_text("hash", unique=True),  # SHA-256 over previous_hash and this row's content
    Index(None, "subject", "entry_no"),
)

commissioning_facts = Table(
    "commissioning_facts",
    metadata,
    Column("fact_id", Serial, primary_key=True),
    required_text("probe"),  # P1 ... P10
    required_text("connection"),  # id of the Airflow connection
    required_text("found"),  # JSON
    Column("measured_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    required_text("who"),
)

watermarks = Table(
    "watermarks",
    metadata,
    required_text("name", primary_key=True),
    required_text("value"),
    Column("moved_at", Instant, nullable=False),
)
