"""JSON in and out of the facade: bodies, answers, and the errors of the object behind."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from include.sandbox.server import Request, Response
from include.sandbox.syspro.documents import CallFailed, Node


class BadBody(ValueError):
    """The body is not the JSON asked for."""


def read_body(request: Request) -> Mapping[str, Any]:
    try:
        found = request.json()
    except ValueError as fault:
        raise BadBody(f"not JSON: {fault}") from fault
    if not isinstance(found, dict):
        raise BadBody("a JSON object is needed")
    return found


def read_lines(body: Mapping[str, Any], name: str = "Lines") -> list[Mapping[str, Any]]:
    lines = body.get(name)
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise BadBody(f"{name} must be a list of objects")
    return lines


def copy_to(element: Element, given: Mapping[str, Any], names: Mapping[str, str]) -> Element:
    """Copy known members to elements; a number must come as text, so that no digit is lost."""
    for name, tag in names.items():
        value = given.get(name)
        if isinstance(value, float):
            raise BadBody(f'{name} must be a string such as "12.34"')
        if value is not None:
            SubElement(element, tag).text = str(value)
    return element


def answer(reply: Node, wanted: tuple[str, ...]) -> Response:
    errors = list(errors_of(reply))
    if errors:
        return Response.of_json({"Success": False, "Errors": errors})
    leaves = {leaf.name: leaf.content for leaf in walk(reply) if isinstance(leaf.content, str)}
    facts = {name: leaves[name] for name in wanted if name in leaves}
    return Response.of_json({"Success": True, **facts})


def errors_of(node: Node) -> Iterator[dict[str, str]]:
    for found in walk(node):
        if isinstance(found.content, str):
            continue
        parts = {c.name: c.content for c in found.content if isinstance(c.content, str)}
        if "ErrorDescription" in parts:
            yield {
                "Field": found.name,
                "Code": parts.get("ErrorNumber", ""),
                "Message": parts["ErrorDescription"],
            }


def walk(node: Node) -> Iterator[Node]:
    yield node
    if not isinstance(node.content, str):
        for child in node.content:
            yield from walk(child)


def guarded(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except PermissionError as refusal:
            headers = [("WWW-Authenticate", 'Basic realm="facade"')]
            response = Response.of_json(
                {"Success": False, "Errors": [{"Message": str(refusal)}]}, 401
            )
            response.headers += headers
            return response
        except BadBody as fault:
            return Response.of_json({"Success": False, "Errors": [{"Message": str(fault)}]}, 400)
        except CallFailed as failure:
            return Response.of_json({"Success": False, "Errors": [{"Message": str(failure)}]})

    return answer
