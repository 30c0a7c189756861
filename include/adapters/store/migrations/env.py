"""Alembic's entry: runs the migrations on the connection it is handed."""

from alembic import context

from include.adapters.store import dispute_tables, order_tables  # noqa: F401 - declare their tables
from include.adapters.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    user_module_prefix="schema.",
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
