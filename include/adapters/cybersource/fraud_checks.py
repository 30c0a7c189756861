"""Read what a payment's checks found, out of its answer or its row in transaction search.

They help a person and decide nothing, so what has another shape than we know is left out. Rules
are named by people, perhaps with a card's number before them: none is taken over.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from include.adapters.cybersource.answers import Json, text_of
from include.domain.card_numbers import mask_card_numbers
from include.domain.fraud_checks import FraudChecks

_MOST, _LONGEST = 20, 80  # of a list, and of a name: the store is no place for more
_IGNORED = "IGNORE"


def checks_of(body: Json) -> FraudChecks | None:
    """Return what was found; ``None`` where nothing is told."""
    found = FraudChecks(
        score=_text(body, "riskInformation", "score", "result"),
        profile=_text(body, "riskInformation", "profile", "name"),
        rules=tuple(islice(_rules(_at(body, "riskInformation", "rules")), _MOST)),
        factors=_words(_at(body, "riskInformation", "score", "factorCodes")),
        infos=tuple(_infos(_at(body, "riskInformation", "infoCodes"))),
        ip_country=_text(body, "riskInformation", "ipAddress", "country").upper(),
        avs=_text(body, "processorInformation", "avs", "code"),
        cvn=_text(body, "processorInformation", "cardVerification", "resultCode"),
    )
    return None if found == FraudChecks() else found


def _rules(rows: Any) -> Iterator[str]:
    for row in filter(_is_object, rows if isinstance(rows, list) else []):
        name, decision = _text(row, "name"), _text(row, "decision")
        if name and decision != _IGNORED:
            yield f"{name}: {decision}" if decision else name


def _infos(groups: Any) -> Iterator[str]:
    codes = (_words(codes) for codes in groups.values()) if _is_object(groups) else ()
    yield from list(dict.fromkeys(code for group in codes for code in group))[:_MOST]


def _words(codes: Any) -> tuple[str, ...]:
    return tuple(_fit(code) for code in _list(codes) if isinstance(code, str) and code)


def _list(found: Any) -> list[Any]:
    return found[:_MOST] if isinstance(found, list) else []


def _is_object(found: Any) -> bool:
    return isinstance(found, dict)


def _at(body: Json, *path: str) -> Any:
    found: Any = body
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _text(body: Json, *path: str) -> str:
    return _fit(text_of(body, *path) or "")


def _fit(text: str) -> str:
    return mask_card_numbers(text)[:_LONGEST]
