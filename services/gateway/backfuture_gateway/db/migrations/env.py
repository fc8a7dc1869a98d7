"""Alembic's entry: runs the revisions on the connection it is given, in that connection's transaction."""

from alembic import context

from backfuture_gateway.db.migrate import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(),
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
