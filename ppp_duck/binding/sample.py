"""At bind time a call that fits becomes a chain of named SQL stages:

source -> features -> summary -> usable -> keyed -> distinct rows -> sample -> fit.

Nothing is read here: the statement that comes out reads and fits when it runs, in its own transaction.
Each stage is a function that returns its SQL; every name in it goes through ``quote``, every value through ``literal``.
With ``by`` every stage carries ``row_group``, and the extremes, keys and samples are each group's own.
"""

from __future__ import annotations

from ppp_duck.binding import wide
from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import FIT, ROW_GROUP, SAMPLE_COLUMNS
from ppp_duck.binding.key import HASHES, PRIME, WEIGHT_BITS, hashes, key_parts, keyed, text_names
from ppp_duck.binding.quoting import literal
from ppp_duck.binding.source import Source
from ppp_duck.binding.stages import Stage, form_names, group_column, grouped, indented, listed, select, source_stage
from ppp_duck.binding.summary import extremes, features, summary, usable
from ppp_duck.binding.values import choice_stages

BUCKETS = 4096  # by the low bits of the key: few enough to be counted in the processor's cache
QUOTA = 1.25  # distinct rows that are grouped for one that is sampled, where there are so many that all need not be
REPEATED_QUOTA = 2.0  # the same where rows repeat: the more are grouped, the more of those given often are kept
FEWEST_SAMPLED = 1 << 16  # rows are grouped as for a sample of so many at least: it costs less than to think about it
HEAVY = 1.25  # times the median: a bucket with more rows than that holds a heavy row, and is grouped whole
COUNTED_WHY = f"{BUCKETS} buckets of keys: how many rows each has, and the lowest key"
BUCKETS_WHY = """which share of the distinct rows is grouped: all, or enough for the sample
-- the lowest keys tell how many distinct rows there are; a bucket with a heavy row is grouped whole"""
SUMMARY_WHY = """the extremes, and which features help
-- a number x adds (x / 2 - half_low) * factor to the key of its row
-- factor: 2^50 places in the range of the feature, times a share between 1/2 and 1 that is its own
-- zero_or_null, added to a number: NULL for a feature that does not help
-- has_wide_range: one extreme may be so far out that all others have one place; they then add places on fixed grids"""
USABLE_WHY = "rows and values that the fit may see"
DISTINCT_WHY = "equal rows as one row with a weight"
KEY_WHY = f"""a number for each row that only its content decides: a sum modulo {PRIME} = 2^31 - 1, mixed twice"""
# In slices: DuckDB looks for an interrupt between them, which it cannot do inside a Python function. The fit has begun
# outside: in a correlated subquery DuckDB 1.4 goes through a recursive stage again for every row outside it.
FITTING = f"""FROM _ppp_begun
UNION ALL SELECT ppp__step(state) FROM _ppp_fitting WHERE starts_with(state, {literal(FIT)})"""
SAMPLE_WHY = "the rows of highest weight / key: equal chances for equal weights, and one row more, as the threshold"


def fit_stages(call: Call, source: Source, last: str) -> list[Stage]:
    """From the source to the stage ``last``, whose one row holds the state of the fitted models as ``model``."""
    content = Stage("_ppp_content", _content(call), "how many rows there are, and which: for the fingerprint")
    buckets = [
        Stage("_ppp_counted", _counted(call), COUNTED_WHY, kept=False),
        Stage("_ppp_buckets", _buckets(call), BUCKETS_WHY),
    ]
    # The state that is the last, as an aggregate: so DuckDB knows that it is one row.
    fitted = f"SELECT max(state) AS model FROM _ppp_fitting WHERE NOT starts_with(state, {literal(FIT)})"
    return [
        source_stage(source),
        *(wide.feature_stages(call) if call.is_wide else _feature_stages(call)),
        *(choice_stages(call) if call.automatic else []),
        Stage("_ppp_summary", (wide.summary if call.is_wide else summary)(call), SUMMARY_WHY),
        Stage("_ppp_usable", (wide.usable if call.is_wide else usable)(call), USABLE_WHY, kept=False),
        *_key_stages(call),
        Stage("_ppp_keyed", keyed(call), KEY_WHY, kept=False),
        *([content] if call.function == "ppp_fit" else []),
        *([] if call.options.by else buckets),
        Stage("_ppp_distinct_rows", _distinct_rows(call), DISTINCT_WHY, kept=call.has_lists),
        Stage("_ppp_sample", _sample(call), SAMPLE_WHY, kept=call.rows_may_repeat),
        Stage("_ppp_begun", _begun(call), "the fit begins"),
        Stage("_ppp_fitting(state)", FITTING, "the fit, in slices with room for an interrupt", kept=None),
        Stage(last, fitted, "the state of the fitted models"),
    ]


