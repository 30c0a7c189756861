"""The reference agrees and the amount differs by no more than the merchant declared."""

from include.domain.matching import Rule
from include.domain.money import Money
from include.services.matching.model import MatchDecision, Pool


def decide(pool: Pool, tolerance_minor: int) -> None:
    """Match one line with one document of its order inside the tolerance."""
    for lines, documents in list(pool.groups(by_amount=False)):
        if len(lines) != 1 or len(documents) != 1:
            continue
        line, document = lines[0], documents[0]
        difference = line.minor - document.minor
        if abs(difference) > tolerance_minor:
            continue
        allowed = Money(tolerance_minor, line.currency)
        pool.decide(
            MatchDecision(
                [line],
                [document],
                Rule.tolerance,
                None,
                f"{line} against {document}: they differ by "
                f"{Money(difference, line.currency)}, {allowed} is allowed",
                pool.runner_up(line, [document]),
                taken=[document.minor],
            )
        )
