"""Ways to reach people: mail by the SMTP provider, chat by a webhook. ``TIEOUT_NOTIFY`` names them.

``TIEOUT_NOTIFY=mail,chat`` is the default; without a connection a way is not there, which is
said in the log and is no error: the report and the pages hold the same facts.
"""

import logging
import os
import smtplib
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

from include.domain.alerts import Channel, Recipient
from include.domain.errors import Retryable
from include.domain.settlement import SettlementDay
from include.services.outgoing_text import for_chat
from tieout.hooks.plain import ChatHook

log = logging.getLogger(__name__)
MAIL_CONN, CHAT_CONN = "smtp_default", "chat_default"


class Mail:
    """Plain mail through the SMTP provider's hook."""

    def send(self, to: Sequence[str], subject: str, text: str) -> None:
        """Send one message.

        Raises:
            Retryable: the mail server did not take it; sending it again later may work.
        """
        from airflow.providers.smtp.hooks.smtp import SmtpHook

        try:
            with SmtpHook(smtp_conn_id=MAIL_CONN) as hook:
                hook.send_email_smtp(
                    to=list(to), subject=subject, html_content=f"<pre>{escape(text)}</pre>"
                )
        except (OSError, smtplib.SMTPException, AirflowException) as error:
            # The provider's own exception: a server that hangs up, a connection without a sender.
            raise Retryable(
                f"the mail server did not take a message: {_said(error)}",
                f"connection {MAIL_CONN}",
                "Test the connection; the message is tried again when the day is reported again.",
            ) from None


def mail() -> Mail | None:
    """Return the way by mail, or None."""
    return Mail() if _has("mail", MAIL_CONN) else None


def chat(conn_id: str = CHAT_CONN) -> ChatHook | None:
    """Return the way by chat, or None."""
    return ChatHook(conn_id) if _has("chat", conn_id) else None


def send_alert(to: Recipient, subject: str, text: str) -> bool:
    """Send by one way; say whether the way is there.

    Raises:
        IntegrationError: it was not taken.
    """
    if to.channel is Channel.mail:
        by_mail = mail()
        if by_mail is not None:
            by_mail.send([to.to], subject, text)
        return by_mail is not None
    by_chat = chat(to.to)
    if by_chat is not None:
        by_chat.send(for_chat(f"{subject}\n{text}"))
    return by_chat is not None


def questions_page() -> str:
    """Return the address of *Required Actions*, or '' where nobody says where the UI is."""
    base = _base_url()
    return f"{base}/required_actions" if base else ""


def page_of(day: SettlementDay) -> str:
    """Return the address of the day's report, or '' where nobody says where the UI is."""
    base = _base_url()
    path = f"/tieout/days/{quote(day.merchant_id)}/{day.settlement_date}/report.html"
    return f"{base}{path}" if base else ""


def _base_url() -> str:
    from airflow.configuration import conf

    return conf.get("api", "base_url", fallback="").rstrip("/")


def _said(error: Exception) -> str:
    """Quote Airflow's own words; a server's may hold anything."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, AirflowException) else name


def _has(way: str, conn_id: str) -> bool:
    if way not in os.environ.get("TIEOUT_NOTIFY", "mail,chat").replace(" ", "").split(","):
        return False
    try:
        Connection.get(conn_id)
    except AirflowNotFoundException:
        log.warning("there is no connection %s: nobody is told by %s", conn_id, way)
        return False
    return True
