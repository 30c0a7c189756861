"""What Decision Manager and the bank found is kept for a person, whatever shape it comes in."""

import json
from typing import Any

import pytest

from include.adapters.cybersource.fraud_checks import checks_of
from include.domain.canonical import from_json
from include.domain.fraud_checks import AVS, CVN, FACTORS, FraudChecks
from include.domain.payments import Authorized
from tests.cybersource.support import AUTH, WRITE_CALLS, Shop
from tests.cybersource.support import shop as shop

ANSWER: dict[str, Any] = {
    "processorInformation": {"avs": {"code": "N"}, "cardVerification": {"resultCode": "M"}},
    "riskInformation": {
        "profile": {"name": "Gift cards", "desinationQueue": "Night"},
        "rules": [
            {"name": "Ships abroad", "decision": "IGNORE"},
            {"name": "Many cards from one device", "decision": "REVIEW"},
            {"decision": "REVIEW"},
            {"name": "Seen before"},
        ],
        "infoCodes": {"customerList": ["NEG-CC", "NEG-EM"], "velocity": ["VEL-CC", "NEG-CC"]},
        "score": {"factorCodes": ["F", "V", "?"], "result": "85"},
        "ipAddress": {"country": "ng", "locality": "lagos"},
    },
}
FOUND = FraudChecks(
    score="85",
    profile="Gift cards",
    rules=("Many cards from one device: REVIEW", "Seen before"),
    factors=("F", "V", "?"),
    infos=("NEG-CC", "NEG-EM", "VEL-CC"),
    ip_country="NG",
    avs="N",
    cvn="M",
)


def test_an_answer_is_read_as_far_as_it_helps() -> None:
    assert checks_of(ANSWER) == FOUND


def test_it_is_told_in_words_and_a_code_that_nobody_knows_as_it_is() -> None:
    assert list(FOUND.told()) == [
        ("risk score", "85"),
        ("rules that fired", "Many cards from one device: REVIEW; Seen before"),
        ("what weighed", f"F: {FACTORS['F']}; V: {FACTORS['V']}; ?"),
        ("information codes", "NEG-CC NEG-EM VEL-CC"),
        ("pays from", "NG"),
        ("billing address", f"N: {AVS['N']}"),
        ("card's check digits", f"M: {CVN['M']}"),
        ("profile", "Gift cards"),
    ]
    assert not list(FraudChecks().told())


@pytest.mark.parametrize(
    "risk",
    [
        None, [], "x", 7, {"score": None}, {"score": "85"}, {"score": {"result": 8.5}},
        {"score": {"result": [], "factorCodes": "F"}}, {"rules": {}}, {"rules": [None, 3, [], {}]},
        {"infoCodes": []}, {"infoCodes": {"velocity": "VEL"}}, {"profile": ["x"]},
        {"ipAddress": "192.0.2.1"},
    ],
)  # fmt: skip
def test_what_has_another_shape_is_left_out(risk: Any) -> None:
    assert checks_of({"riskInformation": risk}) is None


def test_no_list_fills_the_store() -> None:
    long = {"rules": [{"name": "r" * 900, "decision": "REVIEW"}] * 500,
            "score": {"factorCodes": ["F" * 900] * 500},
            "infoCodes": {str(n): [f"{n}-{m}" for m in range(90)] for n in range(90)}}  # fmt: skip
    found = checks_of({"riskInformation": long})
    assert found is not None
    assert len(found.rules) == len(found.factors) == len(found.infos) == 20
    assert max(map(len, (*found.rules, *found.factors))) < 100


def test_no_card_number_of_a_rule_or_a_profile_is_kept() -> None:
    """An analyst may name a rule after the card that it is about."""
    card = "4111 1111 1111 1111"
    risk = {"rules": [{"name": f"Stolen {card}", "decision": f"REVIEW {card}"}],
            "profile": {"name": card}, "infoCodes": {"customerList": [card]},
            "score": {"result": "9", "factorCodes": [card]}}  # fmt: skip
    found = checks_of({"riskInformation": risk})
    assert found is not None
    assert "4111" not in repr(found)
    assert found.rules == ("Stolen [card number]: REVIEW [card number]",)
    padded = checks_of({"riskInformation": {"profile": {"name": "x" * 70 + " " + card}}})
    assert padded is not None
    assert "4111" not in padded.profile


def test_a_rule_that_fired_is_told_behind_many_that_did_not() -> None:
    quiet = [{"name": f"Rule {n}", "decision": "IGNORE"} for n in range(40)]
    risk = {"rules": [*quiet, {"name": "Ships abroad", "decision": "REVIEW"}]}
    found = checks_of({"riskInformation": risk})
    assert found is not None
    assert found.rules == ("Ships abroad: REVIEW",)


@pytest.mark.parametrize("is_lost", [False, True])
def test_it_is_kept_with_the_payment_however_that_was_learnt(shop: Shop, is_lost: bool) -> None:
    if is_lost:
        shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=WRITE_CALLS[AUTH])
    effect = shop.settle(shop.run(AUTH, shop.order("ada+review@example.com")))
    checks = from_json(Authorized, json.dumps(known(effect.evidence))).checks
    assert checks is not None
    assert (checks.score, checks.factors) == ("61", ("G", "Q"))
    assert checks.rules == ("Score above the profile's limit: REVIEW",)
    assert checks.avs == ("" if is_lost else "Y")  # a row of a search has none


def known(evidence: str) -> dict[str, Any]:
    """Return what is the payment's own of what is kept of one that was looked for."""
    names = Authorized.__dataclass_fields__
    return {name: value for name, value in json.loads(evidence).items() if name in names}
