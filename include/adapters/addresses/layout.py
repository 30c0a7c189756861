"""Lay an address out in its country's own order, in five lines of forty characters."""

import re
import textwrap
from collections.abc import Sequence

WIDTH, HEIGHT = 40, 5
Lines = tuple[str, str, str, str, str]
_TOKEN = re.compile(r"(%[A-Za-z])")


def layout(
    latin_format: str,
    company: str,
    streets: Sequence[str],
    city: str,
    region: str,
    country: str,
) -> list[str]:
    """Return the rows of an address, of any length, without name and postal code.

    The country stands last. What the country's format has no place for (a county in Britain, a
    city in Japan) stands before it, so that nothing is lost.
    """
    values = {"%O": company, "%C": city, "%S": region}
    rows: list[str] = []
    placed = set()
    for row in latin_format.split("%n"):
        if "%A" in row:
            rows += [street for street in streets if street]
            placed.add("%A")
            continue
        text, used = _row(row, values)
        placed |= used
        if text:
            rows.append(text)
    if "%A" not in placed:
        rows += [street for street in streets if street]
    left = [values[token] for token in ("%C", "%S", "%O") if token not in placed]
    rows += [", ".join(value for value in left if value)] if any(left) else []
    if country and all(row.casefold() != country.casefold() for row in rows):
        rows.append(country)
    return rows


def _row(row: str, values: dict[str, str]) -> tuple[str, set[str]]:
    """Fill one row; a separator stands only between two values that are there."""
    text, between, used = "", "", set()
    for part in _TOKEN.split(row):
        if not part.startswith("%"):
            between += part
            continue
        value = values.get(part, "")
        used |= {part} if part in values else set()
        if not value:
            continue
        text = f"{text}{between or ' '}{value}" if text else value
        between = ""
    return text.strip(), used


def fit(rows: Sequence[str]) -> tuple[Lines, tuple[str, ...]]:
    """Return five lines, and what did not fit, in reading order.

    Long rows are broken between words. Where that is too much, short neighbors share a line; and
    then the middle gives way: the street begins above it, town and country end below it.
    """
    lines = [line for row in rows for line in _wrapped(row)]
    at = len(lines) - 1
    while len(lines) > HEIGHT and at > 0:
        joined = f"{lines[at - 1]}, {lines[at]}"
        if len(joined) <= WIDTH:
            lines[at - 1 : at + 1] = [joined]
        at -= 1
    overflow: tuple[str, ...] = ()
    if len(lines) > HEIGHT:
        lines, overflow = [*lines[:3], *lines[-2:]], tuple(lines[3:-2])
    padded = [*lines, *[""] * (HEIGHT - len(lines))]
    return (padded[0], padded[1], padded[2], padded[3], padded[4]), overflow


def _wrapped(row: str) -> list[str]:
    return textwrap.wrap(row, WIDTH, break_on_hyphens=False)
