"""A plugin of dbt-duckdb: every model may call the functions. ``profiles.yml`` has it under ``plugins:``, as
``- module: ppp_duck.dbt_plugin``; ``examples/dbt`` is a project."""

from __future__ import annotations

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from ppp_duck.registering import register


class Plugin(BasePlugin):  # type: ignore[misc, unused-ignore]
    """dbt-duckdb looks for a class of this name."""

    # Each model runs on a cursor of its own, and one cursor does not have the macros of another.
    def configure_cursor(self, cursor: Any) -> None:
        register(cursor)
