"""What a fit needs to know of a call: the columns that become features, and the options, checked at bind time."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from ppp_duck.binding.interface import NUMBER, TEXT, VECTOR
from ppp_duck.binding.options import Options
from ppp_duck.binding.quoting import folded
from ppp_duck.binding.source import Column, Source
from ppp_duck.errors import FeatureError, SourceError

# Features from which they travel as lists: at 64 the statement takes DuckDB 0.2 s to plan with a column each, at 1,000
# 3 s. Tables of fewer are read faster by columns.
WIDE = 64


@dataclass(frozen=True)
class Feature:
    """One column on its way to the engine, in one form, or in all three where its type is not known at bind time."""

    name: str
    forms: tuple[str, ...]
    type: str  # DuckDB's name of its type; '' where it is not known at bind time


@dataclass(frozen=True)
class Call:
    """What the fit needs to know of the call; it travels inside the statement as JSON."""

    function: str
    source: str
    features: tuple[Feature, ...]  # in the order of their names
    dropped: tuple[tuple[str, str], ...]  # columns left out at bind time, and why
    automatic: bool  # whether the columns were chosen by the package
    options: Options

    @property
    def is_wide(self) -> bool:
        """Whether features travel as lists and not as a column each."""
        return len(self.features) > WIDE

    @property
    def are_sorted_in_python(self) -> bool:
        """Whether rows are put in order after SQL has sampled them: it would compare long lists, or is slower at it."""
        return self.are_numbers or self.has_lists

    @property
    def has_lists(self) -> bool:
        """Whether a row holds lists, which may be long."""
        return self.is_wide or any(VECTOR in feature.forms for feature in self.features)

    @property
    def are_numbers(self) -> bool:
        """Whether all features are known to be numbers."""
        return all(feature.forms == (NUMBER,) for feature in self.features)

    @property
    def key_skips(self) -> bool:
        """Whether a missing feature makes the content key NULL, which leaves the row out: cheaper than to ask each."""
        return (
            not self.is_wide
            and self.options.missing == "skip"
            and all(len(feature.forms) == 1 for feature in self.features)
        )

    @property
    def rows_may_repeat(self) -> bool:
        """Whether it is worth to look equal rows up: not where a vector makes that dear, nor group by group."""
        return not (self.options.by or self.is_wide) and all(
            feature.forms in ((NUMBER,), (TEXT,)) for feature in self.features
        )

    def to_json(self) -> str:
        return json.dumps(self, default=vars, sort_keys=True, ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> Call:
        fields = json.loads(text)
        options: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in fields["options"].items()
        }
        features = tuple(Feature(**{**one, "forms": tuple(one["forms"])}) for one in fields["features"])
        dropped = tuple((name, why) for name, why in fields["dropped"])
        return cls(**{**fields, "options": Options(**options), "features": features, "dropped": dropped})


def plan_call(function: str, source: Source, options: Options) -> Call:
    """Which columns become features, in the order of their names. Raises SourceError, OptionError, FeatureError."""
    options = _spelled_as_in(function, source, options)
    features, dropped = _features(function, source.columns, options)
    features.sort(key=lambda feature: folded(feature.name))
    if not features:
        why = (
            "; ".join(f"{name}: {reason}" for name, reason in dropped)
            or "the others are excluded, or name groups or weights"
        )
        raise FeatureError(f"{function}: name columns to cluster by, {source.name} leaves no usable one ({why})")
    return Call(function, source.name, tuple(features), tuple(dropped), options.columns is None, options)


def _spelled_as_in(function: str, source: Source, options: Options) -> Options:
    """The options with the names of columns as the source spells them. Raises SourceError for one that is not there."""
    by_name = {folded(column.name): column.name for column in source.columns}

    def find(name: str) -> str:
        if folded(name) not in by_name:
            raise SourceError.column(function, name, source.name, [column.name for column in source.columns])
        return by_name[folded(name)]

    return replace(
        options, exclude=tuple(map(find, options.exclude)), by=tuple(dict.fromkeys(map(find, options.by))),
        weight=None if options.weight is None else find(options.weight),
        columns=None if options.columns is None else tuple(dict.fromkeys(map(find, options.columns))),
    )  # fmt: skip


def _features(
    function: str, columns: tuple[Column, ...], options: Options
) -> tuple[list[Feature], list[tuple[str, str]]]:
    """The features among the columns, and which of them are dropped by their type, and why."""
    by_name = {column.name: column for column in columns}
    if options.weight is not None and (weight := by_name[options.weight]).kind != NUMBER:
        raise FeatureError(f"{function}: name a numeric column as weight, not {options.weight} ({weight.type})")
    for group in (by_name[name] for name in options.by):
        if group.kind not in (NUMBER, TEXT):
            raise FeatureError(f"{function}: leave {group.name} out of by: {group.type} cannot name a group")
    chosen = [column.name for column in columns] if options.columns is None else options.columns
    left_out = {*options.exclude, *options.by, options.weight}
    features: list[Feature] = []
    dropped, texts = [], []
    for column in (by_name[name] for name in chosen if name not in left_out):
        if column.kind is None:
            if options.columns is not None:
                raise FeatureError(f"{function}: leave {column.name} out of columns: {column.type} is no feature type")
            dropped.append((column.name, f"{column.type} is no feature type"))
        elif column.kind == TEXT and options.categorical in ("ignore", "error"):
            texts.append(column.name)
        else:
            features.append(Feature(column.name, (column.kind,), column.type))
    if texts and options.categorical == "error":
        raise FeatureError(
            f"{function}: exclude {', '.join(texts)}, or set categorical to 'auto', 'onehot' or 'ignore'"
        )
    return features, [*((name, "text, and categorical is 'ignore'") for name in texts), *dropped]
