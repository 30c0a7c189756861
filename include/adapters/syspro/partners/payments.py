"""ARSTPY, and the customer's payment history, for receipts and for what they pay."""

from include.adapters.syspro.documents import arsqry, arstpy
from include.adapters.syspro.partners.common import Asking, number
from include.domain.erp_orders import same_key
from include.domain.errors import Retryable


def post_payment(
    asking: Asking, customer: str, document: str, letter: str, words: str, reference: str
) -> tuple[arstpy.PostedPayment, str]:
    """Post once; return what SYSPRO answers and its key of the journal, ``2026/11/34``.

    Args:
        asking: the site; its session is open.
        customer: whose payment it is.
        document: ARSTPY's XmlIn.
        letter: the period, C, P or B.
        words: the period for a message, ``11/2026``.
        reference: the effect's.

    Raises:
        Retryable, Rejected, OutcomeUnknown: as ``effects.ports.Partner.send``.
    """
    client = asking.client
    asked = parameters(letter, client.settings.receipt_warnings)
    body = client.post("ARSTPY", asked, document, reference, words)
    posted = asking.parsed_post(arstpy.parse, body, "ARSTPY")
    client.faults.demand_taken(posted.verdict, "ARSTPY", words)
    if not same_key(customer, posted.customer) or not posted.journal.strip("0"):
        raise client.faults.unknown(
            f"the answer is about journal {posted.journal!r} of {posted.customer!r}", "ARSTPY"
        )
    return posted, f"{number(posted.year)}/{number(posted.month)}/{number(posted.journal)}"


def payments_under(
    asking: Asking, customer: str, ours: str, reference: str
) -> list[arsqry.Payment]:
    """Return what the customer's account shows under a reference; nothing where it is not asked.

    One question for each of ``payments_as_of``, until one shows some.

    Args:
        asking: the site; its session is open.
        customer: whose account.
        ours: the reference that payments carry; letter case does not matter.
        reference: the effect's, for the log.

    Raises:
        Retryable: the account could not be read.
    """
    if asking.client.settings.payment_history == "none":
        return []
    for as_of in asking.client.settings.payments_as_of:
        question = arsqry.build(customer, as_of, with_payments=True)
        body = asking.client.query("ARSQRY", question, reference)
        account = asking.read(lambda raw: arsqry.parse(raw, customer), body, "ARSQRY")
        if not isinstance(account, arsqry.Account):
            words = "; ".join(str(one) for one in account)
            raise Retryable(words, "ARSQRY", "See the customer's account in SYSPRO.")
        if found := [x for x in account.payments if x.reference.casefold() == ours.casefold()]:
            return found
    return []


def parameters(letter: str, warnings: str) -> str:
    """Return ARSTPY's XmlParameters for period C, P or B, and what becomes of a warning."""
    return arstpy.PARAMETERS.build(
        {
            "Parameters": {
                "PostingPeriod": letter,
                "IgnoreWarnings": warnings,
                "ApplyIfEntireDocumentValid": "Y",
                "ValidateOnly": "N",
                "AutoCorrectPaymentValue": "N",
                "IntegrateToCashBookInDetail": "N",
                "AutoCalculateTax": "N",
                "IgnoreAnalysis": "Y",
            }
        }
    )
