"""COMLGN: what the logon may be told. Source: reference, section 2.

``FailWhenAlreadyLoggedIn`` refuses instead of throwing out whoever uses the operator: the lease
keeps our own processes apart, this keeps us from a person (meaning inferred from its name).
"""

from include.adapters.syspro.documents.schema import Choice, Document, Element, Key

LOGON = Document(
    "COMLGN",
    "Logon",
    "COMLGN.XSD",
    (
        Element("Siteid", Key(20)),
        Element("Lang", Key(20)),
        Element("SourceApp", Key(20)),
        Element("BuildToPost", Choice("N Y")),
        Element("FailWhenAlreadyLoggedIn", Choice("N Y"), is_required=True),
        Element("SystemInformationReqd", Choice("N Y")),
    ),
)


def build(*, is_eviction_refused: bool) -> str:
    return LOGON.build(
        {
            "SourceApp": "TIEOUT",
            "BuildToPost": "N",
            "FailWhenAlreadyLoggedIn": "Y" if is_eviction_refused else "N",
            "SystemInformationReqd": "N",
        }
    )
