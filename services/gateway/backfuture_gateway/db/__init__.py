"""The SQL database: engine, tables the gateway owns, migrations."""
