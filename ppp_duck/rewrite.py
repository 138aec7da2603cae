"""At bind time a call that fits becomes a chain of named SQL stages:

source -> features -> summary -> usable -> keyed -> merged -> sample -> fit.

Nothing is read here: the statement that comes out reads and fits when it runs, in its own transaction.
Each stage is a function that returns its SQL; every name in it goes through ``quote``, every value through ``literal``.
With ``by`` every stage carries ``g``, the group of a row, and the extremes, keys and samples are each group's own.
"""

from __future__ import annotations

from collections.abc import Iterable

from ppp_duck.calls import Call, Feature
from ppp_duck.sources import Source, literal, quote

# Content key: a sum of every row's features in arithmetic that any SQL engine repeats exactly, as a whole number modulo
# PRIME, 2^31 - 1. A text's part is below 2^28, as its coefficient is: GROUP of their products fit a BIGINT.
PRIME = 2_147_483_647
PLACE_BITS = 50  # of a feature's place between its extremes; a double holds the sum of eight
BLOCK = 8  # features whose places, nine each at most, are one sum before it becomes a whole number
NARROWEST = 2.0**-900  # a narrower range of values is one place: its inverse would overflow
GROUP = 15
VECTOR_PROBES = 8  # positions of a vector that enter its key: enough to tell rows apart, cheap for 1,000 positions
BUCKETS = 4096  # by the low bits of the key: few enough to be counted in the processor's cache
QUOTA = 1.25  # distinct rows that are grouped for one that is sampled, where there are so many that all need not be
REPEATED_QUOTA = 2.0  # the same where rows repeat: the more are grouped, the more of those given often are kept
FEWEST_SAMPLED = 1 << 16  # rows are grouped as for a sample of so many at least: it costs less than to think about it
REPEATED = 4  # rows of the source for one distinct row, from which equal ones are looked up and not scored again
HEAVY = 1.25  # times the median: a bucket with more rows than that holds a heavy row, and is grouped whole
WEIGHT_BITS = 50  # weights are summed as integers in units of 2^-50 of the largest: exact in any order


Stage = tuple[str, str, str]  # name, MATERIALIZED or not, SQL


def source_stage(source: Source, name: str = "_ppp_source") -> Stage:
    return (name, "NOT MATERIALIZED" if source.repeatable else "MATERIALIZED", f"SELECT * FROM {source.relation}")


def with_stages(stages: Iterable[Stage], query: str) -> str:
    """One statement: a WITH of all stages, and the query that reads them."""
    text = []
    for name, materialized, sql in stages:
        head = f"{name}(state) AS" if name == "_ppp_steps" else f"{name} AS {materialized}"
        text.append(f"{head} (\n{sql}\n)")
    chain = ",\n".join(text)
    return f"WITH RECURSIVE {chain}\n{query}"


def fit_stages(call: Call, source: Source) -> list[Stage]:
    """From the source to ``_ppp_fit``, whose one row holds the key of the fitted models."""
    used: list[Stage] = [("_ppp_used", "MATERIALIZED", _used(call))] if call.function == "ppp_fit" else []
    buckets: list[Stage] = [] if call.options.by else [("_ppp_buckets", "MATERIALIZED", _buckets(call))]
    return [
        source_stage(source),
        ("_ppp_features", "NOT MATERIALIZED", _features(call)),
        ("_ppp_summary", "MATERIALIZED", _summary(call)),
        ("_ppp_usable", "NOT MATERIALIZED", _usable(call)),
        ("_ppp_parts", "NOT MATERIALIZED", _parts(call)),
        ("_ppp_keyed", "NOT MATERIALIZED", _keyed(call)),
        *used,
        *buckets,
        ("_ppp_merged", "NOT MATERIALIZED", _merged(call)),
        ("_ppp_sample", "MATERIALIZED" if rows_may_repeat(call) else "NOT MATERIALIZED", _sample(call)),
        ("_ppp_steps", "", _steps(call)),
        # The state that is the last, in the form of an aggregate: so DuckDB knows that it is one row.
        ("_ppp_fit", "MATERIALIZED", "SELECT max(state) AS model FROM _ppp_steps WHERE NOT starts_with(state, 'fit:')"),
    ]


