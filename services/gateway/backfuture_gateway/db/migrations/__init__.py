"""Alembic's scripts: every shape the database has had."""
