"""Signatures against vectors of our own, computed by another program.

Every expected value was made with OpenSSL's command line, not with the code under test: the
signing text written out by hand, then
``openssl dgst -sha256 -mac HMAC -macopt hexkey:<key> -binary | base64``, the digest with
``openssl dgst -sha256 -binary | base64``, and tokens by joining the base64url of the sorted,
compact JSON header and claims with the same HMAC. All keys and names are invented.
"""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from include.adapters.cybersource.signing import (
    HttpSignature,
    Identity,
    JwtBearer,
    decode_secret,
    host_of,
    open_p12,
)
from include.domain.errors import Rejected

SECRET = b"tieout test key of 32 bytes long"
BODY = '{"query":"clientReferenceInformation.code:Ä-1"}'.encode()
DIGEST = "kBYUH8JbuI5RfaViURUDfI08/ef9SkdKmXxOrHSc6NU="
QUERY = "/reporting/v3/reports?startTime=2026-03-01T00%3A00%3A00.000Z&organizationId=shop_1"
NOW = datetime(2026, 3, 2, 3, 4, 5, tzinfo=UTC)
NEW_ID = "11112222-3333-4444-5555-666677778888"
HEADER = '{"alg":"HS256","kid":"key-1","typ":"JWT"}'
POST_CLAIMS = (
    '{"digest":"kBYUH8JbuI5RfaViURUDfI08/ef9SkdKmXxOrHSc6NU=","digestAlgorithm":"SHA-256",'
    '"exp":1772420765,"iat":1772420645,"iss":"shop_1",'
    '"jti":"11112222-3333-4444-5555-666677778888","request-host":"api.example.test",'
    '"request-method":"POST","request-resource-path":"/tss/v2/searches",'
    '"v-c-jwt-version":"2","v-c-merchant-id":"shop_1"}'
)
POST_HMAC = "JQ3-tplrThVUxeUV4U6yBYhehMfzw0rYN8jmjBUia8g"
PORTFOLIO_CLAIMS = (
    '{"exp":1772420765,"iat":1772420645,"iss":"big_portfolio",'
    '"jti":"11112222-3333-4444-5555-666677778888","request-host":"127.0.0.1:18080",'
    '"request-method":"GET","request-resource-path":"/reporting/v3/reports?'
    'startTime=2026-03-01T00%3A00%3A00.000Z&organizationId=shop_1",'
    '"v-c-jwt-version":"2","v-c-merchant-id":"shop_1"}'
)
PORTFOLIO_HMAC = "Yl_8DuJX9gnKYKEKwTMpn-_Jz63UUQpwTRty9larlkk"


def signed(
    auth: requests.auth.AuthBase, method: str, url: str, body: bytes | None = None
) -> requests.PreparedRequest:
    return requests.Session().prepare_request(requests.Request(method, url, data=body, auth=auth))


def signature_of(
    method: str, url: str, body: bytes | None = None, portfolio: str = ""
) -> requests.PreparedRequest:
    auth = HttpSignature(Identity("shop_1", portfolio), "key-1", SECRET, lambda: NOW)
    return signed(auth, method, url, body)


def token_of(method: str, url: str, body: bytes | None = None, portfolio: str = "") -> str:
    auth = JwtBearer(Identity("shop_1", portfolio), "key-1", SECRET, lambda: NOW, lambda: NEW_ID)
    return str(signed(auth, method, url, body).headers["Authorization"])


def opened(authorization: str) -> tuple[str, str, str]:
    """Return header text, claims text and signature of a bearer token."""
    scheme, _, token = authorization.partition(" ")
    assert scheme == "Bearer"
    header, claims, signature = token.split(".")
    return plain(header), plain(claims), signature


def plain(part: str) -> str:
    return base64.urlsafe_b64decode(part + "==").decode()


def test_http_signature_of_a_post_covers_the_body() -> None:
    headers = signature_of("POST", "https://api.example.test/tss/v2/searches", BODY).headers
    assert headers["Digest"] == f"SHA-256={DIGEST}"
    assert headers["Signature"] == (
        'keyid="key-1", algorithm="HmacSHA256", '
        'headers="host date request-target digest v-c-merchant-id", '
        'signature="O+B8i1KIVrP+iW17tI3Kv3ql/KoBBgTSn+rTlgCwcl8="'
    )
    assert headers["Date"] == "Mon, 02 Mar 2026 03:04:05 GMT"
    assert (headers["Host"], headers["v-c-merchant-id"]) == ("api.example.test", "shop_1")


