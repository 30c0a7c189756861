"""Any script in readable Latin letters that Windows-1252 has."""

import unicodedata

from anyascii import anyascii

from include.adapters.syspro.documents.text import to_cp1252

# Letters that carry a vowel, which the library writes as nothing or as a mark.
_CARRIERS = {
    0x0627: "a", 0x0622: "a", 0x0623: "a", 0x0671: "a", 0x0625: "i",  # Arabic alef and its kin
    0x0624: "u", 0x0626: "y", 0x0639: "a",  # with hamza; ain
    0x05D0: "a", 0x05E2: "a",  # Hebrew alef and ayin
}  # fmt: skip


def to_latin(text: str) -> str:
    """Return a text in Windows-1252 on one line.

    What the code page has stays as it is; Latin letters lose their accents; other scripts are
    written letter by letter as they sound. What nobody can write is ``?``: it is never dropped.
    """
    composed = unicodedata.normalize("NFC", text)
    written = composed if composed.isascii() else _spell(composed)
    return " ".join("".join(" " if _is_control(c) else c for c in written).split())


def _spell(text: str) -> str:
    written, is_inside = "", False
    for character in text:
        letters = _letter(character)
        if _is_ideograph(character):
            letters = f" {letters} "  # 東京 is two words, Dong Jing
        elif is_inside and unicodedata.category(character) == "Lo":
            letters = letters.lower()  # a syllable or letter inside a word: Gangnam, not GangNam
        written += letters
        is_inside = bool(letters) and letters[-1].isalpha()
    return written


def _letter(character: str) -> str:
    if ord(character) in _CARRIERS:
        return _CARRIERS[ord(character)]
    plain = to_cp1252(character)
    if plain != "?" or character == "?":
        return plain
    if unicodedata.category(character) in ("Cf", "Mn", "Me", "Lm"):
        return to_cp1252(anyascii(character))  # joiners and accents of their own: mostly nothing
    return to_cp1252(anyascii(character)) or "?"


def _is_ideograph(character: str) -> bool:
    return unicodedata.name(character, "").startswith("CJK UNIFIED")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zl", "Zp")