def _forms(call: Call) -> Iterable[tuple[int, Feature, str]]:
    return ((index, feature, form) for index, feature in enumerate(call.features) for form in feature.forms)


def value(form: str, column: str) -> str:
    """One form of a column, by the typed macros of sql/feature_types.sql."""
    return f"{ {'n': 'ppp__number', 't': 'ppp__text', 'v': 'ppp__vector', 'g': 'ppp__group'}[form] }({column})"


def _names(call: Call) -> list[str]:
    return [f"{form}{index}" for index, _, form in _forms(call)]


def _lines(items: Iterable[str]) -> str:
    return ",\n  ".join(items)


def group_key(columns: Iterable[str]) -> str:
    """The group of a row as one text: a JSON list of the ``by`` columns as texts."""
    return f"CAST(to_json({group_values(columns)}) AS VARCHAR)"


def group_values(columns: Iterable[str]) -> str:
    return f"[{', '.join(value('g', quote(name)) for name in columns)}]"


def _group(call: Call) -> list[str]:
    return ["g"] if call.options.by else []


def _with_summary(call: Call, relation: str) -> str:
    """A relation beside the summary of all rows, or of each row's group."""
    return f"{relation} JOIN _ppp_summary USING (g)" if call.options.by else f"{relation}, _ppp_summary"


def _features(call: Call) -> str:
    values = [f"{group_key(call.options.by)} AS g"] if call.options.by else []
    values += [f"{value(form, '_ppp_source.' + quote(feature.name))} AS {form}{i}" for i, feature, form in _forms(call)]
    values += [f"typeof({quote(feature.name)}) AS y{i}" for i, feature in enumerate(call.features)]
    values += [f"{quote(f.name)} AS k{i}" for i, f in enumerate(call.features) if f.may_be_key]
    if call.options.weight is not None:
        values.append(f"ppp__number({quote(call.options.weight)}) AS w")
    return f"SELECT\n  {_lines(values)}\nFROM _ppp_source"


def _finite(form: str, name: str) -> str:
    if form == "t":
        return f"{name} IS NOT NULL"
    if form == "n":
        return f"isfinite({name})"
    return f"(isfinite(list_sum({name})) AND list_count({name}) = len({name}))"


def _summary(call: Call) -> str:
    """Counts and exact extremes of every feature over all rows, and whether it can help: all order-free."""
    values = [*_group(call), "count(*) AS n"]
    values += [f"any_value(y{i}) AS type{i}" for i in range(len(call.features))]
    known, places = [], []
    for index, feature, form in _forms(call):
        name = f"{form}{index}"
        if form == "t":
            values += [f"count({name}) AS {name}_n", f"count({name}) AS {name}_finite"]
            values.append(f"min({name}) = max({name}) AS {name}_constant")
        else:
            known.append(f"CASE WHEN {_finite(form, name)} THEN {name} END AS {name}_known")
            values += [f"count({name}) AS {name}_n", f"count({name}_known) AS {name}_finite"]
            weighty = " FILTER (w > 0)" if call.options.weight is not None else ""  # a row of weight 0 is no row
            least, most = (f"{name}_known",) * 2 if form == "n" else (f"list_{m}({name}_known)" for m in ("min", "max"))
            values += [f"min({least}){weighty} AS {name}_low", f"max({most}){weighty} AS {name}_high"]
            places += _place(index, form)
        if form == "v":
            values += [f"min(len({name})) AS {name}_shortest", f"max(len({name})) AS {name}_longest"]
        if feature.may_be_key:
            values.append(f"count(DISTINCT k{index}) AS k{index}_distinct")
    if call.options.weight is not None:
        values += ["count(*) FILTER (w < 0) AS w_negative", "count(*) FILTER (NOT isfinite(w)) AS w_infinite",
                   "max(w) FILTER (isfinite(w)) AS w_high"]  # fmt: skip
    flags = []
    for index, feature in enumerate(call.features if call.automatic else ()):
        flags.append(f"{_helps(feature, index)} AS use{index}")
        if "n" in feature.forms:
            flags.append(f"CASE WHEN use{index} THEN 0e0 END AS zero{index}")
    if flags:
        flags.append(f"({' AND '.join(f'use{index}' for index in range(len(call.features)))}) AS every")
    rows = f"(SELECT {_lines(['*', *known])}\nFROM _ppp_features)"
    grouped = " GROUP BY g" if call.options.by else ""
    return f"SELECT {_lines(['*', *places, *flags])}\nFROM (SELECT\n  {_lines(values)}\nFROM {rows}{grouped})"


