"""Refusals in WooCommerce's shape: ``{code, message, data: {status}}``."""

from collections.abc import Mapping

from include.sandbox.server import Response


class WooError(Exception):
    """A clear no; raised anywhere, answered at the edge."""

    def __init__(
        self, code: str, message: str, status: int, params: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code, message)
        self.code, self.message, self.status = code, message, status
        self.params = dict(params or {})

    def response(self) -> Response:
        data: dict[str, object] = {"status": self.status}
        if self.params:
            data["params"] = self.params
        body = {"code": self.code, "message": self.message, "data": data}
        return Response.of_json(body, self.status, "application/json; charset=UTF-8")


def invalid_param(name: str, why: str) -> WooError:
    return WooError("rest_invalid_param", f"Invalid parameter(s): {name}", 400, {name: why})


def invalid_id(kind: str) -> WooError:
    """404, with the code that carries the resource's internal name."""
    return WooError(f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.", 404)


def unauthorized(message: str, code: str = "woocommerce_rest_authentication_error") -> WooError:
    return WooError(code, message, 401)
