"""Windows-1252, the only alphabet SYSPRO keeps. Source: reference, section 3 (inferred)."""

import unicodedata

# Letters that Unicode does not decompose, by code point; the usual Latin spelling.
_SPELLING = {
    0x0141: "L", 0x0142: "l",  # L with stroke
    0x0110: "D", 0x0111: "d",  # D with stroke
    0x0126: "H", 0x0127: "h",  # H with stroke
    0x0131: "i",  # dotless i
    0x1E9E: "SS",  # capital sharp s
    0x2010: "-", 0x2011: "-", 0x2012: "-", 0x2212: "-",  # hyphens and the minus sign
    0x2190: "<-", 0x2192: "->", 0x2248: "~",
    0x2007: " ", 0x2009: " ", 0x202F: " ",  # narrow blanks
    0x200B: "", 0xFEFF: "",  # zero width
}  # fmt: skip


def to_cp1252(text: str) -> str:
    """Replace what Windows-1252 lacks: by its plain letter where there is one, else by ``?``."""
    return "".join(_letter(character) for character in unicodedata.normalize("NFC", text))


def _letter(character: str) -> str:
    if _fits(character):
        return character
    spelled = character.translate(_SPELLING)
    if spelled != character:
        return spelled
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if _fits(c))
    return plain or "?"


def _fits(character: str) -> bool:
    try:
        character.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
