"""How the lines of an order may hang together, whoever sends them: the shop's poller or the API."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from include.domain.orders import LineKind, OrderLine


@dataclass(frozen=True, slots=True)
class LineFault:
    """What is wrong with an order's lines."""

    place: int | None  # of the line, from 0; None for the order as a whole
    what: str
    do: str


def line_faults(lines: Sequence[OrderLine]) -> Iterator[LineFault]:
    """Yield what is wrong: folding a kit into one line must lose no money and no meaning.

    So there are goods, and a component is goods under goods that are no component themselves: no
    kit in a kit, no circle, nothing below a discount.
    """
    if all(line.kind is not LineKind.goods for line in lines):
        yield LineFault(None, "the order has no goods", "Send at least one line of goods.")
    known = {line.number: line for line in lines}
    if len(known) != len(lines):
        yield LineFault(None, "two lines share a number", "Number them, or leave the numbers out.")
    for place, line in enumerate(lines):
        if not line.parent:
            continue
        kit = known.get(line.parent)
        if kit is None or kit is line:
            yield LineFault(place, f"there is no other line {line.parent}", "Name the kit's line.")
        elif {line.kind, kit.kind} != {LineKind.goods}:
            yield LineFault(place, "only goods belong to a kit, which is goods", "Leave it out.")
        elif kit.parent:
            do = "Send kits of one level; a component is no kit."
            yield LineFault(place, "it names a line that is a component itself", do)
