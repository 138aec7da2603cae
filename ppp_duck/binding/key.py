"""The content key of a row: what decides which rows are sampled, whatever their order.

The key is a sum of the row's features, in arithmetic that any SQL engine repeats exactly, as a whole number modulo
``PRIME``. A number adds its place between the exact extremes of its column, a text a hash, a vector some positions.
Where one extreme is so far out (a sentinel of 9.2e18) that all other numbers may have one place, they also add their
places on grids that have nothing to do with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ppp_duck.binding.call import Call
from ppp_duck.binding.interface import FEATURE_FORMS, NUMBER, TEXT, VECTOR, numbered
from ppp_duck.binding.quoting import literal
from ppp_duck.binding.stages import feature_forms, form_names, group_column, indented, select

PRIME = 2_147_483_647  # 2^31 - 1: the product of two keys fits a BIGINT
MIXERS = (715_225_739, 479_001_599)  # h -> h (h + mixer) mod PRIME, twice: grids spread as evenly as random numbers
PLACE_BITS = 50  # of a feature's place between its extremes: a double holds the sum of BLOCK of them
BLOCK = 8  # features whose places are one sum before it becomes a whole number
TEXT_DIGITS = 7  # hexadecimal, of a text's md5: 28 bits, as its factor has
TEXT_SUM = 15  # products of two such numbers whose sum fits a BIGINT
PROBES = 8  # positions of a vector that enter its key: enough to tell rows apart, cheap for 1,000 positions
# Half of a range from which a number also has places on grids: steps of 2^-30, up to 2^33; and of 2^10, up to 2^73.
WIDE_RANGE, GRIDS = 2.0**40, (2.0**30, 2.0**-10)
NARROWEST = 2.0**-900  # a narrower range of values is one place: its inverse would overflow
LEAST_EXPONENT = -1022  # of a double with all its digits
HASHED_ONCE = 32  # values of a text whose hashes are looked up: md5 takes four times as long
HASHES = "_ppp_hashes"
WEIGHT_BITS = 50  # weights are summed as integers in units of 2^-50 of the heaviest: exact in any order


def places_of(index: int, form: str) -> list[str]:
    """Where the places of a feature begin, and how many there are to a unit of half its values.

    Halves, so that the range of doubles of opposite sign does not overflow. Each position of each feature has a factor
    of its own, between 1/2 and 1, so that rows which differ in two features in opposite ways have different sums.
    """
    name = numbered(form, index)
    width = f"greatest({name}_high * 0.5e0 - {name}_low * 0.5e0, {literal(NARROWEST)})"
    places = [f"{name}_low * 0.5e0 AS {name}_half_low"]
    for probe, odd in zip(_probes(form), odd_numbers(index, form), strict=True):
        factor = 0.5 + odd / 2**29
        places.append(f"{literal(factor * 2.0**PLACE_BITS)} / {width} AS {name}_factor{probe}")
    return places


def wide_range(name: str) -> str:
    """Whether the range of a number is so wide that values may have to be told apart by places on grids."""
    return f"{name}_high * 0.5e0 - {name}_low * 0.5e0 > {literal(WIDE_RANGE)}"


def grid_places(value: str, index: int) -> list[str]:
    """The places of a number on the grids, from 0 up to twice PRIME; 0 beyond them."""
    factor = 0.5 + odd_numbers(index, NUMBER)[0] / 2**29
    places = (f"TRY_CAST({value} * {literal(factor * grid)} AS BIGINT)" for grid in GRIDS)
    return [f"coalesce({place} % {PRIME} + {PRIME}, 0)" for place in places]


def hashes(call: Call) -> str:
    """Of each text the hashes of its frequent values. Which ones is of no matter: of the others md5 is taken."""
    columns = []
    for name in text_names(call):
        frequent = f"approx_top_k({name}, {HASHED_ONCE})"
        pairs = f"list_transform({frequent}, lambda one: {{'text': one, 'hash': {_hash('one')}}})"
        columns.append(f"map_from_entries({pairs}) AS {name}_hashes")
    return select(columns, "_ppp_features")


def text_names(call: Call) -> list[str]:
    return [numbered(TEXT, index) for index, _, form in feature_forms(call) if form == TEXT]


def number_names(call: Call) -> dict[str, int]:
    return {numbered(NUMBER, index): index for index, _, form in feature_forms(call) if form == NUMBER}


def _hash(text: str) -> str:
    return f"CAST('0x' || left(md5({text}), {TEXT_DIGITS}) AS BIGINT)"


def key_parts(call: Call, *, are_hashed: bool) -> str:
    """What each row adds to its key: of texts a hash each, of numbers their places, summed block by block.

    ``are_hashed``: the hashes of frequent texts are those of the stage ``HASHES``.
    """
    values = [*group_column(call), *form_names(call)]
    for index, _, form in feature_forms(call):
        if form == TEXT:
            name = numbered(TEXT, index)
            digits = f"coalesce({name}_hashes[{name}], {_hash(name)})" if are_hashed else _hash(name)
            values.append(f"{_part(call, index, digits, '0')} AS {name}_hash")
    for block, places in _blocks(call).items():
        total = _sum(_part(call, index, place, "0e0") for index, place in places)
        if call.automatic and call.key_skips:  # mostly all features help: then no CASE for each
            total = f"CASE WHEN all_help THEN {_sum(place for _, place in places)}\n    ELSE {total} END"
        values.append(f"{total} AS places_{block}")
    if numbers := number_names(call):
        on_grids = _sum(place for name, index in numbers.items() for place in grid_places(name, index))
        values.append(f"CASE WHEN has_wide_range THEN {on_grids}\n    ELSE 0 END AS grid_places")
    values += weight_parts(call)
    return select(values, f"_ppp_usable, {HASHES}" if are_hashed else "_ppp_usable")


def weight_unit(call: Call) -> list[str]:
    """Half of the power of two above the heaviest: that, and what is divided by it, are in the range of doubles."""
    if call.options.weight is None:
        return []
    power = f"pow(2e0, greatest(ceil(log2(heaviest)) - 1, {LEAST_EXPONENT}))"
    return [f"CASE WHEN heaviest > 0 THEN {power} END AS half_of_heaviest"]


def weight_parts(call: Call) -> list[str]:
    """The weight of a row in units, and what they are units of."""
    if call.options.weight is None:
        return []
    units = f"CAST(row_weight / half_of_heaviest * {literal(2.0 ** (WEIGHT_BITS - 1))} AS BIGINT)"
    return [f"greatest({units}, 1) AS weight_units", "half_of_heaviest"]  # the lightest is there, too


def keyed(call: Call) -> str:
    """Rows with ``content_key`` in [0, PRIME), and ``uniform_key``, its place in (0, 1).

    A sum that is not finite, of a row with a hole, is no number: no key. Forms that a column does not have add
    nothing, and features are summed in fixed blocks: so the key is the same whether or not the column's type was known
    at bind time.
    """
    total = "content_key" if call.is_wide else f"{_total(call)} AS content_key"
    weights = ["weight_units", "half_of_heaviest"] if call.options.weight is not None else []
    rows = select([*group_column(call), *form_names(call), *weights, total], "_ppp_key_parts")
    for mixer in MIXERS:
        mixed = f"(content_key * (content_key + {mixer})) % {PRIME} AS content_key"
        rows = f"SELECT * REPLACE ({mixed}) FROM {indented(rows)}"
    uniform = f"(content_key + 0.5e0) / {literal(float(PRIME))} AS uniform_key"
    return f"SELECT *, {uniform} FROM {indented(rows)} WHERE content_key IS NOT NULL"


def _total(call: Call) -> str:
    hashes = [
        f"{numbered(TEXT, index)}_hash * {odd}"
        for index, _, form in feature_forms(call)
        if form == TEXT
        for odd in odd_numbers(index, form)
    ]
    whole = [f"({' + '.join(hashes[i : i + TEXT_SUM])}) % {PRIME}" for i in range(0, len(hashes), TEXT_SUM)]
    whole += [f"TRY_CAST(places_{block} AS BIGINT) % {PRIME}" for block in _blocks(call)]
    whole += ["grid_places"] if number_names(call) else []
    return f"({' + '.join(whole)}) % {PRIME}" if len(whole) > 1 else whole[0]


def _blocks(call: Call) -> dict[int, list[tuple[int, str]]]:
    """The places of numbers, and of positions of vectors, with the index of their feature, by block of features."""
    blocks: dict[int, list[tuple[int, str]]] = {}
    for index, _, form in feature_forms(call):
        name = numbered(form, index)
        for probe in _probes(form) if form != TEXT else ():
            at = name if form == NUMBER else f"list_extract({name}, 1 + len({name}) * {probe[1:]} // {PROBES})"
            place = f"({at} * 0.5e0 - {name}_half_low) * {name}_factor{probe}"
            blocks.setdefault(index // BLOCK, []).append((index, place))
    return blocks


def _sum(terms: Iterable[str]) -> str:
    return "\n      + ".join(terms)


def _part(call: Call, index: int, part: str, nothing: str) -> str:
    """What a feature adds to the key: nothing where it does not help, or is missing and that does not skip the row."""
    if not call.key_skips:
        return f"coalesce({part}, {nothing})"
    return f"CASE WHEN helps_{index} THEN {part} ELSE {nothing} END" if call.automatic else part


def _probes(form: str) -> list[str]:
    """Endings of the names of a form's parts: a vector has several."""
    return [f"_{i}" for i in range(PROBES)] if form == VECTOR else [""]


def odd_numbers(index: int, form: str) -> list[int]:
    """Fixed odd numbers below 2^28, one for each part of a form: the same on every machine, no two alike.

    A multiplicative sequence with the multiplier of MINSTD (Park, Miller & Stockmeyer 1993).
    """
    first = (2 + PROBES) * index + FEATURE_FORMS.index(form)
    return [pow(48_271, first + i, PRIME) >> 3 | 1 for i in range(1, len(_probes(form)) + 1)]
