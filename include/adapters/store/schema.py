"""Tieout's own tables, apart from Airflow's. Every "only once" is a UNIQUE constraint.

Instants are UTC; amounts are minor units with a currency; JSON is canonical text. Rows hold what
is decided; settlement lines themselves live as Parquet in the lake.
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

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


# SQLite numbers only INTEGER PRIMARY KEY columns by itself.
Serial = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str, **more: Any) -> Column[str]:
    return Column(name, Text, nullable=False, **more)


files = Table(
    "files",
    metadata,
    Column("file_id", Serial, primary_key=True),
    _text("merchant_id"),
    Column("settlement_date", Date, nullable=False),
    _text("source"),  # the merchant's name of it
    _text("layout"),
    _text("digest"),  # of the raw bytes, which lie in the lake under it
    Column("version", Integer, nullable=False),  # 1, then higher: a restatement of the window
    Column("size_bytes", BigInteger, nullable=False),
    Column("window_start_at", Instant),  # as printed inside the file; null where unsaid
    Column("window_end_at", Instant),
    Column("received_at", Instant, nullable=False),
    _text("state"),  # received, classified, quarantined
    _text("reason"),  # why quarantined; '' otherwise
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
    _text("merchant_id", primary_key=True),
    Column("settlement_date", Date, primary_key=True),
    _text("state"),  # the last step that finished: downloaded ... reported, or held, blocked
    _text("reason"),
    _text("coverage"),  # JSON list of Coverage
    _text("totals"),  # JSON: per currency and class, minor units
    _text("mapping_version"),  # digest of the mappings in force for this day
    _text("run_id"),  # the Airflow run that last chose this day
    Column("updated_at", Instant, nullable=False),
)

quality_results = Table(
    "quality_results",
    metadata,
    Column("result_id", Serial, primary_key=True),
    _text("merchant_id"),
    Column("settlement_date", Date, nullable=False),
    _text("suite"),
    Column("is_passed", Boolean, nullable=False),
    _text("detail"),  # JSON: every expectation, observed value, sentence for a person
    Column("checked_at", Instant, nullable=False),
    Index(None, "merchant_id", "settlement_date"),
)

expectations = Table(
    "expectations",
    metadata,
    Column("expectation_id", Serial, primary_key=True),
    _text("merchant_id"),
    _text("kind"),  # settlement (of a document), document (of a line), funding (of a batch)
    _text("item_key"),  # document id, line source, or batch
    _text("currency"),
    Column("amount_minor", BigInteger, nullable=False),
    Column("since_date", Date, nullable=False),  # the settlement date it arose on
    Column("due_date", Date, nullable=False),
    _text("state"),  # open, met, missing
    _text("met_by"),  # line source, document id or bank entry; '' while open
    Column("met_date", Date),
    _text("detail"),  # JSON with what matching needs: reference, kind
    UniqueConstraint("merchant_id", "kind", "item_key"),
    Index(None, "merchant_id", "state", "due_date"),
)

open_items = Table(
    "open_items",
    metadata,
    Column("item_id", Serial, primary_key=True),
    _text("item_key", unique=True),  # merchant|date|cause|what: the same finding is one row
    _text("merchant_id"),
    Column("settlement_date", Date, nullable=False),
    _text("stage"),  # the step that found it: classify, check, match, fund, post
    _text("cause"),
    _text("currency"),
    Column("amount_minor", BigInteger),  # null: the amount could not be read
    _text("source"),  # "<file digest>:<line>", or '' where there is no line
    _text("document_id"),
    _text("explanation"),
    _text("next_action"),
    _text("owner"),
    _text("state"),  # open, resolved
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    _text("resolved_by"),
    _text("resolution"),
    Index(None, "merchant_id", "state"),
)

journals = Table(
    "journals",
    metadata,
    _text("journal_key", primary_key=True),
    _text("merchant_id"),
    _text("company_id"),
    Column("settlement_date", Date, nullable=False),
    _text("batch_id"),
    _text("currency"),
    _text("kind"),
    Column("version", Integer, nullable=False),
    Column("posting_date", Date, nullable=False),
    _text("reference", unique=True),
    _text("payload"),  # Journal.to_payload: exact, canonical
    _text("digest"),
    _text("state"),  # built, approved, held, parked, posted, tied_out, void
    _text("supersedes"),
    _text("mapping_version"),
    _text("control"),  # JSON: the conservation equation, both sides, residual
    _text("their_key"),  # SYSPRO year/period/journal once posted
    Column("built_at", Instant, nullable=False),
    Column("posted_at", Instant),
    UniqueConstraint("merchant_id", "settlement_date", "batch_id", "currency", "kind", "version"),
    Index(None, "merchant_id", "settlement_date"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("approval_id", Serial, primary_key=True),
    _text("journal_key"),
    _text("digest"),  # of the journal as seen; another digest needs another approval
    _text("decision"),  # approved, held
    _text("decided_by"),
    _text("reason"),
    Column("decided_at", Instant, nullable=False),
    UniqueConstraint("journal_key", "digest", "decision", "decided_by"),
)

tie_outs = Table(
    "tie_outs",
    metadata,
    _text("journal_key", primary_key=True),
    _text("currency"),
    Column("ours_minor", BigInteger, nullable=False),
    Column("theirs_minor", BigInteger, nullable=False),
    Column("difference_minor", BigInteger, nullable=False),
    _text("detail"),
    Column("checked_at", Instant, nullable=False),
)

reports = Table(
    "reports",
    metadata,
    _text("merchant_id", primary_key=True),
    Column("settlement_date", Date, primary_key=True),
    _text("format", primary_key=True),  # xlsx, html, csv
    _text("path"),
    _text("digest"),
    Column("written_at", Instant, nullable=False),
)

effects = Table(
    "effects",
    metadata,
    _text("kind", primary_key=True),
    _text("key", primary_key=True),
    _text("reference"),
    _text("payload"),
    _text("digest"),
    _text("target"),
    _text("currency"),
    Column("amount_minor", BigInteger, nullable=False),
    _text("owner"),
    _text("state"),
    Column("sends", Integer, nullable=False),
    Column("absent_looks", Integer, nullable=False),
    Column("intended_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("next_at", Instant),
    _text("their_key"),
    _text("reason"),
    Column("fence", BigInteger, nullable=False),
    UniqueConstraint("target", "reference"),
    CheckConstraint("sends >= 0", name="sends_counted"),
    Index(None, "state", "next_at"),
)

leases = Table(
    "leases",
    metadata,
    _text("name", primary_key=True),  # effect kind|key, or syspro-operator|connection
    _text("holder"),
    Column("fence", BigInteger, nullable=False),  # grows with every take-over
    Column("expires_at", Instant, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("dead_letter_id", Serial, primary_key=True),
    _text("kind"),
    _text("key"),
    _text("currency"),
    Column("amount_minor", BigInteger),
    _text("reason"),
    _text("next_action"),
    _text("owner"),
    _text("state"),  # open, resolved
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    _text("resolved_by"),
    _text("resolution"),
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
    _text("who"),
    _text("what"),  # e.g. effect gl_journal|...: sent -> done
    _text("subject"),
    _text("detail"),  # JSON
    _text("previous_hash", unique=True),  # two entries cannot follow the same one
    _text("hash", unique=True),  # SHA-256 over previous_hash and this row's content
)

rates = Table(
    "rates",
    metadata,
    _text("from_currency", primary_key=True),
    _text("to_currency", primary_key=True),
    Column("rate_date", Date, primary_key=True),
    Column("rate_millionths", BigInteger, nullable=False),
    _text("origin"),
)

watermarks = Table(
    "watermarks",
    metadata,
    _text("name", primary_key=True),
    _text("value"),
    Column("moved_at", Instant, nullable=False),
)