def test_http_signature_of_a_get_leaves_the_digest_out_and_signs_the_query_as_sent() -> None:
    prepared = signature_of("GET", f"https://api.example.test{QUERY}")
    assert prepared.path_url == QUERY
    assert "Digest" not in prepared.headers
    assert prepared.headers["Signature"] == (
        'keyid="key-1", algorithm="HmacSHA256", headers="host date request-target v-c-merchant-id",'
        ' signature="pk5ug1IDcesGDxZhlox3yzbVfglL8SZdIEkM43YiLVc="'
    )


def test_a_portfolio_signs_its_own_id_and_names_the_merchant_beside_it() -> None:
    headers = signature_of("GET", f"https://api.example.test{QUERY}", None, "big_portfolio").headers
    assert 'signature="1P46XrDh7c2j328SsnPo2nT3J4GWR4TrEzHf6CnrChQ="' in headers["Signature"]
    assert headers["v-c-merchant-id"] == "shop_1"


def test_a_port_that_is_not_the_usual_one_is_part_of_the_signed_host() -> None:
    url = "http://127.0.0.1:18080/reporting/v3/report-subscriptions/Daily"
    headers = signature_of("DELETE", url).headers
    assert headers["Host"] == "127.0.0.1:18080"
    assert 'signature="YeAwW3JY52QAz+9fqF1ZMMHNjRLtaIno7M5pv/KpX9o="' in headers["Signature"]
    assert host_of("https://api.example.test:443/x") == "api.example.test"
    assert host_of("http://[::1]:80/x") == "[::1]"


def test_hs256_tokens_equal_those_made_by_hand() -> None:
    url = "https://api.example.test/tss/v2/searches"
    assert opened(token_of("POST", url, BODY)) == (HEADER, POST_CLAIMS, POST_HMAC)
    url = f"http://127.0.0.1:18080{QUERY}"
    token = token_of("GET", url, None, "big_portfolio")
    assert opened(token) == (HEADER, PORTFOLIO_CLAIMS, PORTFOLIO_HMAC)


def test_a_post_without_a_body_is_signed_with_the_digest_of_nothing() -> None:
    headers = signature_of("POST", "https://api.example.test/x").headers
    empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    assert headers["Digest"] == f"SHA-256={empty}"


def make_p12(passphrase: str, serial: str = "7058891234566543210999") -> tuple[bytes, object]:
    key = rsa.generate_private_key(65537, 2048)
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, "shop_1")]
    if serial:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial))
    name = x509.Name(attributes)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=900))
        .sign(key, hashes.SHA256())
    )
    lock = serialization.BestAvailableEncryption(passphrase.encode())
    data = pkcs12.serialize_key_and_certificates(b"shop_1", key, certificate, None, lock)
    return data, key.public_key()


def test_rs256_is_signed_with_the_key_of_the_p12_and_named_by_its_serial_number() -> None:
    data, public = make_p12("open sesame")
    key_id, key = open_p12(data, "open sesame", "connection x")
    auth = JwtBearer(Identity("shop_1"), key_id, key, lambda: NOW, lambda: NEW_ID)
    token = str(
        signed(auth, "POST", "https://api.example.test/x", BODY).headers["Authorization"]
    ).removeprefix("Bearer ")
    text, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    public.verify(raw, text.encode(), padding.PKCS1v15(), hashes.SHA256())  # type: ignore[attr-defined]
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in text.split("."))
    assert header == {"alg": "RS256", "kid": "7058891234566543210999", "typ": "JWT"}
    assert (claims["digest"], claims["digestAlgorithm"]) == (DIGEST, "SHA-256")
    assert claims["exp"] - claims["iat"] == 120


@pytest.mark.parametrize(
    ("passphrase", "serial"), [("wrong", "7058"), ("open sesame", "")], ids=["passphrase", "serial"]
)
def test_a_p12_that_does_not_fit_is_refused_without_showing_a_secret(
    passphrase: str, serial: str
) -> None:
    data, _ = make_p12("open sesame", serial)
    with pytest.raises(Rejected) as caught:
        open_p12(data, passphrase, "connection x")
    assert passphrase not in str(caught.value)


@pytest.mark.parametrize("text", ["", "not base64!", "c2hvcnQ=", "dGllb3V0\nIHRlc3Qga2V5IG9mIDMy"])
def test_a_secret_that_is_no_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        decode_secret(text, "connection x")
    assert text == "" or text not in str(caught.value)


def test_secrets_do_not_show_in_repr() -> None:
    for auth in (
        HttpSignature(Identity("shop_1"), "key-1", SECRET),
        JwtBearer(Identity("shop_1"), "key-1", SECRET),
    ):
        assert "tieout test key" not in repr(auth)


def test_two_tokens_never_share_an_id() -> None:
    auth = JwtBearer(Identity("shop_1"), "key-1", SECRET)
    made = {
        str(signed(auth, "GET", "https://a.example.test/").headers["Authorization"]) for _ in "ab"
    }
    assert len(made) == 2
