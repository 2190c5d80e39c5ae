"""Alembic's entry: runs the migrations on the connection that core.schema hands over."""

from alembic import context

from core.db import Base, Database

config = context.config
database: Database = config.attributes["database"]

engine = database.engine
if database.is_sqlite:
    engine = engine.execution_options(wk_write=True)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=False,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
