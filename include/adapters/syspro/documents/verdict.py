"""Was the document taken? SYSPRO says it by counters whose names differ by object.

Source: reference, section 2. A complaint anywhere outweighs a counter: a live order refused for its
price was once booked as accepted by a reader that looked at the counter alone.
"""

from dataclasses import dataclass
from enum import StrEnum
from xml.etree.ElementTree import Element

from include.adapters.syspro.documents.reply import Problem, count, field, problems


class Answer(StrEnum):
    """The three readings of a reply."""

    taken = "taken"
    refused = "refused"  # complained, and counted nothing as done
    unclear = "unclear"  # complained *and* counted, or neither: nobody may guess


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reading, with every complaint; ``gl_error`` is set when only the general ledger failed."""

    answer: Answer
    problems: tuple[Problem, ...]
    gl_error: str = ""  # the sub-ledger has it, its GL journal failed

    @property
    def words(self) -> str:
        return "; ".join(str(problem) for problem in self.problems[:5])


def judge(tree: Element, processed: str, invalid: str) -> Verdict:
    """Read counters and complaints; the counters are lower-case names in ``StatusOfItems``."""
    found = problems(tree)
    status = tree.find("statusofitems")
    done, wrong = count(status, processed), count(status, invalid)
    if found and done == 0:
        answer = Answer.refused
    elif not found and done == 1 and not wrong:
        answer = Answer.taken
    else:
        answer = Answer.unclear
    return Verdict(answer, found, _gl_error(tree))


def judge_setup(tree: Element) -> Verdict:
    """Read a Setup object's answer: it counts what it read, and of that what was invalid."""
    found = problems(tree)
    status = tree.find("statusofitems")
    read, wrong = count(status, "recordsread"), count(status, "recordsinvalid")
    if found and wrong:
        answer = Answer.refused
    elif not found and read == 1 and wrong == 0:
        answer = Answer.taken
    else:
        answer = Answer.unclear
    return Verdict(answer, found)


def _gl_error(tree: Element) -> str:
    for block in tree.iter("gljournal"):
        code, text = field(block, "gljournalerror"), field(block, "gljournalmessage")
        is_flagged = code.strip("0").upper() not in ("", "N")
        is_unnumbered = bool(text) and not field(block, "gljournal").strip("0")
        if is_flagged or is_unnumbered:
            return " ".join(part for part in (code, text) if part)
    return ""


def gl_key(tree: Element) -> str:
    """Return ``year/period/journal`` of the general-ledger journal, or ``''``."""
    for block in tree.iter("gljournal"):
        parts = [field(block, name) for name in ("glyear", "glperiod", "gljournal")]
        if all(part.strip("0") for part in parts):
            return "/".join(parts)
    return ""
