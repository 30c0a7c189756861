"""Text columns into amounts, instants and dates: whole columns, integers only, nothing guessed.

No float exists anywhere: a decimal's digits become one integer, shifted by the currency's minor
digits. What does not fit is null here and quarantined by ``checks``.
"""

import polars as pl

from include.domain.money import MINOR_UNIT_DIGITS

PLAIN_DECIMAL = r"^-?[0-9]{1,14}(?:\.[0-9]{1,8})?$"
WHOLE_NUMBER = r"^-?[0-9]{1,18}$"
REQUEST_ID = r"^[0-9]{22}$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})$"
)
CONTROL = r"[\x00-\x1f\x7f]"


def digits_of(currency: pl.Series) -> pl.Series:
    """Return each row's minor digits; null where the currency is not in ISO 4217."""
    return currency.replace_strict(
        list(MINOR_UNIT_DIGITS),
        list(MINOR_UNIT_DIGITS.values()),
        default=None,
        return_dtype=pl.Int8,
    )


def minor_units(text: pl.Series, digits: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Turn plain decimals into minor units.

    Returns:
        The amounts, null where they cannot be told; and where they are finer than a minor unit.
    """
    frame = pl.DataFrame({"text": text, "digits": digits}).select(
        "digits",
        number=pl.when(pl.col("text").str.contains(PLAIN_DECIMAL)).then(
            pl.col("text").str.replace(".", "", literal=True).cast(pl.Int64, strict=False)
        ),
        # digits behind the point: none where there is no point
        behind=pl.col("text").str.len_bytes().cast(pl.Int64)
        - (pl.col("text").str.find(".", literal=True) + 1).cast(pl.Int64),
    )
    shift = frame["digits"] - frame["behind"].fill_null(0)
    if (shift == 0).all(ignore_nulls=False):
        return frame["number"], pl.repeat(False, len(shift), eager=True)
    up = pl.lit(10, pl.Int64).pow(shift.clip(0, 4).cast(pl.UInt32))
    down = pl.lit(10, pl.Int64).pow((-shift).clip(0, 8).cast(pl.UInt32))
    wide = frame.with_columns(shifted=pl.col("number") * up, down=down).select(
        whole=pl.col("shifted") // pl.col("down"),
        is_finer=(pl.col("shifted") % pl.col("down")) != 0,
    )
    finer = wide["is_finer"].fill_null(False)
    return wide.select(pl.when(~finer).then("whole"))["whole"], finer


def instants(text: pl.Series) -> pl.Series:
    """Read ISO 8601 instants with a zone to UTC milliseconds; anything else is null."""
    checked = text.to_frame("t").select(pl.when(pl.col("t").str.contains(INSTANT)).then("t"))["t"]
    found = checked.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", strict=False, time_unit="ms", cache=False)
    if found.null_count() > checked.null_count():
        offset = checked.str.replace("Z$", "+00:00").str.to_datetime(
            "%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="ms"
        )
        return found.dt.replace_time_zone("UTC").fill_null(offset.dt.convert_time_zone("UTC"))
    return found.dt.replace_time_zone("UTC")


def days(text: pl.Series) -> pl.Series:
    """Read calendar dates ``2026-10-31``; anything else is null."""
    frame = text.to_frame("t").select(pl.when(pl.col("t").str.contains(DAY)).then("t"))
    return frame["t"].str.to_date("%Y-%m-%d", strict=False)
