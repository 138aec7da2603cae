"""The stages of a fit that read rows, in Spark's dialect. The others run in DuckDB, on what comes out of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ppp_duck.binding.call import Call
from ppp_duck.binding.key import HASHES, key_parts
from ppp_duck.binding.sample import fit_stages
from ppp_duck.binding.source import Source
from ppp_duck.binding.stages import Stage, group_column, select
from ppp_duck.portable.translating import in_spark

# DuckDB takes the most frequent 20 values with max(…, 20). Spark counts how often each frequency comes back: those
# are few, and the rest is done where they are counted no more.
TALLIED = "_ppp_tallied"
KEY_PARTS = "_ppp_key_parts"
READING = (
    "_ppp_features", "_ppp_extremes", "_ppp_frequencies", "_ppp_binned", TALLIED, "_ppp_usable", KEY_PARTS,
    "_ppp_keyed", "_ppp_content", "_ppp_counted", "_ppp_distinct_rows", "_ppp_sample",
)  # fmt: skip
# What Spark's optimizer would ask of keys it asks of the columns that they are made of, in all ways there are: with 18
# columns it runs out of memory. It asks nothing below a column that is another in each run. No result depends on it.
FENCE = "SELECT * FROM (SELECT *, monotonically_increasing_id() AS _ppp_place FROM (\n{sql}\n)) WHERE _ppp_place >= 0"


def stages_of(call: Call, source: Source) -> dict[str, Stage]:
    """The stages of the statement of a call, by name, and the one that stands for an aggregate that Spark lacks."""
    stages = {stage.name: stage for stage in fit_stages(call, source, "_ppp_model")}
    if HASHES in stages:  # Spark has no map of the most frequent values, and is quick at md5
        stages[KEY_PARTS] = replace(stages[KEY_PARTS], sql=key_parts(call, are_hashed=False))
    if "_ppp_binned" in stages:
        by = [*group_column(call), "feature", "bin", "times", "is_uneven"]
        tallied = select([*by, "count(*) AS values_differ"], "_ppp_binned", f"GROUP BY {', '.join(by)}")
        stages[TALLIED] = Stage(TALLIED, tallied, "how many values are as frequent")
    return stages


def reading_stages(call: Call, source: Source, stages: Mapping[str, Stage]) -> dict[str, str]:
    """Of these stages those that read rows, as Spark runs them. Raises DialectError for what Spark is not known for."""
    types = {column.name: column.type for column in source.columns}
    values = {f"value_{index}": feature.type for index, feature in enumerate(call.features)}
    found = {
        name: in_spark(stages[name].sql, lambda column: (types if column.this.quoted else values)[column.name])
        for name in READING
        if name in stages
    }
    return {**found, KEY_PARTS: FENCE.format(sql=found[KEY_PARTS])}
