"""Check addresses by their country's rules, and lay them out for SYSPRO.

Satisfies ``include.services.translate.ports.Addresses``. SYSPRO keeps five lines of forty
characters and a postal code of ten, in Windows-1252 (reference, sections 3 and 4.1).
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from include.adapters.addresses.countries import Country, codes_by_name, country_of
from include.adapters.addresses.latin import to_latin
from include.adapters.addresses.layout import fit, layout
from include.domain.erp_orders import ErpAddress
from include.domain.errors import Rejected
from include.domain.orders import Address
from include.services.translate.ports import Harmonized

_POSTAL_LENGTH = 10
_SEPARATORS = re.compile(r"[\s\-]+")


class PostalAddresses:
    """National formats and Windows-1252."""

    def normalize(self, address: Address, where: str) -> Address:
        """See ``Addresses.normalize``."""
        country = _country(address.country, where)
        region = _region(address.region, country, where)
        postal_code = _postal_code(address.postal_code, country, where)
        found = replace(
            address,
            country=country.code,
            region=region,
            postal_code=postal_code,
            city=" ".join(address.city.split()),
            lines=tuple(line for line in (" ".join(x.split()) for x in address.lines) if line),
        )
        for name, value in (("city", found.city), ("street_address", found.lines)):
            if name in country.required and not value:
                what = "the street" if name == "street_address" else "the city"
                raise Rejected(
                    f"{what} is missing, and {country.name} needs it", where, f"Send {what}."
                )
        return found

    def harmonize(self, address: Address) -> Harmonized:
        """See ``Addresses.harmonize``."""
        country = country_of(address.country)
        postal_code = to_latin(address.postal_code)
        region = address.region
        if country is not None and not region.isascii():
            region = country.latin_regions.get(region, region)
        rows = layout(
            latin_format=country.latin_format if country else "%A%n%C%n%S",
            company=to_latin(address.company),
            streets=[to_latin(line) for line in address.lines],
            city=to_latin(address.city),
            region=to_latin(region),
            country=to_latin(country.name if country else address.country),
        )
        if len(postal_code) > _POSTAL_LENGTH:  # of no country's form; it still must be read
            rows, postal_code = [*rows, postal_code], ""
        lines, overflow = fit(rows)
        return Harmonized(ErpAddress(lines, postal_code), overflow)

    def latin(self, text: str) -> str:
        """See ``Addresses.latin``."""
        return to_latin(text)


def _country(text: str, where: str) -> Country:
    code = text.strip().upper()
    found = country_of("GB" if code == "UK" else code)  # what Britons write, and ISO reserves
    if found is None and len(code) > 2:
        found = country_of(codes_by_name().get(text.strip().casefold(), ""))
    if found is None:
        do = "Send the country's ISO 3166-1 code of two letters."
        raise Rejected(f"{text[:40]!r} is no country", where, do)
    return found


def _region(text: str, country: Country, where: str) -> str:
    """Return a region's key where the country has a list, else the text itself."""
    given = " ".join(text.split())
    if not country.regions or (not given and "country_area" not in country.required):
        return given
    found = country.regions.get(given.casefold())
    if found is None and "country_area" in country.uses:
        what = (
            f"{given!r} is no {country.region_noun} of {country.name}"
            if given
            else (f"the {country.region_noun} is missing, and {country.name} needs it")
        )
        raise Rejected(what, where, _known_regions(given, country))
    return found or given


def _known_regions(given: str, country: Country) -> str:
    near = get_close_matches(given.casefold(), country.regions, n=1)
    if near:
        key = country.regions[near[0]]
        return f"Did you mean {country.latin_regions.get(key, key)!r}?"
    keys = sorted(set(country.regions.values()))
    return f"Known are {', '.join(country.latin_regions.get(key, key) for key in keys)}."


def _postal_code(text: str, country: Country, where: str) -> str:
    given = " ".join(text.split()).upper()
    if not given:
        if "postal_code" in country.required:
            do = f"Send it, such as {_example(country.postal_examples)}."
            raise Rejected(f"the postal code is missing, and {country.name} needs it", where, do)
        return ""
    if country.postal_code is None:
        return given
    written = _as_the_country_writes_it(given, country.postal_examples)
    for form in (written, given):
        if country.postal_code.match(form):
            return form
    raise Rejected(
        f"{given[:20]!r} is no postal code of {country.name}",
        where,
        f"Send it such as {_example(country.postal_examples)}.",
    )


def _example(examples: Sequence[str]) -> str:
    return repr(examples[0]) if examples else "the country's post writes it"


def _as_the_country_writes_it(given: str, examples: Sequence[str]) -> str:
    """Put blanks and hyphens where an example of the same shape has them."""
    bare = _SEPARATORS.sub("", given)
    shape = _shape(bare)
    for example in examples:
        if _shape(_SEPARATORS.sub("", example)) != shape:
            continue
        signs = iter(bare)
        return "".join(c if c in " -" else next(signs) for c in example)
    return given


def _shape(bare: str) -> str:
    return re.sub(r"[A-Za-z]", "A", re.sub(r"[0-9]", "9", bare))