def _key_stages(call: Call) -> list[Stage]:
    are_hashed = bool(text_names(call)) and not (call.is_wide or call.options.by)  # a map in each row of a join is dear
    parts = wide.key_parts(call) if call.is_wide else key_parts(call, are_hashed=are_hashed)
    return [
        *([Stage(HASHES, hashes(call), "frequent texts and their hashes, to be looked up")] if are_hashed else []),
        Stage("_ppp_key_parts", parts, "what the features of a row add to its key", kept=False),
    ]


def _feature_stages(call: Call) -> list[Stage]:
    return [
        Stage("_ppp_features", features(call), "each feature as a number, a text or a vector", kept=False),
        Stage("_ppp_extremes", extremes(call), "counts and exact extremes over all rows"),
    ]


def _content(call: Call) -> str:
    counted = "count(*)"
    if call.options.missing == "auto":  # a row that has no feature at all is not used
        has_one = " OR ".join(f"{name} IS NOT NULL" for name in form_names(call))
        counted += f" FILTER ({f'{wide.known_features(call)} > 0' if call.is_wide else has_one})"
    values = [*group_column(call), f"{counted} AS used_rows", "sum(content_key) AS key_sum"]
    values.append("bit_xor(content_key) AS key_xor")
    if call.options.weight is not None:
        values.append("sum(weight_units) AS units")
    return select(values, "_ppp_keyed", grouped(call))


def _counted(call: Call) -> str:
    rows = "count(*)" if call.options.weight is None else "sum(weight_units)"
    columns = [f"content_key % {BUCKETS} AS bucket", f"{rows} AS size", "min(content_key) AS lowest_key"]
    return select(columns, "_ppp_keyed", "GROUP BY bucket")


def _buckets(call: Call) -> str:
    """Which share of the distinct rows of a bucket is grouped: those of smallest key, or all where one is heavy.

    To group ten million distinct rows costs more than all else. Where there are far more than the sample holds, a
    random part of them (by the key) is grouped, weighted by its inverse: the sample of that sample is unbiased too. It
    is a larger part where rows repeat: then more of those given often are kept. The smallest keys of the buckets tell
    how many distinct rows there are (Bar-Yossef et al. 2002: their mean is buckets / rows). Counts and sums of
    integers: no order matters.
    """
    empty = f"({BUCKETS} - count(*) OVER ()) * {PRIME}"  # an empty bucket's lowest key is the highest there is
    one = f"(sum(lowest_key) OVER () + {empty}) / {literal(float(PRIME * BUCKETS**2))} AS share_of_one_row"
    heavy = f"size > {literal(HEAVY)} * median(size) OVER () AS is_heavy"
    estimated = select(["bucket", "size", one, heavy], "_ppp_counted")
    quota = literal(REPEATED_QUOTA)
    if call.options.weight is None:  # else the sum of sizes is no number of rows
        quota = f"least({quota}, {literal(QUOTA)} * greatest(1e0, sum(size) OVER () * share_of_one_row))"
    sampled = literal(float(max(call.options.sample_size, FEWEST_SAMPLED)))
    share = f"CASE WHEN is_heavy THEN 1e0 ELSE least(1e0, {sampled} * {quota} * share_of_one_row) END AS share"
    return select(["bucket", share], indented(estimated))


