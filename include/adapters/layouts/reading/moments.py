"""Dates of the guide's type Date: an instant, a time without a zone, or a bare day.

The guide promises no shape, and names the zone of a time in a column beside it at most. Without one
it is UTC, as in every download that was seen; a bare day stands for its midnight. Zones are fixed
offsets: an abbreviation that RFC 822 does not list is not known, and nothing is made of it.
"""

import re

import polars as pl

from include.adapters.layouts.reading.plan import Plan

_TIME = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:T((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?:\.[0-9]{1,9})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
)
_OFFSET = re.compile(r"([+-])([01][0-9]|2[0-3]):?([0-5][0-9])")
_ZONES = {
    **dict.fromkeys(("Z", "UT", "UTC", "GMT"), 0),
    **{"EST": -300, "EDT": -240, "CST": -360, "CDT": -300},  # RFC 822, section 5.1
    **{"MST": -420, "MDT": -360, "PST": -480, "PDT": -420},
}


def read_moments(frame: pl.DataFrame, name: str, plan: Plan) -> pl.Series:
    """Return the instants of a column as ``<name>#at``; null where there is none to be told."""
    parts = pl.col(name).str.extract_groups(_TIME).struct
    found = frame.select(day=parts[0], time=parts[1], zone=parts[2])
    zone_from = plan.layout.column(name).zone_from
    if zone_from in plan.present:
        found = found.with_columns(zone=pl.coalesce("zone", frame[zone_from]))
    words = found["zone"].unique().to_list()
    offset = pl.col("zone").replace_strict(
        words, [_minutes(word) for word in words], return_dtype=pl.Int64
    )
    local = pl.concat_str("day", pl.lit("T"), pl.col("time").fill_null("00:00:00"))
    at = local.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="ms")
    utc = (at - pl.duration(minutes=offset)).cast(pl.Datetime("ms", "UTC"))
    return found.select(utc.alias(f"{name}#at")).to_series()


def _minutes(zone: str | None) -> int | None:
    """Return a zone's minutes before UTC; ``None`` where it is not known."""
    word = (zone or "UTC").strip().upper()
    offset = _OFFSET.fullmatch(word)
    if offset is None:
        return _ZONES.get(word)
    minutes = int(offset[2]) * 60 + int(offset[3])
    return -minutes if offset[1] == "-" else minutes
