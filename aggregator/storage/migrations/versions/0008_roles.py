"""Four roles instead of two, accounts of heads and of OpenID Connect, and invitations.

A viewer becomes a reader. The manager who came first becomes the administrator, so that there
is one; the others stay managers, who may do what they could do before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("account") as table:
        table.alter_column("role", existing_type=sa.String(10), type_=sa.String(20))
        table.add_column(sa.Column("department", sa.String(40), nullable=True))
        table.add_column(
            sa.Column("disabled", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        table.add_column(sa.Column("identity", sa.String(512), nullable=True))
        table.create_unique_constraint("account_identity", ["identity"])
    with op.batch_alter_table("account") as table:
        table.alter_column("disabled", existing_type=sa.Boolean(), server_default=None)
    with op.batch_alter_table("token") as table:
        table.add_column(sa.Column("role", sa.String(20), nullable=True))
        table.add_column(sa.Column("department", sa.String(40), nullable=True))
    op.execute("UPDATE account SET role = 'reader' WHERE role = 'viewer'")
    op.execute(
        "UPDATE account SET role = 'administrator' WHERE name = (SELECT name FROM account "
        "WHERE role = 'manager' ORDER BY created_at, name LIMIT 1)"
    )
