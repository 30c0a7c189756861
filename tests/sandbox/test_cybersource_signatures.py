"""Nobody gets in without a signature that holds, and the refusal never says why."""

import base64
import json
import time
from email.utils import formatdate
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from include.sandbox.cybersource import CybersourceApp
from include.sandbox.ledger import Ledger
from include.sandbox.server import Response
from include.sandbox.world import World
from tests.sandbox.calling import (
    KEY_IDS,
    claims,
    request,
    secret,
    signature_headers,
    target,
    token,
)

REPORTS = target(
    "/reporting/v3/reports",
    organizationId="acme_us",
    startTime="2026-03-02T04:59:00Z",
    endTime="2026-03-03T05:01:00Z",
    timeQueryType="reportTimeFrame",
)
SEARCHES = "/tss/v2/searches"
QUERY = json.dumps({"query": "clientReferenceInformation.code:US-22520001"}).encode()


@pytest.fixture(scope="module")
def app() -> CybersourceApp:
    return CybersourceApp(World(days=30), Ledger())


def bearer(
    app: CybersourceApp, payload: dict[str, Any], owner: str = "acme_us", method: str = "GET"
) -> Response:
    headers = {"authorization": f"Bearer {token(payload, owner)}"}
    wanted, body = (REPORTS, b"") if method == "GET" else (SEARCHES, QUERY)
    return app.handle(request(method, wanted, headers, body))


def refused(response: Response) -> bool:
    body = json.loads(response.whole())
    return response.status == 401 and body == {"response": {"rmsg": "Authentication Failed"}}


def test_a_token_with_the_shared_secret_opens(app: CybersourceApp) -> None:
    assert bearer(app, claims("GET", REPORTS, "acme_us")).status == 200


def test_an_http_signature_opens_get_and_post(app: CybersourceApp) -> None:
    headers = signature_headers("GET", REPORTS, "acme_us")
    assert app.handle(request("GET", REPORTS, headers)).status == 200
    headers = signature_headers("POST", SEARCHES, "acme_us", QUERY)
    assert app.handle(request("POST", SEARCHES, headers, QUERY)).status == 201


def test_a_portfolio_key_opens_for_its_merchant(app: CybersourceApp) -> None:
    headers = signature_headers("GET", REPORTS, "acme_us", owner="acme_portfolio")
    assert app.handle(request("GET", REPORTS, headers)).status == 200
    payload = claims("GET", REPORTS, "acme_us") | {"iss": "acme_portfolio"}
    assert bearer(app, payload, "acme_portfolio").status == 200


def test_a_p12_of_the_control_server_opens_with_rs256(app: CybersourceApp) -> None:
    given = app.control("p12", {"organization_id": "acme_us", "passphrase": "open"})
    assert given is not None
    data = base64.b64decode(given["p12_base64"])
    key, certificate, _ = pkcs12.load_key_and_certificates(data, b"open")
    assert key is not None
    assert certificate is not None
    kid = dict(part.split("=") for part in certificate.subject.rfc4514_string().split(","))
    serial = kid.get("2.5.4.5") or kid["serialNumber"]
    made = jwt.encode(
        claims("GET", REPORTS, "acme_us"),
        key,  # type: ignore[arg-type]
        algorithm="RS256",
        headers={"kid": serial},
    )
    headers = {"authorization": f"Bearer {made}"}
    assert app.handle(request("GET", REPORTS, headers)).status == 200


def test_no_signature_at_all_is_401(app: CybersourceApp) -> None:
    assert refused(app.handle(request("GET", REPORTS)))


