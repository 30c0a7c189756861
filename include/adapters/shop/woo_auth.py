"""How WooCommerce knows us: basic auth over https, OAuth 1.0a over plain http.

Source: WooCommerce REST documentation v3, "Authentication". Plain http is for a sandbox or a
private network; the secret then never travels, only a signature that serves once.
"""

import logging

from oauthlib.oauth1 import (  # type: ignore[import-untyped]
    SIGNATURE_HMAC_SHA256,
    SIGNATURE_TYPE_QUERY,
    Client,
)
from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth

from include.adapters.http.redact import HideAddresses

# It would write signed addresses at DEBUG.
logging.getLogger("oauthlib.oauth1.rfc5849").addFilter(HideAddresses())


class OAuthQuery(AuthBase):
    """Signs method, address and query; WooCommerce takes the signature in the query string."""

    def __init__(self, key: str, secret: str) -> None:
        self._client = Client(
            key,
            client_secret=secret,
            signature_method=SIGNATURE_HMAC_SHA256,
            signature_type=SIGNATURE_TYPE_QUERY,
        )

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        # A JSON body is not part of an OAuth 1.0a signature.
        request.url, _, _ = self._client.sign(request.url, request.method)
        return request


def auth_for(base_url: str, key: str, secret: str) -> AuthBase:
    """Choose by the scheme: what one of them takes, the other refuses."""
    if base_url.startswith("https://"):
        return HTTPBasicAuth(key, secret)
    return OAuthQuery(key, secret)
