"""The common course of an object whose document is a list of items.

Each is checked; what may be written is written; the reply has an item for each, with its fields or
its errors. Every executed item is a row of the truth ledger.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from xml.etree.ElementTree import Element

from include.sandbox.syspro.documents import Node, lowered, root_node
from include.sandbox.syspro.posting import Call, Checked, Findings, item_counters, to_post

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Course(Generic[T]):
    """How one object reads, writes and answers.

    ``check`` gives what is to be written, or ``None`` after a refusal; ``write`` gives the nodes
    of the reply's item, ``reference`` names an item in the ledger.
    """

    verb: str
    root: str
    version: str
    check: Callable[[Call, Element, Findings], T | None]
    write: Callable[[Call, T], list[Node]]
    reference: Callable[[Element], str]
    is_all_or_nothing: str = "N"  # what a missing ApplyIfEntireDocumentValid means
    is_setup: bool = False  # lower-case names, RecordsRead and RecordsInvalid


def run(call: Call, course: Course[T], findings: Findings | None = None) -> Node:
    """Do every item of the document; ``findings`` are errors of the document itself."""
    with call.books.lock:
        parts = call.document.findall("Item")
        items = [check_item(call, course.check, part, findings) for part in parts]
        posting = {id(item) for item in to_post(call, items, course.is_all_or_nothing)}
        replies = []
        for number, item in enumerate(items, start=1):
            count = [] if course.is_setup else [Node("ItemNumber", f"{number:06d}")]
            if item.ready is None:
                reference = course.reference(item.element)
                call.record(course.verb, reference, committed=False, company=call.books.company)
                errors = [lowered(n) for n in item.errors] if course.is_setup else item.errors
                content = [*errors, *count]
            elif id(item) in posting:
                content = [*course.write(call, item.ready), *count]
            else:
                content = count
            replies.append(Node("item" if course.is_setup else "Item", content))
    invalid = sum(item.ready is None for item in items)
    status = item_counters(len(posting), invalid)
    if course.is_setup:
        counts = (("RecordsRead", len(items)), ("RecordsInvalid", invalid))
        status = Node("StatusOfItems", [Node(name, str(count)) for name, count in counts])
    return root_node(course.root, course.version, [*replies, status])


def check_item(
    call: Call,
    check: Callable[[Call, Element, Findings], T | None],
    element: Element,
    document: Findings | None = None,
) -> Checked[T]:
    """Check one item; errors of the document itself refuse it too."""
    findings = Findings()
    findings.nodes += document.nodes if document else []
    ready = check(call, element, findings)
    return Checked(element, None if findings.nodes else ready, findings.nodes, findings.warnings)