@pytest.mark.parametrize(
    "change",
    [
        {"iat": "now"},
        {"jti": "again"},
        {"request-method": "POST"},
        {"request-host": "elsewhere.test"},
        {"request-resource-path": "/reporting/v3/reports"},
        {"v-c-jwt-version": "1"},
        {"v-c-merchant-id": "acme_uk"},
        {"iss": "acme_uk"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_token_with_one_wrong_claim_is_401(app: CybersourceApp, change: dict[str, Any]) -> None:
    assert refused(bearer(app, claims("GET", REPORTS, "acme_us") | change))


@pytest.mark.parametrize(
    "seconds", [{"exp": -1}, {"iat": 3_600, "exp": 3_700}], ids=["over", "not begun"]
)
def test_a_token_whose_time_is_not_now_is_401(app: CybersourceApp, seconds: dict[str, int]) -> None:
    now = int(time.time())
    change = {claim: now + after for claim, after in seconds.items()}
    assert refused(bearer(app, claims("GET", REPORTS, "acme_us") | change))


@pytest.mark.parametrize("change", [{"digest": "AAAA"}, {"digestAlgorithm": "SHA-1"}])
def test_a_token_for_another_body_is_401(app: CybersourceApp, change: dict[str, Any]) -> None:
    payload = claims("POST", SEARCHES, "acme_us", QUERY)
    assert bearer(app, payload, method="POST").status == 201
    assert refused(bearer(app, payload | change, method="POST"))


def test_a_token_signed_with_another_secret_is_401(app: CybersourceApp) -> None:
    payload = claims("GET", REPORTS, "acme_us")
    for made in (
        jwt.encode(payload, secret("acme_uk"), "HS256", headers={"kid": KEY_IDS["acme_us"]}),
        jwt.encode(payload, secret("acme_us"), "HS256", headers={"kid": "unknown"}),
        jwt.encode(payload, "", "none", headers={"kid": KEY_IDS["acme_us"]}),
        "not.a.token",
        "",
    ):
        headers = {"authorization": f"Bearer {made}"}
        assert refused(app.handle(request("GET", REPORTS, headers)))


def test_a_signature_over_other_bytes_is_401(app: CybersourceApp) -> None:
    headers = signature_headers("POST", SEARCHES, "acme_us", QUERY)
    assert refused(app.handle(request("POST", SEARCHES, headers, QUERY + b" ")))
    headers = signature_headers("GET", REPORTS, "acme_us")
    assert refused(app.handle(request("GET", REPORTS + "&reportName=x", headers)))
    assert refused(app.handle(request("GET", REPORTS, headers | {"host": "elsewhere.test"})))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("HmacSHA256", "HmacSHA1"),
        ("request-target", "(request-target)"),
        ("host date", "date host"),
        ("sandbox0001", "sandbox0002"),
        ('signature="', 'signature="A'),
    ],
)
def test_a_signature_header_with_one_wrong_part_is_401(
    app: CybersourceApp, old: str, new: str
) -> None:
    headers = signature_headers("GET", REPORTS, "acme_us")
    headers["signature"] = headers["signature"].replace(old, new)
    assert refused(app.handle(request("GET", REPORTS, headers)))


@pytest.mark.parametrize("said", ["", "yesterday", "an hour old"])
def test_a_signature_with_an_old_or_unreadable_date_is_401(app: CybersourceApp, said: str) -> None:
    # Made here: a clock in a test's name differs from one xdist worker to the next.
    date = formatdate(time.time() - 3_600, usegmt=True) if said == "an hour old" else said
    headers = signature_headers("GET", REPORTS, "acme_us", date=date or "x") | {"date": date}
    assert refused(app.handle(request("GET", REPORTS, headers)))


def test_a_merchant_sees_nothing_of_another(app: CybersourceApp) -> None:
    wanted = REPORTS.replace("acme_us", "acme_uk")
    headers = signature_headers("GET", wanted, "acme_us")
    assert app.handle(request("GET", wanted, headers)).status == 404


def test_schemas_are_open_to_everybody(app: CybersourceApp) -> None:
    assert app.handle(request("GET", "/reporting/v3/dtds/pbdr-1.1")).status == 200
    assert app.handle(request("GET", "/reporting/v3/xsds/tdr")).status == 200
    assert app.handle(request("GET", "/reporting/v3/dtds/nothing-1.0")).status == 404
