"""When what was kept of people, messages and entries was erased, and the ways to find what is no longer kept."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TABLES = ("people", "outbox", "postings", "ledger")
INDEXES = (
    ("ix_outbox_about_no_audit", "outbox", "decided_at", "erased_at IS NULL AND audit_id IS NULL"),
    ("ix_postings_erased", "postings", "erased_at", "erased_at IS NOT NULL"),
    ("ix_ledger_kept_of_audits", "ledger", "at", "erased_at IS NULL AND audit_id IS NOT NULL"),
    ("ix_ledger_kept_of_service", "ledger", "at", "erased_at IS NULL AND audit_id IS NULL AND kind <> 'erased'"),
)


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    for name, table, column, where in INDEXES:
        op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_index(op.f("ix_answers_at"), "answers", ["at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_answers_at"), table_name="answers")
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table_name=table)
    for table in TABLES:
        # Not as a batch: on SQLite that copies the table, and dropping the old one breaks the links to it.
        op.drop_column(table, "erased_at")