def _distinct_rows(call: Call) -> str:
    """Equal rows as one, with what it stands for. ``share`` is not in ``priority``: it divides both weight and key."""
    weight = (
        "count(*)"
        if call.options.weight is None
        else f"sum(weight_units) / {literal(2.0 ** (WEIGHT_BITS - 1))} * any_value(half_of_heaviest)"
    )
    columns = [*group_column(call), *form_names(call)]
    group_by = f"GROUP BY {', '.join([*columns, 'uniform_key'])}"
    counted = f"CAST({weight} AS DOUBLE)"
    if call.options.by:  # a group is grouped whole: most are small
        rows = select([*columns, "uniform_key", f"{counted} AS weight"], "_ppp_keyed", group_by)
        return f"SELECT *, weight / uniform_key AS priority FROM {indented(rows)}"
    # The largest share first: where no bucket holds a heavy row, few rows are left to look up.
    most = "(SELECT max(share) AS largest_share FROM _ppp_buckets)"
    some = f"SELECT * FROM _ppp_keyed, {most} WHERE uniform_key < largest_share"
    looked_up = f"{indented(some)} JOIN _ppp_buckets ON bucket = content_key % {BUCKETS}"
    rows = select(
        [*columns, "uniform_key", f"{counted} AS counted", "any_value(share) AS share"],
        looked_up, "WHERE uniform_key < share", group_by,
    )  # fmt: skip
    return select([*columns, "counted / share AS weight", "counted / uniform_key AS priority"], indented(rows))


def _sample(call: Call) -> str:
    """Priority sampling (Duffield, Lund and Thorup 2007): the rows with the largest weight / key, heavy ones always.

    One row more than asked for: its priority is the threshold that unbiased weights need. Rows of long lists are not
    compared here: all that have its priority are taken, and Python leaves out those that are too many.
    """
    size = call.options.sample_size + 1
    columns = [*group_column(call), *form_names(call), *SAMPLE_COLUMNS]
    if call.has_lists and call.options.by:
        rank = f"rank() OVER (PARTITION BY {ROW_GROUP} ORDER BY priority DESC)"
        return select(columns, "_ppp_distinct_rows", f"QUALIFY {rank} <= {size}")
    if call.has_lists:
        highest = f"SELECT priority FROM _ppp_distinct_rows ORDER BY priority DESC LIMIT {size}"
        lowest = f"(SELECT min(priority) FROM ({highest}))"
        return select(columns, "_ppp_distinct_rows", f"WHERE priority >= {lowest}")
    if call.options.by:
        rank = f"row_number() OVER (PARTITION BY {ROW_GROUP} ORDER BY {sample_order(call)})"
        return select(columns, "_ppp_distinct_rows", f"QUALIFY {rank} <= {size}")
    return select(columns, "_ppp_distinct_rows", f"ORDER BY {sample_order(call)}", f"LIMIT {size}")


def sample_order(call: Call) -> str:
    return ", ".join(["priority DESC NULLS LAST", *(f"{name} ASC NULLS LAST" for name in form_names(call))])


def sample_list(call: Call) -> str:
    """The sampled rows as one list of structs, in canonical order where Python does not see to it."""
    fields = ", ".join(f"'{name}': {name}" for name in [*form_names(call), *SAMPLE_COLUMNS])
    order = "" if call.are_sorted_in_python else f"\n      ORDER BY {sample_order(call)}"
    return f"list({{{fields}}}{order})"


def _begun(call: Call) -> str:
    """A fit begins. It is given a list of groups, of one without ``by``.

    Of each: the group, its summary, its sample, what its fingerprint needs.
    """
    with_content = call.function == "ppp_fit"
    if call.options.by:
        content = ", 'content': _ppp_content" if with_content else ""
        lists = indented(select([ROW_GROUP, f"{sample_list(call)} AS rows"], "_ppp_sample", grouped(call)))
        one = f"{{'{ROW_GROUP}': {ROW_GROUP}, 'summary': _ppp_summary, 'rows': rows{content}}}"
        joined = f"_ppp_summary LEFT JOIN {lists} USING ({ROW_GROUP})"
        joined += f" LEFT JOIN _ppp_content USING ({ROW_GROUP})" if with_content else ""
        groups = indented(f"SELECT list({one} ORDER BY {ROW_GROUP})\nFROM {joined}")
    else:
        content = ",\n    'content': (SELECT _ppp_content FROM _ppp_content)" if with_content else ""
        groups = f"[{{'{ROW_GROUP}': '[]',\n    'summary': (SELECT _ppp_summary FROM _ppp_summary),\n"
        groups += f"    'rows': (SELECT {sample_list(call)} FROM _ppp_sample){content}}}]"
    begin = listed([literal(call.to_json()), groups, "version()", "ppp__statement()"])
    return f"SELECT ppp__fit(\n  {begin}) AS state"
