"""The OpenAPI document, from the routes themselves; for authenticated clients and the shell."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tieout.api import answers, events, schema
from tieout.api.auth import Needs, Open, Reader
from tieout.api.document_parts import callbacks, headers_of
from tieout.api.examples import EXAMPLES
from tieout.api.problems import CODES, MEDIA_TYPE

router = APIRouter(prefix="/v1", tags=["document"])
_REF = "#/components/schemas/{model}"
_ANSWERS: dict[str, dict[int, type[BaseModel] | None]] = {
    "place_order": dict.fromkeys((200, 201, 202), answers.OrderAnswer),
    "pay_order": dict.fromkeys((200, 202), answers.OrderAnswer),
    "read_order": {200: answers.OrderAnswer},
    "list_orders": {200: answers.OrderPage},
    "read_timeline": {200: answers.Timeline},
    "cancel_order": {202: answers.OrderAnswer},
    "capture_order": {202: answers.OrderAnswer},
    "decide_order": dict.fromkeys((200, 202), answers.OrderAnswer),
    "ask_refund": {202: answers.RefundAnswer},
    "list_refunds": {200: answers.Refunds},
    "read_refund": {200: answers.RefundAnswer},
    "approve_refund": {202: answers.RefundAnswer},
    "list_dead_letters": {200: answers.DeadLetterList},
    "read_dead_letter": {200: answers.DeadLetterAnswer},
    "replay_dead_letters": {200: answers.ReplayAnswer},
    "resolve_dead_letter": {200: answers.DeadLetterAnswer},
    "verify_audit": {200: answers.AuditAnswer},
    "health": {200: answers.HealthAnswer},
    "health_by_post": {200: answers.HealthAnswer},
    "cybersource": {200: answers.WebhookAnswer},
    "woocommerce": {200: answers.WebhookAnswer},
    "generic": {200: answers.WebhookAnswer},
    "openapi": {200: None},
}
_MODELS = [
    one
    for module in (answers, events, schema)
    for one in vars(module).values()
    if isinstance(one, type) and issubclass(one, BaseModel) and one.__module__ == module.__name__
]


@router.get("/openapi.json", name="openapi")
def openapi(request: Request, client: Reader) -> Response:
    """Return this document."""
    return JSONResponse(document_of(request.app, request.scope.get("root_path", "")))


def document_of(app: FastAPI, root_path: str = "") -> dict[str, Any]:
    """Build the document; ``root_path`` is where the application is mounted."""
    found = get_openapi(
        title="Tieout: order to cash",
        version="1",
        description="Place orders, read them, cancel, capture and refund. Repeating is safe: "
        "the same Idempotency-Key gets the same answer, for 180 days, but for an order that was "
        "*pending*: a repeat tells how it ended. Refusals (4xx) are RFC 9457 problems, and their "
        "member `do` names the next step. They are not kept: nothing was done, and a repeat is "
        "judged anew, as things stand then. An order's number is used once: one that was declined "
        "is paid anew, with another card, under its own, until it is cancelled.",
        routes=app.routes,
        servers=[{"url": root_path or "/"}],
    )
    _, defined = models_json_schema([(model, "validation") for model in _MODELS], ref_template=_REF)
    components = found.setdefault("components", {})
    components["schemas"] = defined["$defs"]
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for route in app.routes:
        if isinstance(route, APIRoute):
            for method in route.methods:
                _complete(found["paths"][route.path_format][method.lower()], route)
    found["webhooks"] = callbacks()
    return found


def protection_of(route: APIRoute) -> Needs | Open:
    """Return what protects a route; one that names nothing is a bug."""
    for one in route.dependant.dependencies:
        if isinstance(one.call, Needs | Open):
            return one.call
    raise LookupError(f"nothing protects {route.path}")


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    operation["operationId"] = route.name
    operation["responses"] = {
        str(status): _answer(model, route.name, status)
        for status, model in _ANSWERS[route.name].items()
    }
    protection = protection_of(route)
    codes = ["unavailable", "not-found", "invalid", "method-not-allowed", "internal", "malformed"]
    if isinstance(protection, Needs):
        operation["security"] = [{"key": []}]
        operation["description"] += f"\n\nNeeds the role `{protection.role.value}`."
        codes += ["unauthenticated", "forbidden", "too-many"]
    body = next(
        (model for one in route.dependant.dependencies if (model := _model_of(one.call))), None
    )
    is_asked = isinstance(protection, Needs) and "POST" in route.methods
    if is_asked:
        codes += ["conflict"]
    if body is not None:
        codes += ["too-large", "too-slow", "media-type"]
        operation["requestBody"] = _body(body)
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "header":  # the route finds it missing itself, to say so in words
            parameter |= {"required": True, "schema": {"type": "string", "maxLength": 200}}
    if isinstance(protection, Open) and protection.is_signed:
        codes += ["bad-signature", "too-large", "too-slow"]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    for code in codes:
        status, title, _ = CODES[code]
        operation["responses"].setdefault(str(status), _problem(title))
    for status, answer in operation["responses"].items():
        if headers := headers_of(status, protection):
            answer.setdefault("headers", {}).update(headers)


def _model_of(call: Any) -> type[BaseModel] | None:
    found: type[BaseModel] | None = getattr(call, "model", None)
    return found


def _body(model: type[BaseModel]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": _REF.format(model=model.__name__)}}
    if model.__name__ in EXAMPLES:
        content["examples"] = EXAMPLES[model.__name__]
    return {"required": True, "content": {"application/json": content}}


def _answer(model: type[BaseModel] | None, name: str, status: int) -> dict[str, Any]:
    shape = {"$ref": _REF.format(model=model.__name__)} if model else {"type": "object"}
    found: dict[str, Any] = {
        "description": _SAYS.get((name, status), "Done." if status == 200 else "Taken."),
        "content": {"application/json": {"schema": shape}},
    }
    if status in (200, 201, 202) and name in _LOCATED:
        found["headers"] = {
            "Location": {"description": "Read it there.", "schema": {"type": "string"}}
        }
    return found


_LOCATED = ("place_order", "pay_order", "ask_refund", "capture_order")
_SAYS = {
    ("place_order", 200): "The order was there already; this is how it stands.",
    ("place_order", 201): "The payment is decided: see `state`.",
    ("place_order", 202): "The outcome is not known yet: tell the shopper so, read it later.",
    ("pay_order", 200): "The payment is decided: see `state`.",
    ("pay_order", 202): "The outcome is not known yet: tell the shopper so, read it later.",
    ("decide_order", 200): "It is decided so already.",
}


def _problem(title: str) -> dict[str, Any]:
    return {
        "description": title + ".",
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="ProblemAnswer")}}},
    }