def _place(index: int, form: str) -> list[str]:
    """Where the places of a feature begin, and how many there are to a unit of half its values.

    Halves, so that the range of doubles of opposite sign does not overflow. Each position of each feature has a factor
    of its own, between 1/2 and 1, so that rows which differ in two features in opposite ways have different sums.
    """
    name = f"{form}{index}"
    width = f"greatest({name}_high * 0.5e0 - {name}_low * 0.5e0, {literal(NARROWEST)})"
    places = [f"{name}_low * 0.5e0 AS {name}_first"]
    for probe, coefficient in zip(_probes(form), _coefficients(index, form), strict=True):
        factor = 0.5 + coefficient / 2**29
        places.append(f"{literal(factor * 2.0**PLACE_BITS)} / {width} AS {name}_per{probe}")
    return places


def _helps(feature: Feature, index: int) -> str:
    """Whether an automatically chosen column can help; ``fitting._dropped_features`` says in words why not."""
    name = f"{feature.forms}{index}"
    if feature.forms == "t":
        return f"({name}_n > 0 AND NOT {name}_constant AND 2 * k{index}_distinct <= {name}_n)"
    varies = f"{name}_finite > 0 AND {name}_high > {name}_low"
    return f"({varies} AND k{index}_distinct < {name}_n)" if feature.may_be_key else f"({varies})"


def _skips_by_key(call: Call) -> bool:
    """Whether a missing feature makes the key NULL, and that leaves the row out: cheaper than to ask every feature."""
    return call.options.missing == "skip" and all(len(feature.forms) == 1 for feature in call.features)


def _usable_value(call: Call, index: int, form: str, name: str) -> str:
    """What the engine may see of a feature: NULL where it is not finite or does not help."""
    canonical = f"{name} + 0e0" if form == "n" else name  # adding 0 makes -0 equal to 0
    conditions = [f"use{index}"] if call.automatic else []
    conditions += [] if form != "v" and _skips_by_key(call) else [_finite(form, name)]
    if form == "n" and conditions == [f"use{index}"]:  # as a sum: with a constant, CASE takes longer
        return f"{name} + zero{index}"
    return f"CASE WHEN {' AND '.join(conditions)} THEN {canonical} END" if conditions else canonical


def _usable(call: Call) -> str:
    """Rows the engine may see: finite features that help (others become NULL), positive weights."""
    values = _group(call)
    for index, _, form in _forms(call):
        values.append(f"{_usable_value(call, index, form, f'{form}{index}')} AS {form}{index}")
    conditions = []
    if call.options.missing == "skip" and not _skips_by_key(call):
        for index, feature in enumerate(call.features):
            known = " OR ".join(_finite(form, f"{form}{index}") for form in feature.forms)
            skippable = f"NOT use{index} OR " if call.automatic else ""
            conditions.append(f"({skippable}{known})")
    if call.options.weight is not None:
        values.append("w")
        conditions.append("w > 0 AND isfinite(w)")
    where = f"\nWHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT\n  {_lines(values)}\nFROM {_with_summary(call, '_ppp_features')}{where}"


