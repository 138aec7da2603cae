"""A frozen model as plain SQL: a sqlglot expression that scores a relation, for engines without this package."""
