"""What was said about disputes, and which days were read for it. See ``schema`` for the manner."""

from sqlalchemy import BigInteger, Column, Date, Index, Table, UniqueConstraint

from include.adapters.store.schema import Instant, Serial, metadata, required_text

dispute_events = Table(
    "dispute_events",
    metadata,
    Column("event_id", Serial, primary_key=True),
    required_text("merchant_id"),
    Column("settlement_date", Date, nullable=False),
    required_text("case_key"),
    required_text("kind"),  # chargeback, reversal, answer
    required_text("currency"),
    Column("amount_minor", BigInteger, nullable=False),
    required_text("source"),  # "<file digest>:<line>", or the person
    required_text("reason_code"),
    Column("answer_by", Date),  # null: nobody said by when
    Column("answered_on", Date),
    required_text("said_by"),  # '' where a file says it: replaced when its day is read again
    UniqueConstraint(
        "merchant_id",
        "settlement_date",
        "case_key",
        "currency",
        "kind",
        "source",
        "said_by",
        name="uq_dispute_events_said",  # spelt out, it is longer than PostgreSQL lets a name be
    ),
    Index(None, "merchant_id", "case_key"),
)

# A dispute is judged only if every day since was read: a reversal may stand in the missing one.
dispute_days = Table(
    "dispute_days",
    metadata,
    required_text("merchant_id", primary_key=True),
    Column("settlement_date", Date, primary_key=True),
    Column("read_at", Instant, nullable=False),
)