def _parts(call: Call) -> str:
    """What goes into the key: of a text a hash, of numbers their places between the exact extremes, block by block."""
    values = [*_group(call), *_names(call)]
    for index, _, form in _forms(call):
        if form == "t":
            digits = f"CAST('0x' || left(md5(t{index}), 7) AS BIGINT)"
            values.append(f"{_part(call, index, digits, '0')} AS p_t{index}")
    for block, places in _blocks(call).items():
        total = " + ".join(_part(call, index, place, "0e0") for index, place in places)
        if call.automatic and _skips_by_key(call):  # mostly all features help: then no CASE for each
            total = f"CASE WHEN every THEN {' + '.join(place for _, place in places)} ELSE {total} END"
        values.append(f"{total} AS places{block}")
    if call.options.weight is not None:
        values.append(f"CAST(w * pow(2e0, {WEIGHT_BITS} - ceil(log2(w_high))) AS HUGEINT) AS units")
        values.append(f"pow(2e0, {WEIGHT_BITS} - ceil(log2(w_high))) AS unit")
    return f"SELECT\n  {_lines(values)}\nFROM {_with_summary(call, '_ppp_usable')}"


def _blocks(call: Call) -> dict[int, list[tuple[int, str]]]:
    """The places of numbers, and of positions of vectors, with the index of their feature, by block of features."""
    blocks: dict[int, list[tuple[int, str]]] = {}
    for index, _, form in _forms(call):
        for probe in _probes(form) if form != "t" else ():
            name = f"{form}{index}"
            at = name if form == "n" else f"{name}[1 + len({name}) * {probe[1:]} // {VECTOR_PROBES}]"
            place = f"({at} * 0.5e0 - {name}_first) * {name}_per{probe}"
            blocks.setdefault(index // BLOCK, []).append((index, place))
    return blocks


def _part(call: Call, index: int, part: str, nothing: str) -> str:
    """What a feature adds to the key: nothing where it does not help, or is missing and that does not skip the row."""
    if not _skips_by_key(call):
        return f"coalesce({part}, {nothing})"
    return f"CASE WHEN use{index} THEN {part} ELSE {nothing} END" if call.automatic else part


def _probes(form: str) -> list[str]:
    """Endings of the names of a form's parts: a vector has several."""
    return [f"_{i}" for i in range(VECTOR_PROBES)] if form == "v" else [""]


def _keyed(call: Call) -> str:
    """Content key ``h`` in [0, PRIME): a sum modulo a prime, mixed twice so that grids spread evenly too.

    ``u`` is its place in (0, 1). A sum that is not finite, of a row with a hole, is no number: no key.
    """
    # Forms that a column does not have add nothing, and features are summed in fixed blocks: so the key is the same
    # whether or not the column's type was known at bind time.
    texts = [
        f"p_t{index} * {coefficient}"
        for index, _, form in _forms(call)
        if form == "t"
        for coefficient in _coefficients(index, form)
    ]
    whole = [f"({' + '.join(texts[i : i + GROUP])}) % {PRIME}" for i in range(0, len(texts), GROUP)]
    whole += [f"TRY_CAST(places{block} AS BIGINT) % {PRIME}" for block in _blocks(call)]
    columns = [*_group(call), *_names(call), *(["units", "unit"] if call.options.weight is not None else [])]
    once = f"({' + '.join(whole)}) % {PRIME}" if len(whole) > 1 else whole[0]
    mixed = f"SELECT {_lines(columns)}, {once} AS h FROM _ppp_parts"
    for add in (715_225_739, 479_001_599):
        mixed = f"SELECT * REPLACE ((h * (h + {add})) % {PRIME} AS h) FROM ({mixed})"
    return f"SELECT *, (h + 0.5e0) / {literal(float(PRIME))} AS u FROM ({mixed}) WHERE h IS NOT NULL"


def _coefficients(index: int, form: str) -> list[int]:
    """Fixed odd numbers below 2^28, one for each part of a form: the same on every machine, no two alike."""
    first = (2 + VECTOR_PROBES) * index + {"n": 0, "t": 1, "v": 2}[form]
    # a multiplicative sequence (MINSTD's multiplier)
    return [pow(48_271, first + i, PRIME) >> 3 | 1 for i in range(1, len(_probes(form)) + 1)]


def _buckets(call: Call) -> str:
    """Which part of the distinct rows of a bucket need be grouped: those of smallest key, or all where one is heavy.

    To group ten million distinct rows costs more than all else. Where there are far more than the sample holds, a
    random part of them (by the key) is grouped, weighted by its inverse: the sample of that sample is unbiased too. It
    is a larger part where rows repeat: then more of those given often are kept. The smallest keys of the buckets tell
    how many distinct rows there are (Bar-Yossef et al. 2002: their mean is buckets / rows). Counts and sums of
    integers: no order matters.
    """
    rows = "count(*)" if call.options.weight is None else "sum(units)"
    counted = f"SELECT h % {BUCKETS} AS bucket, {rows} AS size, min(h) AS lowest FROM _ppp_keyed GROUP BY bucket"
    empty = f"({BUCKETS} - count(*) OVER ())"
    one = f"(sum(lowest) OVER () + {empty} * {PRIME}) / {literal(float(PRIME * BUCKETS**2))}"
    quota = literal(REPEATED_QUOTA)
    if call.options.weight is None:  # else the sum of sizes is no number of rows
        quota = f"least({quota}, {literal(QUOTA)} * greatest(1e0, sum(size) OVER () * {one}))"
    sampled = literal(float(max(call.options.sample_size, FEWEST_SAMPLED)))
    share = f"least(1e0, {sampled} * {quota} * {one})"
    heavy = f"size > {literal(HEAVY)} * median(size) OVER ()"
    return f"SELECT bucket, CASE WHEN {heavy} THEN 1e0 ELSE {share} END AS part\nFROM ({counted})"


def _merged(call: Call) -> str:
    """Equal rows as one, with what it stands for. ``part`` is not in ``priority``: it divides both weight and key."""
    weight = "count(*)" if call.options.weight is None else "sum(units) / any_value(unit)"
    names = _lines([*_group(call), *_names(call)])
    if call.options.by:  # a group is grouped whole: most are small
        merged = f"SELECT {names}, u, CAST({weight} AS DOUBLE) AS weight\nFROM _ppp_keyed"
        return f"SELECT *, weight / u AS priority FROM (\n{merged}\nGROUP BY {names}, u)"
    # The largest part first: where no bucket holds a heavy row, few rows are left to look up.
    most = "(SELECT * FROM _ppp_keyed, (SELECT max(part) AS most FROM _ppp_buckets) WHERE u < most)"
    rows = f"FROM {most} JOIN _ppp_buckets ON bucket = h % {BUCKETS} WHERE u < part"
    counted = f"CAST({weight} AS DOUBLE) AS counted, any_value(part) AS part"
    merged = f"SELECT {names}, u, {counted}\n{rows}\nGROUP BY {names}, u"
    return f"SELECT {names}, counted / part AS weight, counted / u AS priority FROM (\n{merged})"


def _sample(call: Call) -> str:
    """Priority sampling (Duffield, Lund and Thorup 2007): the rows with the largest weight / key, heavy ones always.

    One row more than asked for: its priority is the threshold that unbiased weights need.
    """
    size = call.options.sample_size + 1
    columns = _lines([*_group(call), *_names(call), "weight", "priority"])
    if call.options.by:
        rank = f"row_number() OVER (PARTITION BY g ORDER BY {_order(call)})"
        return f"SELECT {columns} FROM _ppp_merged\nQUALIFY {rank} <= {size}"
    return f"SELECT {columns} FROM _ppp_merged\nORDER BY {_order(call)} LIMIT {size}"


def rows_may_repeat(call: Call) -> bool:
    """Whether it is worth to look equal rows up: not where a vector makes that dear, nor group by group."""
    return not call.options.by and all(feature.forms in ("n", "t") for feature in call.features)


def known_stage(call: Call, models: str, scored: str) -> Stage:
    """The score of each distinct row, if the sample holds all of them and most rows of the source repeat one.

    ``scored`` is the call that scores a row of the sample.
    """
    all_and_few = f"least({call.options.sample_size}, (SELECT n FROM _ppp_summary) // {REPEATED})"
    sql = f"SELECT {_lines(_names(call))}, {scored} AS known\nFROM _ppp_sample, {models}\n" \
          f"WHERE (SELECT count(*) FROM _ppp_sample) <= {all_and_few}"  # fmt: skip
    return ("_ppp_known", "MATERIALIZED", sql)


def join_known(call: Call) -> str:
    """Behind a FROM with ``_ppp_source``: what is known of the row, or NULL."""
    pairs = [
        f"{_usable_value(call, i, form, value(form, '_ppp_source.' + quote(feature.name)))} IS NOT DISTINCT FROM "
        f"_ppp_known.{form}{i}"
        for i, feature, form in _forms(call)
    ]
    flags = " CROSS JOIN _ppp_summary" if call.automatic else ""
    return f"{flags}\n  LEFT JOIN _ppp_known ON {f'{chr(10)}  AND '.join(pairs)}"


def _order(call: Call) -> str:
    return ", ".join(["priority DESC NULLS LAST", *(f"{name} ASC NULLS LAST" for name in _names(call))])


def sample_list(call: Call) -> str:
    """The sampled rows as one list of structs. In canonical order, but for numbers alone: numpy sorts them sooner."""
    fields = ", ".join(f"'{name}': {name}" for name in [*_names(call), "weight", "priority"])
    order = "" if are_numbers(call) else f" ORDER BY {_order(call)}"
    return f"list({{{fields}}}{order})"


def are_numbers(call: Call) -> bool:
    """Whether all features are known to be numbers."""
    return all(feature.forms == "n" for feature in call.features)


def _used(call: Call) -> str:
    """What the fingerprint adds to the sample: how many rows there are and, whatever their order, which."""
    values = [*_group(call), "count(*) AS used_rows", "sum(h) AS key_sum", "bit_xor(h) AS key_xor"]
    if call.options.weight is not None:
        values.append("sum(units) AS units")
    grouped = " GROUP BY g" if call.options.by else ""
    return f"SELECT {_lines(values)}\nFROM _ppp_keyed{grouped}"


def _steps(call: Call) -> str:
    """The fit, in slices: DuckDB looks for an interrupt between them, which it cannot do inside a Python function.

    It is given a list of groups, of one without ``by``: the group, its summary, its sample.
    """
    with_used = call.function == "ppp_fit"
    if call.options.by:
        used = ", 'used': _ppp_used" if with_used else ""
        lists = f"(SELECT g, {sample_list(call)} AS rows FROM _ppp_sample GROUP BY g)"
        groups = f"SELECT list({{'g': g, 'summary': _ppp_summary, 'rows': rows{used}}} ORDER BY g)\n"
        groups += f"FROM _ppp_summary LEFT JOIN {lists} USING (g)"
        groups += " LEFT JOIN _ppp_used USING (g)" if with_used else ""
        groups = f"({groups})"
    else:
        used = ", 'used': (SELECT _ppp_used FROM _ppp_used)" if with_used else ""
        groups = "[{'g': '[]', 'summary': (SELECT _ppp_summary FROM _ppp_summary),\n"
        groups += f"  'rows': (SELECT {sample_list(call)} FROM _ppp_sample){used}}}]"
    return f"SELECT ppp__fit({literal(call.to_json())}, {groups}, version(), ppp__connection())\n" \
           "UNION ALL SELECT ppp__step(state) FROM _ppp_steps WHERE starts_with(state, 'fit:')"  # fmt: skip
