"""Make text from files harmless where a spreadsheet would run it, and leave the rest alone.

A cell that begins with ``=``, ``+``, ``-``, ``@``, TAB, CR, LF or NUL, or with a full-width form
of these, is a formula or a command to some spreadsheet; an apostrophe in front makes it text.
Our own amounts are written as numbers and never come through here; a plain negative number that
a file holds as text stays as it is.
"""

import re

_RISKY = "=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20"
_INVISIBLE = " \u00a0\u200b\u200c\u200d\u2060\ufeff\u3000"  # skipped by some before the formula
_SPLITS = re.compile(  # where it begins a cell for a tool that does not split at commas
    rf"([;|\t\r\n])(?=[\"{_INVISIBLE}]*[=+\-@\uff1d\uff0b\uff0d\uff20])"
)
_PLAIN_NEGATIVE = re.compile(r"-[0-9]{1,16}(\.[0-9]{1,4})?")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BROKEN = re.compile("[\ud800-\udfff\ufffe\uffff]")  # cannot be written as UTF-8 or XML


def safe_text(text: str) -> str:
    """Return text for a spreadsheet cell; control characters become visible pictures."""
    if text[:1].isalnum() and text.isprintable():  # the usual cell, of millions
        return text
    is_risky = text.lstrip(_INVISIBLE)[:1] in tuple(_RISKY)
    if text and is_risky and _PLAIN_NEGATIVE.fullmatch(text) is None:
        text = f"'{text}"
    return visible(text)


def safe_csv_text(text: str) -> str:
    """Return text for a cell of a file that a spreadsheet may split elsewhere than at its commas.

    With a list separator of ``;``, as in most of Europe, quotes within a row are not seen, and what
    follows a ``;`` or a line break of the text is a cell of its own.
    """
    if text.isprintable() and ";" not in text and "|" not in text:  # the usual cell
        return safe_text(text)
    return _SPLITS.sub(r"\1'", safe_text(text))


def visible(text: str) -> str:
    """Return text that XML and UTF-8 can hold, with nothing hidden in it."""
    if text.isprintable():
        return text
    text = _CONTROL.sub(lambda found: chr(0x2400 + ord(found[0])), text)
    return _BROKEN.sub("\ufffd", text).replace("\x7f", "\u2421")
