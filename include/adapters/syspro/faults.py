"""From SYSPRO's words to our three families of error.

The service answers 200 to nearly everything and says what went wrong in text; most texts are not
published, so the words that decide are settings of the connection (reference, section 2).
"""

from dataclasses import dataclass
from urllib.parse import quote

from include.adapters.http.redact import HIDDEN, redact
from include.adapters.syspro.documents.verdict import Answer, Verdict
from include.adapters.syspro.settings import SysproSettings
from include.domain.errors import IntegrationError, OutcomeUnknown, Parked, Rejected, Retryable

# Statuses that a server or proxy gives before the service could run anything. 400 is not among
# them: WCF answers it for any exception inside the service.
NOT_REACHED = frozenset({401, 403, 404, 405, 413, 414})


# What period_policy: next_open does for what is parked already, by what refused it.
BUILT_ANEW = " and run the day again from build."
_MOVES_ALONE = ": receipts and refunds then move to the next open period by themselves."
_IN_NEXT_OPEN = {
    **dict.fromkeys(("GENTJL", "APSTIN", "CSHTWD"), BUILT_ANEW),
    **dict.fromkeys(("ARSTPY", "ARSTIN"), _MOVES_ALONE),
}


class SessionGone(Exception):
    """The service does not know our session: idle too long, or thrown out by another logon."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Makes the errors of one connection."""

    settings: SysproSettings

    def where(self, business_object: str) -> str:
        """Name a place for messages: never an address with its query."""
        return f"SYSPRO {business_object}, connection {self.settings.conn_id}"

    def retryable(self, what: str, business_object: str, do: str) -> Retryable:
        return Retryable(what, self.where(business_object), do)

    def unknown(self, what: str, business_object: str) -> OutcomeUnknown:
        do = "It may have been posted: look for the reference in SYSPRO before any resend."
        return OutcomeUnknown(what, self.where(business_object), do)

    def perhaps_unlicensed(self, text: str, business_object: str) -> OutcomeUnknown:
        do = (
            "It may have been posted: look for the reference in SYSPRO before any resend. If none "
            f"ever is, operator {self.settings.operator} lacks the e.net licence that covers "
            f"{business_object}; without it, switch the connection to report-only."
        )
        return OutcomeUnknown(text, self.where(business_object), do)

    def unlicensed(self, text: str, business_object: str) -> Rejected:
        return Rejected(
            text,
            self.where(business_object),
            f"Buy the e.net licence that covers {business_object} and give it to operator "
            f"{self.settings.operator}, or switch the connection to report-only and post from the "
            "report by hand; nothing was posted.",
        )

    def closed_period(
        self, text: str, business_object: str, period: str, elsewhere: str = ""
    ) -> Parked:
        named = f"period {period} of company {self.settings.company_id} takes no posting: {text}"
        do = "Open the period in SYSPRO: it is then posted by itself."
        elsewhere = elsewhere or _IN_NEXT_OPEN.get(business_object, "")
        if elsewhere:
            do = f"{do} Or set period_policy: next_open for the merchant{elsewhere}"
        return Parked(named, self.where(business_object), do)

    def status_of_read(self, status: int, business_object: str) -> IntegrationError:
        what = f"the server answered {status}"
        if status in NOT_REACHED:
            return Rejected(
                what,
                self.where(business_object),
                f"Check host and path of connection {self.settings.conn_id}.",
            )
        return self.retryable(what, business_object, "Ask again.")

    def status_of_post(self, status: int, business_object: str) -> IntegrationError:
        if status in NOT_REACHED:
            return Rejected(
                f"the server answered {status} before SYSPRO was reached",
                self.where(business_object),
                "Check host, path and the longest address the server takes (url_limit).",
            )
        return self.unknown(f"the server answered {status}", business_object)

    def failed_logon(self, text: str) -> IntegrationError:
        """Nothing has been posted when a logon fails.

        Most reasons pass by themselves: all seats are taken, a backup, a month end, SYSPRO's own
        database. Only what a site's settings name needs a person, and loses what is being sent.
        """
        low, where, conn = text.lower(), self.where("Logon"), self.settings.conn_id
        if has_any(low, self.settings.bad_company_words):
            do = f"Correct company_id or company_password of connection {conn}."
        elif has_any(low, self.settings.bad_operator_words):
            do = f"Correct operator or password of connection {conn}."
        elif has_any(low, self.settings.license_words):
            do = "Ask the SYSPRO administrator for an e.net licence for this operator."
        else:
            do = "It is tried again; if it stays, free a seat or see SYSPRO's e.net service."
            return Retryable(text, where, do)
        return Rejected(text, where, do)

    def failed_query(self, text: str, business_object: str) -> Exception:
        low = text.lower()
        if has_any(low, self.settings.license_words):
            return self.unlicensed(text, business_object)
        if has_any(low, self.settings.session_words):
            return SessionGone(text)
        return self.retryable(text, business_object, "Ask again; if it stays, read the text.")

    def failed_post(self, text: str, business_object: str, period: str) -> IntegrationError:
        """Read an ``ERROR`` text; a lost session may have been lost *after* the post."""
        low = text.lower()
        if has_any(low, self.settings.unwritten_words):
            return self.unlicensed(text, business_object)
        if has_any(low, self.settings.license_words):
            return self.perhaps_unlicensed(text, business_object)
        if is_closed_period(low, self.settings):
            return self.closed_period(text, business_object, period)
        return self.unknown(text, business_object)

    def demand_taken(self, verdict: Verdict, business_object: str, period: str) -> None:
        """Return only if the document was taken.

        Raises:
            Parked: refused for its period.
            Rejected: refused: complained, and counted nothing as done.
            OutcomeUnknown: refused as already there, or an answer that is neither yes nor no.
        """
        if verdict.answer is not Answer.taken:
            raise self.of_verdict(verdict, business_object, period)

    def of_verdict(self, verdict: Verdict, business_object: str, period: str) -> IntegrationError:
        """Make the error of an answer that is no yes; see ``demand_taken``."""
        words = redact(verdict.words) or "no complaint"
        if verdict.answer is not Answer.refused:
            return self.unknown(f"the answer is neither yes nor no ({words})", business_object)
        if any(is_closed_period(problem.text, self.settings) for problem in verdict.problems):
            return self.closed_period(words, business_object, period)
        if self.is_duplicate(verdict):
            return self.unknown(f"it is already there ({words})", business_object)
        return Rejected(words, self.where(business_object), self.next_step(words))

    def is_duplicate(self, verdict: Verdict) -> bool:
        """Say whether a refusal means that it is already there."""
        numbers = {problem.number for problem in verdict.problems}
        return bool(numbers & set(self.settings.duplicate_numbers)) or has_any(
            verdict.words.lower(), self.settings.duplicate_words
        )

    def next_step(self, words: str) -> str:
        """Say what a person does about a refusal, by the words that this site uses."""
        low, settings = words.lower(), self.settings
        for named, step in (
            (settings.hold_words, "Take the customer or item off hold in SYSPRO, or cancel"),
            (settings.credit_words, "Raise the customer's credit limit in SYSPRO, or cancel"),
            (settings.stock_words, "Correct stock code or warehouse in the mapping or SYSPRO"),
        ):
            if has_any(low, named):
                return f"{step}, then replay it."
        return "Correct the mapping or the SYSPRO master data named, then replay it."

    def clean(self, text: str, session_id: str) -> str:
        """Take our secrets out of a text of theirs, in plain and in URL form."""
        for secret in (self.settings.password, self.settings.company_password, session_id):
            for form in {secret.strip(), quote(secret.strip(), safe="")}:
                if len(form) > 3:
                    text = text.replace(form, HIDDEN)
        return redact(text)


def has_any(text: str, words: tuple[str, ...]) -> bool:
    """Say whether lower-case ``text`` holds one of the configured words."""
    return any(word.lower() in text for word in words)


def is_closed_period(text: str, settings: SysproSettings) -> bool:
    low = text.lower()
    return has_any(low, settings.period_words) and has_any(low, settings.closed_words)
