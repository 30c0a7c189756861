"""Create the store."""

import sqlalchemy as sa
from alembic import op

from include.adapters.store import schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _files()
    _days()
    _items()
    _journals()
    _effects()
    _decisions()
    _facts()


def _files() -> None:
    op.create_table(
        "files",
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("settlement_date", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("window_start_at", schema.Instant(timezone=True), nullable=True),
        sa.Column("window_end_at", schema.Instant(timezone=True), nullable=True),
        sa.Column("received_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lines_in", sa.BigInteger(), nullable=True),
        sa.Column("lines_classified", sa.BigInteger(), nullable=True),
        sa.Column("lines_quarantined", sa.BigInteger(), nullable=True),
        sa.Column("lines_without_money", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_files")),
        sa.UniqueConstraint(
            "merchant_id",
            "source",
            "settlement_date",
            "digest",
            name=op.f("uq_files_merchant_id_source_settlement_date_digest"),
        ),
        sa.UniqueConstraint(
            "merchant_id",
            "source",
            "settlement_date",
            "version",
            name=op.f("uq_files_merchant_id_source_settlement_date_version"),
        ),
    )
    op.create_table(
        "quality_results",
        sa.Column(
            "result_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("settlement_date", sa.Date(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("is_passed", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("checked_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("result_id", name=op.f("pk_quality_results")),
    )
    with op.batch_alter_table("quality_results", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_quality_results_merchant_id_settlement_date"),
            ["merchant_id", "settlement_date"],
            unique=False,
        )


def _days() -> None:
    op.create_table(
        "settlement_days",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("settlement_date", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("coverage", sa.Text(), nullable=False),
        sa.Column("totals", sa.Text(), nullable=False),
        sa.Column("mapping_version", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("updated_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "settlement_date", name=op.f("pk_settlement_days")),
    )
    op.create_table(
        "reports",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("settlement_date", sa.Date(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("written_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "merchant_id", "settlement_date", "format", name=op.f("pk_reports")
        ),
    )


def _items() -> None:
    op.create_table(
        "expectations",
        sa.Column(
            "expectation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item_key", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("since_date", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("met_by", sa.Text(), nullable=False),
        sa.Column("met_date", sa.Date(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("expectation_id", name=op.f("pk_expectations")),
        sa.UniqueConstraint(
            "merchant_id",
            "kind",
            "item_key",
            name=op.f("uq_expectations_merchant_id_kind_item_key"),
        ),
    )
    with op.batch_alter_table("expectations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_expectations_merchant_id_state_due_date"),
            ["merchant_id", "state", "due_date"],
            unique=False,
        )

    op.create_table(
        "open_items",
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_key", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("settlement_date", sa.Date(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("next_action", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("resolved_at", schema.Instant(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=False),
        sa.Column("resolution", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_open_items")),
        sa.UniqueConstraint("item_key", name=op.f("uq_open_items_item_key")),
    )
    with op.batch_alter_table("open_items", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_open_items_merchant_id_state"), ["merchant_id", "state"], unique=False
        )


def _journals() -> None:
    op.create_table(
        "journals",
        sa.Column("journal_key", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("settlement_date", sa.Date(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("posting_date", sa.Date(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("supersedes", sa.Text(), nullable=False),
        sa.Column("mapping_version", sa.Text(), nullable=False),
        sa.Column("control", sa.Text(), nullable=False),
        sa.Column("their_key", sa.Text(), nullable=False),
        sa.Column("built_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("posted_at", schema.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("journal_key", name=op.f("pk_journals")),
        sa.UniqueConstraint(
            "merchant_id",
            "settlement_date",
            "batch_id",
            "currency",
            "kind",
            "version",
            name=op.f("uq_journals_merchant_id_settlement_date_batch_id_currency_kind_version"),
        ),
        sa.UniqueConstraint("reference", name=op.f("uq_journals_reference")),
    )
    with op.batch_alter_table("journals", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_journals_merchant_id_settlement_date"),
            ["merchant_id", "settlement_date"],
            unique=False,
        )

    op.create_table(
        "tie_outs",
        sa.Column("journal_key", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("ours_minor", sa.BigInteger(), nullable=False),
        sa.Column("theirs_minor", sa.BigInteger(), nullable=False),
        sa.Column("difference_minor", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("checked_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("journal_key", name=op.f("pk_tie_outs")),
    )


def _effects() -> None:
    op.create_table(
        "effects",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("absent_looks", sa.Integer(), nullable=False),
        sa.Column("intended_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("sent_at", schema.Instant(timezone=True), nullable=True),
        sa.Column("next_at", schema.Instant(timezone=True), nullable=True),
        sa.Column("silent_since", schema.Instant(timezone=True), nullable=True),
        sa.Column("their_key", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("sends >= 0", name=op.f("ck_effects_sends_counted")),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_effects")),
        sa.UniqueConstraint("target", "reference", name=op.f("uq_effects_target_reference")),
    )
    with op.batch_alter_table("effects", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_effects_state_next_at"), ["state", "next_at"], unique=False
        )

    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )


def _decisions() -> None:
    op.create_table(
        "approvals",
        sa.Column(
            "approval_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("journal_key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_approvals")),
        sa.UniqueConstraint(
            "journal_key",
            "digest",
            "decision",
            "decided_by",
            name=op.f("uq_approvals_journal_key_digest_decision_decided_by"),
        ),
    )
    op.create_table(
        "dead_letters",
        sa.Column(
            "dead_letter_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("next_action", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("resolved_at", schema.Instant(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=False),
        sa.Column("resolution", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("dead_letter_id", name=op.f("pk_dead_letters")),
        sa.UniqueConstraint(
            "kind", "key", "opened_at", name=op.f("uq_dead_letters_kind_key_opened_at")
        ),
    )
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dead_letters_state"), ["state"], unique=False)
        batch_op.create_index(
            "uq_dead_letters_open",
            ["kind", "key"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "audit",
        sa.Column("entry_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", schema.Instant(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_no", name=op.f("pk_audit")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_hash")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_audit_previous_hash")),
    )


def _facts() -> None:
    op.create_table(
        "commissioning_facts",
        sa.Column("fact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("probe", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("measured_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("recorded_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_commissioning_facts")),
    )
    op.create_table(
        "watermarks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("moved_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_watermarks")),
    )


def downgrade() -> None:
    op.drop_table("watermarks")
    op.drop_table("tie_outs")
    op.drop_table("settlement_days")
    op.drop_table("reports")
    with op.batch_alter_table("quality_results", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_quality_results_merchant_id_settlement_date"))

    op.drop_table("quality_results")
    with op.batch_alter_table("open_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_open_items_merchant_id_state"))

    op.drop_table("open_items")
    op.drop_table("leases")
    with op.batch_alter_table("journals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_journals_merchant_id_settlement_date"))

    op.drop_table("journals")
    op.drop_table("files")
    with op.batch_alter_table("expectations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_expectations_merchant_id_state_due_date"))

    op.drop_table("expectations")
    with op.batch_alter_table("effects", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_effects_state_next_at"))

    op.drop_table("effects")
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_dead_letters_open",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index(batch_op.f("ix_dead_letters_state"))

    op.drop_table("dead_letters")
    op.drop_table("commissioning_facts")
    op.drop_table("audit")
    op.drop_table("approvals")
