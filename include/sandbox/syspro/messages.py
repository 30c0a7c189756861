"""Error numbers and texts of the e.net service.

Source: SYSPRO reference, sections 1.4 and 2. Texts in ``QUOTED`` were seen on the wire or quoted by
integrators; the rest is our wording for conditions that are documented without a text, and our
numbers begin with 9 so that nobody takes them for SYSPRO's.
"""

BAD_PASSWORD = "ERROR: Invalid operator password"  # noqa: S105 - a message, not a secret
UNKNOWN_SESSION_AT_LOGOFF = (
    "ERROR: Unable to read the SYSPRO base directory registry string BaseDir8"
)
# Our wording, from here to the table; each is a setting of the service or easily searched.
NOT_LOGGED_IN = "ERROR: Invalid user id; the operator is not logged in"
BAD_OPERATOR = "ERROR: Invalid operator code"
BAD_COMPANY = "ERROR: Invalid company id"
BAD_COMPANY_PASSWORD = "ERROR: Invalid company password"  # noqa: S105 - a message, not a secret
NO_SEAT = "ERROR: No e.net licence is free"
ALREADY_LOGGED_IN = "ERROR: Operator '{}' is already logged in"
UNKNOWN_VERB = "ERROR: Endpoint not found"
BAD_XML = "ERROR: The XML could not be parsed: {}"
UNLICENSED = "ERROR: e.net exception 100000 - business object '{}' is not licensed or registered"

NOT_A_DATE = 100028
IS_SPACES = 100030
DUPLICATE_KEY = 120001
NO_MODULE = 240001
STOCK_NOT_NUMERIC = 240003
STOCK_NOT_FOUND = 240004
NOT_STOCKED = 240008
NO_WAREHOUSE_ACCESS = 240096
NO_BIN = 240118
NOT_NUMERIC = 900001
TOO_LONG = 900002
NOT_ALLOWED = 900003
LEDGER_NOT_FOUND = 900010
LEDGER_ON_HOLD = 900011
CONTROL_ACCOUNT = 900012
OUT_OF_BALANCE = 900013
PERIOD_CLOSED = 900014
PERIOD_FUTURE = 900015
NOT_AUTHORIZED = 900016
NO_ENTRIES = 900017
SUPPLIER_NOT_FOUND = 900020
BANK_NOT_FOUND = 900021
DISTRIBUTION_DIFFERS = 900022
NO_RATE = 900023
TRANSACTION_NOT_FOUND = 900024
INVOICE_NOT_FOUND = 900025
CUSTOMER_NOT_FOUND = 900030
CUSTOMER_ON_HOLD = 900031
DUPLICATE_PO = 900033
PO_NEEDED = 900034
ORDER_NOT_FOUND = 900035
ORDER_STATUS = 900036
STATUS_DIFFERS = 900037
LINE_NOT_FOUND = 900038
LINE_DONE = 900039
BACK_ORDER = 900040
NO_STOCK = 900041
NOTHING_TO_DO = 900042
KEY_NOT_FOUND = 900043
CODE_NOT_FOUND = 900044
CURRENCY_FIXED = 900045
PAYMENT_DIFFERS = 900046
PAYMENT_EXCEEDS = 900047
IS_ZERO = 900048
IS_NEGATIVE = 900049
CURRENCY_DIFFERS = 900050
FORM_NOT_FOUND = 900051
FORM_FIELD_NOT_FOUND = 900052
HAS_TRANSACTIONS = 900053
ZERO_PRICE = 900054

TEXTS = {
    NOT_A_DATE: "Date '{}' is invalid for XML element '{}' it must be CCYY-MM-DD format",
    IS_SPACES: "XML element '{}' cannot be spaces",
    DUPLICATE_KEY: "{} '{}' already exists",
    NO_MODULE: "Inventory control module not installed",
    STOCK_NOT_NUMERIC: "Stock code '{}' not numeric",
    STOCK_NOT_FOUND: "Stock code '{}' not found",
    NOT_STOCKED: "Stock code '{}' not stocked in warehouse {}",
    NO_WAREHOUSE_ACCESS: "Operator has no access to warehouse '{}'",
    NO_BIN: "Bin '{}' not found in warehouse '{}' for stock code '{}'",
    NOT_NUMERIC: "XML element '{}' must be numeric",
    TOO_LONG: "XML element '{}' is longer than {} characters",
    NOT_ALLOWED: "'{}' is not allowed in XML element '{}'",
    LEDGER_NOT_FOUND: "Ledger code '{}' not found",
    LEDGER_ON_HOLD: "Ledger code '{}' is on hold",
    CONTROL_ACCOUNT: "Ledger code '{}' is a control account",
    OUT_OF_BALANCE: "Journal is out of balance: debits {} credits {}",
    PERIOD_CLOSED: "Posting period '{}' of year '{}' is closed",
    PERIOD_FUTURE: "Posting period '{}' of year '{}' is in the future",
    NOT_AUTHORIZED: "Journal must be authorized before it can be posted",
    NO_ENTRIES: "Journal has no entries",
    SUPPLIER_NOT_FOUND: "Supplier '{}' not found",
    BANK_NOT_FOUND: "Bank '{}' not found",
    DISTRIBUTION_DIFFERS: "Ledger distribution {} differs from transaction value {}",
    NO_RATE: "No exchange rate for currency '{}'",
    TRANSACTION_NOT_FOUND: "Transaction '{}' not found",
    INVOICE_NOT_FOUND: "Invoice '{}' not found",
    CUSTOMER_NOT_FOUND: "Customer '{}' not found",
    CUSTOMER_ON_HOLD: "Customer '{}' is on hold",
    DUPLICATE_PO: "Customer purchase order '{}' already exists on sales order '{}'",
    PO_NEEDED: "Customer purchase order number must be entered",
    ORDER_NOT_FOUND: "Sales order '{}' not found",
    ORDER_STATUS: "Sales order '{}' has status '{}'",
    STATUS_DIFFERS: "Sales order '{}' has status '{}' and not '{}'",
    LINE_NOT_FOUND: "Line {} of '{}' not found",
    LINE_DONE: "Line {} of '{}' is complete",
    BACK_ORDER: "Line {} for stock code '{}' was placed on back order",
    NO_STOCK: "Stock code '{}' in warehouse {} has insufficient stock: {}",
    NOTHING_TO_DO: "'{}' has nothing left to {}",
    KEY_NOT_FOUND: "{} '{}' not found",
    CODE_NOT_FOUND: "{} '{}' not found on file",
    CURRENCY_FIXED: "Currency of customer '{}' cannot be changed: transactions exist",
    PAYMENT_DIFFERS: "Payment value {} differs from distributed value {}",
    PAYMENT_EXCEEDS: "Value {} exceeds the balance {} of '{}'",
    IS_ZERO: "XML element '{}' cannot be zero",
    IS_NEGATIVE: "XML element '{}' cannot be negative",
    CURRENCY_DIFFERS: "Currency '{}' is not the currency '{}' of {}",
    FORM_NOT_FOUND: "Custom form type '{}' not found",
    FORM_FIELD_NOT_FOUND: "Field '{}' not found on custom form '{}'",
    HAS_TRANSACTIONS: "Customer '{}' has transactions",
    ZERO_PRICE: "Stock code '{}' has a zero price",
}


def text_of(number: int, *values: object) -> str:
    """Return the message with its values filled in; missing ones stay blank."""
    template = TEXTS.get(number, "Message {} not found")
    wanted = template.count("{")
    filled = [*values, *[""] * wanted] if number in TEXTS else [number]
    return template.format(*filled[:wanted])
