"""Hold what the product said against the truth: precision and recall per fault class.

An identity is what both sides must agree on: (merchant, request id), document id, case number ...
A label counts as named only under the right word; a word said about anything else is a false one.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.domain.settlement import SettlementDay
from include.sandbox.world.model import LABELS, Label
from tests.accuracy.quarter import Found

Identity = tuple[object, ...]


@dataclass(slots=True)
class Score:
    """One fault class."""

    name: str
    planted: set[Identity] = field(default_factory=set)
    named: set[Identity] = field(default_factory=set)  # what the product called so

    @property
    def hits(self) -> set[Identity]:
        return self.planted & self.named

    @property
    def precision(self) -> float:
        return len(self.hits) / len(self.named) if self.named else 1.0

    @property
    def recall(self) -> float:
        return len(self.hits) / len(self.planted) if self.planted else 1.0

    @property
    def is_perfect(self) -> bool:
        return self.planted == self.named


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole quarter."""

    scores: Sequence[Score]
    false_missing: Sequence[str]  # called missing although nothing of the kind was planted
    left_open: Sequence[str]  # should have been closed by a later day and was not

    @property
    def is_passed(self) -> bool:
        perfect = all(score.is_perfect and score.planted for score in self.scores)
        return perfect and not self.false_missing and not self.left_open


def judge(labels: Sequence[Label], tail: Sequence[Label], found: Found) -> Verdict:
    """Compare labels with what was found.

    Args:
        labels: of the days that are judged.
        tail: of the days that ran after them, so that SLA could pass; what is said about these
            counts neither for nor against.
        found: everything that was said on all of these days.
    """
    found.watched = [
        (x.merchant, x.on, x.request_id) for x in labels if x.label == "dst_day" and x.request_id
    ]
    found.crossing = {
        (x.merchant, x.request_id or "")
        for x in (*labels, *tail)
        if x.label == "month_end_across_batch"
    }
    by_word: dict[str, list[Label]] = defaultdict(list)
    later: dict[str, list[Label]] = defaultdict(list)
    for into, some in ((by_word, labels), (later, tail)):
        for label in some:
            into[label.label].append(label)
    scores = []
    for word in LABELS:
        name, say = _IDENTITIES[word], _SAYS[word]
        # The label of a day as a whole says what its requests prove one by one.
        planted = [x for x in by_word[word] if word != "dst_day" or x.request_id]
        score = Score(word, {name(label) for label in planted})
        score.named = set(say(found)) - {name(x) for x in later[word] if word != "dst_day"}
        if word == "missing_in_settlement":
            last = max(label.on for label in labels)
            score.planted |= {who for who, on in found.dropped.items() if on <= last}
            score.named -= {who for who, on in found.dropped.items() if on > last}
        scores.append(score)
    every = [*labels, *tail]
    return Verdict(scores, _false_missing(every, found), _left_open(labels, found))


# What identifies a label -------------------------------------------------------------------------


def _request(label: Label) -> Identity:
    return label.merchant, label.request_id


def _document(label: Label) -> Identity:
    return label.merchant, label.document_id


def _day(label: Label) -> Identity:
    return label.merchant, label.on


def _fee(label: Label) -> Identity:
    if label.request_id:
        return label.merchant, label.request_id, label.amount_minor
    card = label.detail["card_type"]
    return label.merchant, label.on, label.currency, card, label.amount_minor


def _case(label: Label) -> Identity:
    return label.merchant, label.detail["case_number"]


def _funding(label: Label) -> Identity:
    return label.merchant, label.batch_id, label.amount_minor


def _report(label: Label) -> Identity:
    return label.merchant, label.on, label.report_name


def _mystery(label: Label) -> Identity:
    return label.merchant, label.on


