"""Texts of one plain shape, read as numbers: many bytes at a time and never by a pattern per text.

Nearly every amount is ``123.45``, every instant ``2026-10-30T04:00:00Z`` and every request id 22
digits. Eight characters are one 64-bit number, so a few sums over whole columns read them and
prove their shape; digits are integers all the way. What looks any other way is not judged here:
``columns`` and ``checks`` have the rules, and these functions only say what needs none of them.
"""

import re
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.uint64]

_DAY = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T")
_FEW_DAYS = 4  # of one stretch; more are read by the general way
_DAY_MS = 86_400_000
_ZEROS = np.uint64(0x3030303030303030)  # eight times the digit 0
_TIME = np.uint64(0x30303A30303A3030)  # 00:00:00, the first character in the lowest byte
_TIME_DIGITS = np.uint64(0xF0F0FFF0F0FFF0F0)  # bits that no digit has, and no colon may change
_SIXES = np.uint64(0x0606060606060606)  # 9 + 6 is the last number without a sixteen in it
_TIME_SIXES = np.uint64(0x0606000606000606)
_NO_DIGIT = np.uint64(0xF0F0F0F0F0F0F0F0)
_LONGEST_AMOUNT = 8  # 99999.99
# Texts at a time: what is worked out on the way stays in the processor's cache and its memory is
# used again. Whole columns cost twice the time, half of it for memory seen first.
_STRETCH = 8192
_STRETCH_BYTES = 64 * 1024


def only_text(texts: pl.Series) -> str | None:
    """Return the one text that every row has, or ``None``; comparing is a tenth of looking up."""
    first = texts[0] if len(texts) else None
    if first is None or first != texts[-1] or not (texts == first).fill_null(False).all():
        return None
    return str(first)


def fixed_width(texts: pl.Series, width: int) -> Bytes | None:
    """Return the texts end to end, or ``None`` unless each has exactly ``width`` bytes."""
    if not len(texts) or texts.null_count():
        return None
    lengths = texts.str.len_bytes()
    if lengths.min() != width or lengths.max() != width:
        return None
    array: Any = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    start = int(np.frombuffer(offsets, np.int64)[array.offset])
    return np.frombuffer(data, np.uint8, len(texts) * width, start)


def are_digits(texts: pl.Series, width: int) -> bool:
    """Say whether every text is there and is ``width`` digits."""
    every = fixed_width(texts, width)
    return every is not None and bool(every.min() >= ord("0") and every.max() <= ord("9"))


def read_instants(texts: pl.Series) -> pl.Series | None:
    """Read ``YYYY-MM-DDTHH:MM:SSZ`` of a few days; ``None`` where any text is not exactly that."""
    every = fixed_width(texts, 20)
    if every is None:
        return None
    found = np.empty(len(texts), np.int64)
    for start in range(0, len(texts), _STRETCH):
        part = every[start * 20 : (start + _STRETCH) * 20]
        if not (part[19::20] == ord("Z")).all():
            return None
        of_day, of_time = _days(part), _times(_lane(part, 11))
        if of_day is None or of_time is None:
            return None
        np.add(of_day, of_time, out=found[start : start + _STRETCH])
    return pl.Series(found).cast(pl.Datetime("ms", "UTC"))


def _lane(every: Bytes, first: int, kind: str = "<u8") -> Numbers:
    """Copy some bytes of every 20-byte text, as one number each; the first byte is the lowest."""
    count = len(every) // 20
    return np.ndarray((count,), kind, every.data, first, (20,)).astype(np.uint64)


def _days(every: Bytes) -> npt.NDArray[np.int64] | None:
    """Return the milliseconds at which each text's day begins; each distinct day is read once."""
    front, back = _lane(every, 0), _lane(every, 7, "<u4")
    found = np.zeros(len(front), dtype=np.int64)
    left = np.ones(len(front), dtype=np.bool_)
    for _ in range(_FEW_DAYS):
        first = int(left.argmax())
        text = every[first * 20 : first * 20 + 11].tobytes()
        if _DAY.fullmatch(text) is None:
            return None
        try:
            days = date.fromisoformat(text[:10].decode()).toordinal() - date(1970, 1, 1).toordinal()
        except ValueError:
            return None
        same = (front == front[first]) & (back == back[first])
        found[same] = days * _DAY_MS
        left &= ~same
        if not left.any():
            return found
    return None


