"""Secrets of a connection never stand in a task's log, in whichever form they travel."""

import base64
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
