"""A measurement as one line of JSON: printed where it was made, read where production runs."""

import json
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from include.domain.canonical import to_plain
from include.domain.commissioning import Fact, Probe
from include.domain.errors import Rejected
from include.services.commissioning.findings import SHAPES, Finding

_LONGEST = 20_000  # characters


class Line(BaseModel):
    """One line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    probe: Probe
    connection: str = Field(min_length=1, max_length=250)
    measured_at: AwareDatetime
    found: dict[str, Any]


def line_of(probe: Probe, connection: str, at: datetime, finding: Finding) -> str:
    """Return the line of a measurement."""
    found: Any = to_plain(finding)
    return Line(probe=probe, connection=connection, measured_at=at, found=found).model_dump_json()


def fact_of(text: str, who: str, connection: str = "") -> Fact:
    """Read a line.

    Args:
        text: one line of JSON.
        who: records it.
        connection: where it holds; '' is the line's own.

    Raises:
        Rejected: it is not one, or does not fit its probe.
    """
    try:
        line = Line.model_validate_json(text[:_LONGEST])
        shape = TypeAdapter(SHAPES[line.probe])
        finding = shape.validate_json(json.dumps(line.found), strict=True)
    except ValidationError as fault:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the line'}: {one['msg']}"
            for one in fault.errors(include_url=False, include_input=False)[:5]
        )
        raise Rejected(
            f"this is no measurement: {wrong}",
            f"line {text[:60]!r}",
            "Hand over the lines as the commands printed them.",
        ) from None
    found: Any = to_plain(finding)
    if unknown := line.found.keys() - found.keys():
        what = f"this is no measurement: {line.probe} has no {', '.join(sorted(unknown))}"
        raise Rejected(what, f"line {text[:60]!r}", "Hand it over as it was printed.")
    return Fact(line.probe, connection or line.connection, found, line.measured_at, who)
