"""An order that must be refused: by which problem, and without a trace."""

from typing import Any

from tests.api.conftest import Kit

PAN = "4111 1111 1111 1111"


def refused(kit: Kit, content: Any, status: int, code: str, **headers: str) -> dict[str, Any]:
    """Send an order that must be refused, and leave no row; return the problem."""
    before = kit.count("orders")
    answer = kit.call("POST", "/v1/orders", content, key="bad-1", **headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == f"urn:tieout:problem:{code}"
    assert problem["status"] == status
    assert problem["do"]
    assert kit.count("orders") == before
    assert kit.count("answers") == 0
    return problem
