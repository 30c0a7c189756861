"""What a payment's checks found: Decision Manager's score and rules, the bank's address and CVN.

For whoever accepts or rejects an order, and for whoever contests its chargeback later. Nothing is
decided by it here; the gateway has decided, and its word is in ``Authorized.status``.
Source: Cybersource, ``riskInformation`` and ``processorInformation`` of a payment's answer; the
meaning of the codes is the vendor's published one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FACTORS: Mapping[str, str] = {  # what weighed in the score
    "A": "address changes often",
    "B": "the card's bank or its authorisations are risky",
    "C": "many card numbers",
    "D": "the mail address is risky",
    "E": "on the positive list",
    "F": "on the negative list",
    "G": "places do not fit together",
    "H": "name changes often",
    "I": "mail or IP address does not fit the billing address",
    "N": "words without sense",
    "O": "obscene words",
    "P": "identity changes often",
    "Q": "the phone number does not fit",
    "R": "much of the order is risky",
    "T": "paid at an odd time of day",
    "U": "the address cannot be verified",
    "V": "the card was used very often",
    "W": "marked as suspect before",
    "Y": "goes to another place than the bill",
    "Z": "a value is invalid, so others stand in for it",
}
AVS: Mapping[str, str] = {  # the bank's word on the billing address
    "A": "street fits, postal code does not",
    "B": "street fits, postal code not checked",
    "C": "neither fits",
    "D": "both fit",
    "E": "not allowed for this card",
    "F": "postal code fits",
    "G": "the bank, abroad, does not check it",
    "I": "not checked",
    "M": "both fit",
    "N": "neither fits",
    "P": "postal code fits, street not checked",
    "R": "the bank could not be asked",
    "S": "the bank does not check it",
    "U": "the bank does not know it",
    "W": "postal code fits, street does not",
    "X": "both fit",
    "Y": "both fit",
    "Z": "postal code fits, street does not",
    "1": "not checked for this card or processor",
    "2": "the processor's word is not known",
}
CVN: Mapping[str, str] = {  # the bank's word on the digits on the card's back
    "D": "the bank finds it suspicious",
    "I": "fails the processor's check",
    "M": "fits",
    "N": "does not fit",
    "P": "not checked",
    "S": "is on the card, and was not sent",
    "U": "the bank does not check it",
    "X": "the card's network does not check it",
    "1": "not checked for this card or processor",
    "2": "the processor's word is not known",
    "3": "no answer",
}


@dataclass(frozen=True, slots=True)
class FraudChecks:
    """The codes and names as the gateway gave them; '' or nothing where it did not."""

    score: str = ""  # of Decision Manager: 0 is harmless, 99 is not
    profile: str = ""  # of its rules, that was used
    rules: tuple[str, ...] = ()  # that fired, each with what it asked for: "Ships abroad: REVIEW"
    factors: tuple[str, ...] = ()  # one letter each
    infos: tuple[str, ...] = ()  # information codes, NEG-CC
    ip_country: str = ""  # where the shopper's connection comes from, ISO 3166
    avs: str = ""
    cvn: str = ""

    def told(self) -> Iterator[tuple[str, str]]:
        """Yield what is known, each with its name, in the order in which it helps to decide."""
        factors = (_meant(code, FACTORS) for code in self.factors)
        rows = (
            ("risk score", self.score),
            ("rules that fired", "; ".join(self.rules)),
            ("what weighed", "; ".join(factors)),
            ("information codes", " ".join(self.infos)),
            ("pays from", self.ip_country),
            ("billing address", _meant(self.avs, AVS)),
            ("card's check digits", _meant(self.cvn, CVN)),
            ("profile", self.profile),
        )
        return ((name, words) for name, words in rows if words)


def _meant(code: str, words: Mapping[str, str]) -> str:
    return f"{code}: {words[code]}" if code in words else code
