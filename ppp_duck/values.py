"""Numbers as what they were: seconds since 1970 as dates, seconds as intervals. The inverse of feature_types.sql."""

from __future__ import annotations

import datetime
import math
import re

EPOCH = datetime.datetime(1970, 1, 1)


def member(type_name: str) -> str:
    """Which member of the UNION of sql/values.sql a number from a column of this type belongs to.

    >>> [member(t) for t in ("DECIMAL(9,2)", "DATE", "TIMESTAMP WITH TIME ZONE", "TIME", "INTERVAL", "BOOLEAN")]
    ['number', 'date', 'timestamp', 'time', 'interval', 'number']
    """
    name = re.split(r"[\s_(]", type_name.upper())[0]
    return {"DATE": "date", "TIMESTAMP": "timestamp", "TIME": "time", "INTERVAL": "interval"}.get(name, "number")


def original(type_name: str, value: float) -> float | datetime.date | datetime.time | datetime.timedelta:
    """A feature's value as a value of its column's type; a mean of booleans is a share, and stays a number.

    Dates are rounded to days, times to microseconds. Beyond what Python's calendar holds the number itself comes back.

    >>> original("DATE", 86400.0 * 365), original("INTEGER", 2.5), original("TIME", 3600.5)
    (datetime.date(1971, 1, 1), 2.5, datetime.time(1, 0, 0, 500000))
    """
    kind = member(type_name)
    if kind == "number" or not math.isfinite(value):
        return value
    try:
        if kind == "date":
            return (EPOCH + datetime.timedelta(days=round(value / 86_400))).date()
        if kind == "timestamp":
            return EPOCH + datetime.timedelta(microseconds=round(value * 1e6))
        if kind == "time":
            return (EPOCH + datetime.timedelta(microseconds=min(max(round(value * 1e6), 0), 86_399_999_999))).time()
        return datetime.timedelta(microseconds=round(value * 1e6))
    except OverflowError:
        return value
