"""Secrets of a connection never stand in a task's log, in whichever form they travel."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from airflow.sdk.log import mask_secret


def hide(*secrets: str) -> None:
    """Mask secrets in task logs, in every form in which they travel."""
    for secret in secrets:
        if not secret:
            continue
        raw = secret.encode()
        for form in (
            secret,
            quote(secret),
            quote(secret, safe=""),
            base64.b64encode(raw).decode(),
            base64.b64encode(raw).decode().rstrip("="),
        ):
            mask_secret(form)


def hide_proxy(extra: Mapping[str, Any]) -> None:
    """Mask the password of a web proxy, and the header that carries it."""
    login, password = (str(extra.get(name) or "") for name in ("proxy_login", "proxy_password"))
    if password:
        hide(password, f"{login}:{password}")
