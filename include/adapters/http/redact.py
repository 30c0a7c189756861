"""Take secrets and card numbers out of text by their shape, whatever their value.

Masking known values is not enough: a URL holds the operator's password in encoded form, which a
masker of exact values does not match (reliability reference, finding F13).
"""

import logging
import re
from urllib.parse import urlsplit

from include.domain.card_numbers import mask_card_numbers

HIDDEN = "***"
_QUERY = re.compile(r"\?[^\s\"'<>)]*")
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?")
_SENSITIVE_HEADER = re.compile(
    r"(?i)(['\"]?\b(?:authorization|proxy-authorization|signature|digest|cookie|set-cookie"
    r"|x-api-key|v-c-client-id|userid)\b['\"]?\s*[:=]\s*)(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\r\n]+)"
)
_SENSITIVE_PAIR = re.compile(
    r"(?i)(['\"]?\b[\w.-]{0,40}(?:password|passphrase|passwd|secret|api[_-]?key|token|operator"
    r"password|signature|sessionid|keyid)['\"]?\s*[:=]\s*)(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s,;&}]+)"
)


def redact_url(url: str) -> str:
    """Return scheme, host and path; the query string and any user part are dropped."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    host = f"[{host}]" if ":" in host else host
    shown = f"{parts.scheme}://{host}{port}{parts.path}"
    return f"{shown}?{HIDDEN}" if parts.query else shown


def redact(text: str, limit: int = 300) -> str:
    """Return ``text`` fit for a log or a message: no query, header secret, token or card number.

    Args:
        text: anything a server or a library said.
        limit: characters kept; a whole payload never belongs into a message.
    """
    # The limit comes last, because a cut token no longer has the shape of one. The first cut
    # only bounds the work.
    shown = text[: limit * 20]
    shown = _USER_INFO.sub(f"{HIDDEN}@", shown)
    shown = _SENSITIVE_HEADER.sub(rf"\g<1>{HIDDEN}", shown)
    shown = _BEARER.sub(rf"\1 {HIDDEN}", shown)
    shown = _JWT.sub(HIDDEN, shown)
    shown = _QUERY.sub(f"?{HIDDEN}", shown)
    shown = _SENSITIVE_PAIR.sub(rf"\g<1>{HIDDEN}", shown)
    shown = mask_card_numbers(shown, mask=HIDDEN)
    shown = re.sub(r"[\x00-\x1f\x7f]+", " ", shown).strip()  # one line: no forged log entries
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


class HideAddresses(logging.Filter):
    """Keep addresses out of the records of the libraries below us, whatever their level.

    urllib3 logs the whole URL at DEBUG, and at WARNING when an answer's headers are malformed.
    Query and even path can be secret (SYSPRO's logon, a chat webhook), so DEBUG is dropped, our
    own ``http_call`` says as much, and a warning keeps its sentence without its values.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return False
        text = str(record.msg)
        record.msg = _PLACEHOLDER.sub(HIDDEN, text) if record.args else redact(text)
        record.args = record.exc_info = record.exc_text = None
        return True


_PLACEHOLDER = re.compile(r"%[-#0-9.]*[a-zA-Z]")
_LIBRARIES = (
    "urllib3.connectionpool",
    "urllib3.connection",
    "urllib3.response",
    "urllib3.util.retry",
    "requests",
)


def hide_library_addresses() -> None:
    """Attach the filter, once, to every logger of urllib3 and requests that names a URL."""
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        if not any(isinstance(found, HideAddresses) for found in logger.filters):
            logger.addFilter(HideAddresses())