def _times(texts: Numbers) -> npt.NDArray[np.int64] | None:
    """Return the milliseconds of ``HH:MM:SS`` since midnight; ``None`` unless all are of a day."""
    digits = texts ^ _TIME
    seen = np.bitwise_or.reduce(digits) | (np.bitwise_or.reduce(digits + _TIME_SIXES) & _NO_DIGIT)
    if seen & _TIME_DIGITS:
        return None
    twos = digits * np.uint64(10) + (digits >> np.uint64(8))
    byte = np.uint64(0xFF)
    hours = (twos & byte).view(np.int64)
    minutes = ((twos >> np.uint64(24)) & byte).view(np.int64)
    seconds = ((twos >> np.uint64(48)) & byte).view(np.int64)
    if hours.max() > 23 or minutes.max() > 59 or seconds.max() > 59:
        return None
    found: npt.NDArray[np.int64] = ((hours * 60 + minutes) * 60 + seconds) * 1000
    return found


def read_hundredths(texts: pl.Series) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Read amounts without a sign and with two digits behind the point, up to 99999.99.

    Returns:
        The digits of each text as one number, and where that is what the text says.
    """
    if not len(texts):
        return np.zeros(0, np.int64), np.zeros(0, np.bool_)
    array: Any = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    views, first = array.buffers()[1], array.offset * 16
    lengths = np.ndarray((len(texts),), "=u4", views, first, (16,))
    # Up to twelve characters stand in the view itself, behind the length, and zeros behind them.
    words = np.ndarray((len(texts),), "<u8", views, first + 4, (16,))
    found, is_plain = np.empty(len(texts), np.int64), np.empty(len(texts), np.bool_)
    for start in range(0, len(texts), _STRETCH):
        here = slice(start, start + _STRETCH)
        found[here], is_plain[here] = _hundredths(
            words[here].astype(np.uint64), lengths[here].astype(np.uint64)
        )
    if array.null_count:
        is_plain &= texts.is_not_null().to_numpy()
    return found, is_plain


def _hundredths(
    words: Numbers, lengths: Numbers
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    is_short = (lengths >= 4) & (lengths <= _LONGEST_AMOUNT)
    # The last character comes to stand in the highest byte, zeros before the first.
    words = (words ^ _ZEROS) << ((np.uint64(8) - np.minimum(lengths, 8)) * np.uint64(8))
    has_point = (words >> np.uint64(40)) & np.uint64(0xFF) == (ord(".") ^ ord("0"))
    whole, fraction = words & np.uint64(0xFFFFFFFFFF), words & np.uint64(0xFFFF000000000000)
    digits = (whole << np.uint64(8)) | fraction
    is_plain = (digits | (digits + _SIXES)) & _NO_DIGIT == 0
    return _number(digits), is_short & has_point & is_plain


def _number(digits: Numbers) -> npt.NDArray[np.int64]:
    """Return eight digits, the highest in the lowest byte, as one number: twos, fours, all."""
    twos = digits * np.uint64(10) + (digits >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    fours = twos * np.uint64(100) + (twos >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
    return (fours * np.uint64(10000) + (fours >> np.uint64(32)) & np.uint64(0xFFFFFFFF)).view(
        np.int64
    )


def may_hold_digits(texts: pl.Series, count: int) -> bool:
    """Say whether any text may hold ``count`` digits with no letter between them.

    A byte beyond ASCII counts as a digit: it may be of one. Texts stand end to end here, so two
    neighbors may look like one number: a pattern says then.
    """
    array: Any = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    if array.buffers()[2] is None:
        return False
    data = np.frombuffer(array.buffers()[2], np.uint8)
    overlap = count * 6  # bytes in which a number ends that another stretch begins
    return any(
        _may_hold_digits(data[start : start + _STRETCH_BYTES + overlap], count)
        for start in range(0, len(data), _STRETCH_BYTES)
    )


def _may_hold_digits(data: Bytes, count: int) -> bool:
    is_letter = (data | np.uint8(32)) - np.uint8(ord("a")) < 26  # bytes below wrap round
    if not _has_run(~is_letter, count):
        return False
    is_digit = (data - np.uint8(ord("0")) < 10) | (data >= 128)
    starts = np.flatnonzero(is_letter)
    if not len(starts):
        return int(is_digit.sum()) >= count
    sums = np.add.reduceat(is_digit, starts, dtype=np.uint32)
    return int(sums.max()) >= count or int(is_digit[: starts[0]].sum()) >= count


def _has_run(holds: npt.NDArray[np.bool_], length: int) -> bool:
    """Say whether ``length`` neighbors hold; each step doubles how many are looked at."""
    seen = 1
    while seen < length:
        step = min(seen, length - seen)
        holds = holds[:-step] & holds[step:]
        seen += step
    return bool(holds.any())