_IDENTITIES: dict[str, Callable[[Label], Identity]] = {
    "missing_in_erp": _request,
    "missing_in_settlement": _document,
    "wrong_amount": _document,
    "wrong_currency": _document,
    "duplicate_line": _request,
    "duplicate_file": _day,
    "late": _document,
    "partial_capture": _document,
    "partial_refund": _request,
    "refund_without_reference": _request,
    "fee_drift": _fee,
    "chargeback_on_unknown_capture": _case,
    "chargeback_reversal": _case,
    "dispute_deadline_passed": _case,
    "dispute_deadline_unknown": _case,
    "restated_report": _report,
    "truncated_file": _day,
    "unknown_record_type": _mystery,
    "dst_day": _request,
    "month_end_across_batch": _request,
    "closed_period": _day,
    "identical_amounts": _request,
    "short_funding": _funding,
}


# What the product said ---------------------------------------------------------------------------


def _items(found: Found, *causes: str) -> Iterable[dict[str, Any]]:
    return (item for item in found.items if item["cause"] in causes)


def _what(item: dict[str, Any]) -> str:
    """Return the last part of an item's key: the line's or document's identity."""
    return str(item["item_key"]).split("|", 3)[3]


def _item_requests(cause: str) -> Callable[[Found], Iterable[Identity]]:
    return lambda f: [(i["merchant_id"], _what(i).split("|")[0]) for i in _items(f, cause)]


def _item_documents(cause: str) -> Callable[[Found], Iterable[Identity]]:
    return lambda f: [(i["merchant_id"], i["document_id"]) for i in _items(f, cause)]


def _item_cases(cause: str) -> Callable[[Found], Iterable[Identity]]:
    return _item_requests(cause)  # the case number stands where a line has its request


def _item_days(cause: str) -> Callable[[Found], Iterable[Identity]]:
    return lambda f: [(i["merchant_id"], i["settlement_date"]) for i in _items(f, cause)]


def _row_requests(*rules: str) -> Callable[[Found], Iterable[Identity]]:
    return lambda f: [(r["merchant"], r["request_id"]) for r in f.rows if r["rule"] in rules]


def _missing_in_settlement(found: Found) -> Iterable[Identity]:
    """Items of documents that never settled; what settled late is judged as late."""
    return [
        (i["merchant_id"], i["document_id"])
        for i in _items(found, "missing_in_settlement")
        if i["state"] == "open"
    ]


def _late(found: Found) -> Iterable[Identity]:
    """Documents that settled after their day, but for those of the next batch at a closing."""
    return [
        (row["merchant"], row["document_id"])
        for row in found.rows
        if row["rule"] == "late" and (row["merchant"], row["request_id"]) not in found.crossing
    ]


def _duplicates(found: Found) -> Iterable[Identity]:
    """Requests of the records set aside as repeats, read from the bytes that were kept."""
    known = {(r["merchant"], i) for r in found.quarantine for i in _ids(r)}
    return known if known else []


def _ids(row: dict[str, Any]) -> list[str]:
    if row["reason_code"] not in ("duplicate_line", "counted_before"):
        return []
    return re.findall(r"(?<![0-9])[0-9]{22}(?![0-9])", row["raw"].decode("utf-8", "replace"))[:1]


def _fees(found: Found) -> Iterable[Identity]:
    said: list[Identity] = []
    for item in _items(found, "fee_drift"):
        if item["item_key"] in found.after_restatement:
            continue  # true, but made by the restatement, which no fee label knows
        parts = _what(item).split("|")
        if len(parts) == 2:
            said.append((item["merchant_id"], parts[0], item["amount_minor"]))
        else:
            _, card, currency = parts
            said.append(
                (
                    item["merchant_id"],
                    item["settlement_date"],
                    currency,
                    card,
                    item["amount_minor"],
                )
            )
    return said


def _reversals(found: Found) -> Iterable[Identity]:
    return [
        (row["merchant"], row["case_number"])
        for row in found.rows
        if row["line_class"] == "chargeback_reversal" and row["rule"] and not row["cause"]
    ]


