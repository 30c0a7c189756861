"""Addresses are checked by their country's rules and laid out in SYSPRO's five lines, whole."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.adapters.addresses import PostalAddresses
from include.adapters.addresses.latin import to_latin
from include.domain.errors import Rejected
from include.domain.orders import Address

POST = PostalAddresses()
US = Address("Ada", ("1600 Amphitheatre Pkwy",), "Mountain View", "US", "94043", "CA")


@pytest.mark.parametrize(
    ("changes", "country", "region", "postal_code"),
    [
        ({"region": "california"}, "US", "CA", "94043"),
        ({"region": "US-CA"}, "US", "CA", "94043"),
        ({"country": "us"}, "US", "CA", "94043"),
        ({"country": "United States"}, "US", "CA", "94043"),
        ({"postal_code": "940431234"}, "US", "CA", "94043-1234"),
        ({"country": "UK", "region": "", "postal_code": "sw1a2aa"}, "GB", "", "SW1A 2AA"),
        ({"country": "JP", "region": "JP13", "postal_code": "1500002"}, "JP", "東京都", "150-0002"),
        (
            {"country": "JP", "region": "Tokyo", "postal_code": "150-0002"},
            "JP",
            "東京都",
            "150-0002",
        ),
        ({"country": "CA", "region": "Ontario", "postal_code": "k1a0b1"}, "CA", "ON", "K1A 0B1"),
        ({"country": "NL", "region": "", "postal_code": "1012jl"}, "NL", "", "1012 JL"),
        ({"country": "BR", "region": "SP", "postal_code": "01310200"}, "BR", "SP", "01310-200"),
        ({"country": "HK", "region": "Kowloon", "postal_code": ""}, "HK", "Kowloon", ""),
    ],
)
def test_country_region_and_postal_code_are_written_as_the_country_does(
    changes: dict[str, str], country: str, region: str, postal_code: str
) -> None:
    found = POST.normalize(replace(US, **changes), "order 1")  # type: ignore[arg-type]
    assert (found.country, found.region, found.postal_code) == (country, region, postal_code)
    assert POST.normalize(found, "order 1") == found


@pytest.mark.parametrize(
    ("changes", "what", "do"),
    [
        ({"country": "Atlantis"}, "'Atlantis' is no country", "ISO 3166-1"),
        ({"country": "ZZ"}, "'ZZ' is no country", "two letters"),
        ({"region": "Californa"}, "'Californa' is no state of UNITED STATES", "Did you mean 'CA'"),
        ({"region": ""}, "the state is missing, and UNITED STATES needs it", "Known are AA"),
        ({"postal_code": "9404"}, "'9404' is no postal code of UNITED STATES", "such as '95014'"),
        ({"postal_code": ""}, "the postal code is missing", "such as '95014'"),
        ({"city": " "}, "the city is missing", "Send the city"),
        ({"lines": ()}, "the street is missing", "Send the street"),
    ],
)
def test_a_wrong_address_names_the_part_and_the_fix(
    changes: dict[str, object], what: str, do: str
) -> None:
    with pytest.raises(Rejected) as caught:
        POST.normalize(replace(US, **changes), "order 1, bill_to")  # type: ignore[arg-type]
    assert what in caught.value.what
    assert do in caught.value.do
    assert caught.value.where == "order 1, bill_to"


def _lines(address: Address) -> list[str]:
    return [line for line in POST.harmonize(address).address.lines if line]


def test_lines_stand_in_the_countrys_own_order() -> None:
    assert _lines(US) == ["1600 Amphitheatre Pkwy", "Mountain View, CA", "UNITED STATES"]
    german = Address("Jörg", ("Hauptstraße 5",), "Berlin", "DE", "10115")
    assert _lines(german) == ["Hauptstraße 5", "Berlin", "GERMANY"]
    brazil = Address("Ana", ("Av. Paulista 1578",), "São Paulo", "BR", "01310-200", "SP")
    assert _lines(brazil) == ["Av. Paulista 1578", "São Paulo-SP", "BRAZIL"]
    assert POST.harmonize(brazil).address.postal_code == "01310-200"


def test_what_a_countrys_format_has_no_place_for_is_kept() -> None:
    british = Address(
        "Bob", ("10 Downing St",), "London", "GB", "SW1A 2AA", "Greater London", "HMG"
    )
    assert _lines(british) == [
        "HMG",
        "10 Downing St",
        "London",
        "Greater London",
        "UNITED KINGDOM",
    ]
    korean = Address("김철수", ("테헤란로 152",), "강남구", "KR", "06236", "서울특별시")
    assert _lines(korean) == ["Tehelanlo 152", "Gangnamgu", "Seoul", "SOUTH KOREA"]


def test_more_than_five_lines_share_a_line_where_they_can() -> None:
    long = replace(US, lines=("Works 1", "Door 2", "Floor 3", "Room 4"), company="Acme")
    assert _lines(long) == [
        "Acme",
        "Works 1",
        "Door 2",
        "Floor 3",
        "Room 4, Mountain View, CA, UNITED STATES",
    ]
    assert POST.harmonize(long).overflow == ()


def test_what_five_lines_cannot_hold_is_reported_never_dropped() -> None:
    streets = tuple(f"{name} building of the old works, {name} gate" for name in "ABCD")
    found = POST.harmonize(replace(US, lines=streets, company="Acme Works of the Old Valley Inc."))
    town = "Mountain View, CA, UNITED STATES"
    assert found.address.lines[1:] == (streets[0], streets[1], streets[3], town)
    assert found.overflow == (streets[2],)
    everything = " ".join((*found.address.lines, *found.overflow))
    assert all(street in everything for street in streets)


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("Łukasz Żółć", "Lukasz Zólc"),
        ("Иванов Пётр", "Ivanov Petr"),
        ("Γιώργος", "Giorgos"),
        ("東京", "Dong Jing"),
        ("김철수", "Gimcheolsu"),
        ("محمد", "mhmd"),
        ("אברהם", "avrhm"),
        ("Zoë & François", "Zoë & François"),
        ("a\tb\nc", "a b c"),
        ("e\u0301", "é"),
        ("\u202eabc\u200b", "abc"),
    ],
)
def test_a_name_of_any_script_reads_in_latin(text: str, latin: str) -> None:
    assert to_latin(text) == latin


@given(st.text(max_size=60))
def test_any_text_becomes_windows_1252_and_stays_so(text: str) -> None:
    found = to_latin(text)
    found.encode("cp1252")
    assert to_latin(found) == found
    assert re.search(r"[\x00-\x1f]", found) is None


COUNTRIES = ("US", "GB", "DE", "JP", "KR", "BR", "AE", "SG", "IE", "HK", "FR", "CN", "XX")
WORD = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30)


@given(
    st.builds(
        Address,
        name=WORD,
        lines=st.lists(WORD, max_size=4).map(tuple),
        city=WORD,
        country=st.sampled_from(COUNTRIES),
        postal_code=WORD,
        region=WORD,
        company=WORD,
    )
)
def test_nothing_of_an_address_is_lost_and_everything_fits(address: Address) -> None:
    found = POST.harmonize(address)
    assert all(len(line) <= 40 for line in found.address.lines)
    assert len(found.address.postal_code) <= 10
    "".join((*found.address.lines, found.address.postal_code)).encode("cp1252")
    written = (
        "".join((*found.address.lines[:3], *found.overflow, *found.address.lines[3:]))
        + found.address.postal_code
    )
    squeezed = re.sub(r"[\s,]", "", written).casefold()
    for part in (*address.lines, address.city, address.company, address.postal_code):
        wanted = re.sub(r"[\s,]", "", to_latin(part)).casefold()
        assert wanted in squeezed
