"""What a fit needs to know of a call: the columns that become features, and the options, checked at bind time."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from ppp_duck.errors import FeatureError, SourceError
from ppp_duck.options import Options
from ppp_duck.sources import Column, Source


@dataclass(frozen=True)
class Feature:
    """One column on its way to the engine: ``n``, ``t`` and ``v`` say in which forms (number, text, vector) it goes."""

    name: str
    forms: str
    may_be_key: bool


@dataclass(frozen=True)
class Call:
    """What the fit needs to know of the call; it travels inside the statement as JSON."""

    function: str
    source: str
    features: tuple[Feature, ...]
    dropped: tuple[tuple[str, str], ...]
    automatic: bool
    options: Options

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> Call:
        fields = json.loads(text)
        lists = {name: tuple(value) for name, value in fields["options"].items() if isinstance(value, list)}
        fields["options"] = Options(**{**fields["options"], **lists})
        fields["features"] = tuple(Feature(**feature) for feature in fields["features"])
        fields["dropped"] = tuple((name, why) for name, why in fields["dropped"])
        return cls(**fields)


def plan_call(function: str, source: Source, options: Options) -> Call:
    """Which columns become features, in the order of their names. Raises SourceError, OptionError, FeatureError."""
    columns = source.columns
    if columns is None:
        left_out = {name.casefold() for name in (*options.exclude, *options.by)}
        features = [Feature(name, "ntv", False) for name in options.columns or () if name.casefold() not in left_out]
        dropped: list[tuple[str, str]] = []
    else:
        by_name = {column.name.casefold(): column for column in columns}

        def find(name: str) -> Column:
            if name.casefold() not in by_name:
                raise SourceError.column(function, name, source.name, [column.name for column in columns])
            return by_name[name.casefold()]

        left_out = {find(name).name for name in options.exclude}
        if options.weight is not None:
            left_out.add(find(options.weight).name)
            if find(options.weight).kind != "number":
                raise FeatureError(f"{function}: name a numeric column as weight, not {options.weight} "
                                   f"({find(options.weight).type})")  # fmt: skip
        groups = [find(name) for name in options.by]
        left_out.update(column.name for column in groups)
        for column in groups:
            if column.kind not in ("number", "text"):
                raise FeatureError(f"{function}: leave {column.name} out of by: {column.type} cannot name a group")
        options = replace(options, by=tuple(column.name for column in groups))
        chosen = columns if options.columns is None else [find(name) for name in options.columns]
        chosen = [column for column in chosen if column.name not in left_out]
        if options.columns is not None:
            for column in chosen:
                if column.kind is None:
                    raise FeatureError(
                        f"{function}: leave {column.name} out of columns: {column.type} is no feature type"
                    )
        if options.categorical == "error" and (texts := [column.name for column in chosen if column.kind == "text"]):
            raise FeatureError(f"{function}: exclude {', '.join(texts)}, or set categorical to 'onehot' or 'ignore'")
        ignored = {column.name for column in chosen if column.kind == "text" and options.categorical == "ignore"}
        dropped = [(column.name, "text, and categorical is 'ignore'") for column in chosen if column.name in ignored]
        dropped += [(column.name, f"{column.type} is no feature type") for column in chosen if column.kind is None]
        features = [
            Feature(column.name, column.kind[0], options.columns is None and column.may_be_key)
            for column in chosen
            if column.kind is not None and column.name not in ignored
        ]
    features.sort(key=lambda feature: (feature.name.casefold(), feature.name))
    if not features:
        why = "; ".join(f"{name}: {reason}" for name, reason in dropped)
        raise FeatureError(f"{function}: name columns to cluster by, {source.name} leaves no usable one"
                           + (f" ({why})" if why else ""))  # fmt: skip
    return Call(function, source.name, tuple(features), tuple(dropped), options.columns is None, options)
