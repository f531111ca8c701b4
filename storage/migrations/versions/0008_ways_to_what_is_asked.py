"""The ways to what is asked every day: what is open, what is under way, and what stands in one person's chats."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

INDEXES = (
    ("ix_audits_ungraded", "audits", "issued_at", "grade IS NULL"),
    ("ix_duties_open", "duties", "nominal", "closed_at IS NULL"),
)


def upgrade() -> None:
    for name, table, column, where in INDEXES:
        op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_index(op.f("ix_postings_person_id"), "postings", ["person_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_postings_person_id"), table_name="postings")
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table_name=table)