def _restated(found: Found) -> Iterable[Identity]:
    return found.restated


def _closed(found: Found) -> Iterable[Identity]:
    """Days whose journal waits for its period, or says that it was dated into the next."""
    said: list[Identity] = list(_item_days("period_closed")(found))
    for journal in found.journals:
        if "period of" in journal["payload"] and journal["kind"] == "settlement":
            said.append((journal["merchant_id"], journal["settlement_date"]))
    return said


def _short(found: Found) -> Iterable[Identity]:
    """What stays short; a restated batch is overpaid until the bank takes its correction back."""
    return [
        (i["merchant_id"], _what(i).split("|")[0], i["amount_minor"])
        for i in _items(found, "short_funding", "unreported_by_source")
        if i["state"] == "open"
    ]


def _in_their_day(found: Found) -> Iterable[Identity]:
    """Requests of the 23- and 25-hour days that stand in that day's lines and in no other's."""
    said: list[Identity] = []
    for merchant, on, request in found.watched:
        days = [key for key, ids in found.lines.items() if request in ids]
        if days == [str(SettlementDay(merchant, on))]:
            said.append((merchant, request))
    return said


def _crossed(found: Found) -> Iterable[Identity]:
    """Sales of the next batch at a closing that found their document of the day before."""
    return [
        (row["merchant"], row["request_id"])
        for row in found.rows
        if row["rule"] and (row["merchant"], row["request_id"]) in found.crossing
    ]


_SAYS: dict[str, Callable[[Found], Iterable[Identity]]] = {
    "missing_in_erp": _item_requests("missing_in_erp"),
    "missing_in_settlement": _missing_in_settlement,
    "wrong_amount": _item_documents("wrong_amount"),
    "wrong_currency": _item_documents("wrong_currency"),
    "duplicate_line": _duplicates,
    "duplicate_file": _item_days("duplicate_file"),
    "late": _late,
    "partial_capture": _item_documents("partial_capture"),
    "partial_refund": _row_requests("partial_refund"),
    "refund_without_reference": _item_requests("refund_without_reference"),
    "fee_drift": _fees,
    "chargeback_on_unknown_capture": _item_cases("chargeback_on_unknown_capture"),
    "chargeback_reversal": _reversals,
    "dispute_deadline_passed": _item_cases("dispute_deadline_passed"),
    "dispute_deadline_unknown": _item_cases("dispute_deadline_unknown"),
    "restated_report": _restated,
    "truncated_file": _item_days("truncated_file"),
    "unknown_record_type": _item_days("unknown_record_type"),
    "dst_day": _in_their_day,
    "month_end_across_batch": _crossed,
    "closed_period": _closed,
    "identical_amounts": _row_requests("set_of_equals"),
    "short_funding": _short,
}


def _false_missing(labels: Sequence[Label], found: Found) -> list[str]:
    """Return every "missing" said about something that is not missing by the truth."""
    requests = {_request(label) for label in labels if label.label == "missing_in_erp"}
    documents = {_document(x) for x in labels if x.label in ("missing_in_settlement", "late")}
    said = []
    for item in _items(found, "missing_in_erp", "missing_in_settlement"):
        request = (item["merchant_id"], _what(item).split("|")[0])
        document = (item["merchant_id"], item["document_id"])
        if request not in requests and document not in documents | found.dropped.keys():
            said.append(f"{item['item_key']}: {item['explanation']}")
    return said


def _left_open(labels: Sequence[Label], found: Found) -> list[str]:
    """Return items of documents that the truth says a later day has closed."""
    closed = {
        _document(label)
        for label in labels
        if label.resolves_on is not None and label.label in ("late", "partial_capture")
    }
    return [
        f"{i['item_key']} is open"
        for i in found.items
        if i["state"] == "open" and (i["merchant_id"], i["document_id"]) in closed
    ]
