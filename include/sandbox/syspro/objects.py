"""Which business objects there are, by the verb that calls them."""

from collections.abc import Callable, Mapping

from include.sandbox.syspro import (
    apstin,
    arsqry,
    arstin,
    arstpy,
    credit_notes,
    cshtwd,
    customers,
    forms,
    gentjl,
    order_queries,
    queries,
    sortdn,
    sortic,
    sortoi,
    sortos,
    stock,
)
from include.sandbox.syspro.documents import Node
from include.sandbox.syspro.find import find
from include.sandbox.syspro.posting import Call
from include.sandbox.syspro.queries import Question

QUERIES: Mapping[str, Callable[[Question], Node]] = {
    "APSQSO": queries.module_options("AccountsPayableOptions"),
    "ARSQRY": arsqry.query,
    "ARSQSO": queries.module_options("AccountsReceivableOptions"),
    "COMFND": lambda question: find(question.document, question.books.tables),
    "COMQER": queries.error_messages,
    "COMQFM": forms.query,
    "COMQUS": queries.logged_in_users,
    "CSHQRY": queries.bank,
    "CSHQSO": queries.module_options("CashBookOptions"),
    "GENQGL": queries.ledger_code,
    "GENQJR": queries.journal_list,
    "GENQPP": queries.previous_periods,
    "GENQRY": queries.ledger_account,
    "GENQSO": queries.gl_options,
    "INVQRY": stock.query,
    "SORQDN": sortdn.query,
    "SORQRY": order_queries.one,
    "SORQSO": order_queries.listed,
}
TRANSACTIONS: Mapping[str, Callable[[Call], Node]] = {
    "APSTIN": apstin.post,
    "ARSTCR": customers.check_credit,
    "ARSTIN": arstin.post,
    "ARSTPY": arstpy.post,
    "COMTFM": forms.post,
    "CSHTWD": cshtwd.post,
    "GENTJL": gentjl.post,
    "SORTBO": sortos.release_back_orders,
    "SORTCH": credit_notes.add_header,
    "SORTCI": credit_notes.from_invoice,
    "SORTCL": credit_notes.add_line,
    "SORTCM": credit_notes.add_charge,
    "SORTDN": sortdn.post,
    "SORTDS": sortdn.change_status,
    "SORTIC": sortic.invoice_order,
    "SORTNC": sortic.invoice_dispatch,
    "SORTOI": sortoi.post,
    "SORTOS": sortos.change_status,
    "SORTOX": sortos.cancel,
}
SETUPS: Mapping[str, Callable[[Call], Node]] = {
    "ARSSCS": customers.setup,
    "COMSFM": forms.setup,
}
