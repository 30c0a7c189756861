"""What Airflow shows for our connection types: names, labels, hints and fields.

A plugin cannot add a connection type; provider metadata can. The folder
``tieout_provider-<version>.dist-info`` beside this package makes Airflow find it wherever
``plugins/`` is on ``PYTHONPATH``, with nothing to install. Imported by every component, so it
imports nothing.
"""

from typing import Any

Field = dict[str, Any]


def _text(label: str, description: str = "", **schema: Any) -> Field:
    return _field(label, description, {"type": ["string", "null"], **schema})


def _secret(label: str, description: str = "") -> Field:
    return _text(label, description, format="password")


def _choice(label: str, description: str, *words: str) -> Field:
    return _field(label, description, {"type": "string", "enum": [*words], "default": words[0]})


def _number(label: str, description: str, usual: float, kind: str = "number") -> Field:
    return _field(label, description, {"type": [kind, "null"], "default": usual})


def _flag(label: str, description: str, usual: bool) -> Field:
    return _field(label, description, {"type": ["boolean", "null"], "default": usual})


def _field(label: str, description: str, schema: dict[str, Any]) -> Field:
    return {"label": label, "description": description, "schema": schema}


_NETWORK = {
    "allow_plain_http": _flag(
        "Allow plain http",
        "Only for a sandbox or a server inside a private network: credentials travel unencrypted. "
        "This machine itself is always allowed.",
        False,
    ),
    "ca_bundle": _text("CA bundle", "Path of certificates to trust instead of the public ones."),
}

_NETWORK_AND_PROXY = {
    **_NETWORK,
    "proxy": _text(
        "Web proxy",
        "http://proxy.example:3128, where https must go through one. Empty: direct, whatever the "
        "environment says.",
    ),
    "proxy_login": _text("Login at the proxy"),
    "proxy_password": _secret("Password at the proxy"),
}

_ORDER_TO_CASH: dict[str, Field] = {
    "order_warnings": _choice(
        "Warnings on sales orders", "W: report and import. N: refuse. Y: ignore.", "W", "N", "Y"
    ),
    "order_tax_status": _choice(
        "Tax status of orders",
        "E: an order that holds its shop's tax is sent as exempt. none: it is not, and "
        "line_tax_code keeps SYSPRO from adding tax.",
        "E",
        "none",
    ),
    "accept_without_credit": _flag(
        "Import without credit", "Our own rules have decided about credit already.", False
    ),
    "read_order_lines": _flag("Read order lines back", "Off: the head alone is compared.", True),
    "stock_by": _choice("Stock by", "comfnd: many codes a call.", "comfnd", "invqry"),
    "kits_by": _choice(
        "Kits by",
        "bom: by the stock of their parts. none: their stock is not known.",
        "bom",
        "none",
    ),
    "credit_by": _choice("Credit by", "comfnd: without the balance.", "arsqry", "comfnd"),
    "poll_by": _choice(
        "Poll by", "date: where COMFND shows no TimeStamp column.", "timestamp", "date"
    ),
    "receipts": _choice(
        "Receipts", "report: a person books them, e.g. without a licence.", "arstpy", "report"
    ),
    "refund_receipts": _choice(
        "Refunds in AR",
        "negative: a negative payment. arstin: a debit note. report: a person books them.",
        "negative",
        "arstin",
        "report",
    ),
    "applications": _choice(
        "Receipts against invoices",
        "arstpy: a payment of nothing sets a receipt against the invoice of its order. report: a "
        "person does. none: SYSPRO's own ways match them, nobody is asked.",
        "arstpy",
        "report",
        "none",
    ),
    "refund_product_class": _text(
        "Product class of refunds", "With arstin: one whose GL code is card clearing."
    ),
    "custom_forms": _choice(
        "Custom forms", "Where references and tokens are kept.", "comsfm", "comtfm", "none"
    ),
    "tracking_from": _choice(
        "Tracking number in",
        "No document of SYSPRO has a field for it.",
        "shipping_instrs",
        "custom_form",
        "none",
    ),
    "order_deadline_s": _number("Deadline of an order's call (s)", "Of one exchange.", 60),
}

_CYBERSOURCE: Field = {
    "connection-type": "cybersource",
    "hook-class-name": "tieout.hooks.cybersource.CybersourceHook",
    "hook-name": "Cybersource REST",
    "ui-field-behaviour": {
        "hidden-fields": ["schema"],
        "relabeling": {
            "host": "Host",
            "login": "Merchant ID",
            "password": "Shared secret (base64)",
        },
        "placeholders": {
            "host": "apitest.cybersource.com, or api.cybersource.com for production",
            "login": "the transacting merchant, also its organization id",
            "password": "as shown once on the key management page; empty with a P12",
        },
    },
    "conn-fields": {
        "auth": _choice(
            "Signature",
            "jwt: JSON web token with the shared secret. jwt_p12: with a certificate. "
            "http_signature: the older way, which the vendor retires in September 2026.",
            "jwt",
            "jwt_p12",
            "http_signature",
        ),
        "key_id": _text("Key ID", "With a P12 it may stay empty: the certificate names it."),
        "portfolio": _text(
            "Portfolio (MetaKey)", "Fill in only where a portfolio's key signs for its merchants."
        ),
        "p12_path": _text("P12 file", "Path on the workers, or use the next field instead."),
        "p12_secret_base64": _secret("P12 as base64", "The whole file, encoded in one line."),
        "p12_passphrase": _secret("P12 passphrase"),
        "connect_s": _number("Connect limit (s)", "Name, TCP and TLS together.", 3),
        "stall_s": _number("Stall limit (s)", "The longest silence while an answer arrives.", 30),
        "deadline_s": _number("Deadline of a call (s)", "From the first to the last byte.", 30),
        "download_deadline_s": _number("Deadline of a download (s)", "Of one report.", 900),
        "authorization_deadline_s": _number(
            "Deadline of an authorization (s)", "A shopper waits meanwhile.", 20
        ),
        "quiescence_s": _number(
            "Wait before 'absent' counts (s)",
            "Longer than the vendor's longest run and the lag of its search together, at least "
            "60; a commissioning probe gives the figure.",
            300,
        ),
        "look_gap_s": _number(
            "Between two looks (s)", "Longer than the search can lag behind.", 60
        ),
        "max_sends": _number("Sends at most", "Of one call, under one reference.", 3, "integer"),
        "repeats_are_named": _flag(
            "A repeat's refusal names its field",
            "Yes only where measurement P1 shows that an authorization with a used transactionId "
            "is refused by that field's name: INVALID_DATA without a name is then a no at once.",
            False,
        ),
        "refused_means_not_accepted": _flag(
            "429 and 503 mean 'not accepted'",
            "Only where the vendor documents it for this account; otherwise such an answer is "
            "looked for before anything is sent again.",
            False,
        ),
        "webhook_secrets": _secret(
            "Webhook keys", "keyId=key, separated by blanks; keep the old one while rotating."
        ),
        "webhook_tolerance_s": _number(
            "Age of a webhook (s)",
            "Of its signature, in both directions; a year where its time is its key's.",
            3600,
        ),
        **_NETWORK_AND_PROXY,
    },
}

_SYSPRO: Field = {
    "connection-type": "syspro",
    "hook-class-name": "tieout.hooks.syspro.SysproHook",
    "hook-name": "SYSPRO",
    "ui-field-behaviour": {
        "hidden-fields": ["schema"],
        "relabeling": {"host": "Host", "login": "Operator", "password": "Operator password"},
        "placeholders": {
            "host": "https://syspro.example.com:31001/SYSPROWCFService",
            "login": "an operator of its own: SYSPRO keeps one session per operator",
            "password": "of the operator",
        },
    },
    "conn-fields": {
        "adapter": _choice(
            "Interface",
            "enet: e.net over REST. api_services: the JSON facade below /APIServices.",
            "enet",
            "api_services",
        ),
        "read_conn_id": _text(
            "Read through", "With api_services: the e.net connection that looks and reads back."
        ),
        "company_id": _text("Company", "SYSPRO company code, e.g. A."),
        "company_password": _secret("Company password", "Usually empty."),
        "base_currency": _text("Base currency", "ISO code of the company's own currency."),
        "language": _text("Language", "LanguageCode of the logon, e.g. ENGLISH_US."),
        "journal_warnings": _choice(
            "Warnings on journals", "N: refuse. Y: ignore. W: report and post.", "N", "Y", "W"
        ),
        "cash_book_warnings": _choice(
            "Warnings on deposits", "Such as: funds in transit is a control account.", "N", "Y", "W"
        ),
        "invoice_warnings": _choice("Warnings on AP invoices", "As on journals.", "N", "Y", "W"),
        "receipt_warnings": _choice("Warnings on receipts", "As on journals.", "Y", "N", "W"),
        "journal_currency": _choice(
            "Currency of journals",
            "base: the company's. original: the batch's, in which tie-out then proves it; SYSPRO "
            "converts it by its own rate.",
            "base",
            "original",
        ),
        "invoice_currency": _choice(
            "Currency of AP invoices",
            "base: the company's. original: the statement's.",
            "base",
            "original",
        ),
        "journal_source": _text("Journal source", "SourceCode of the journal, where required."),
        **_ORDER_TO_CASH,
        "fiscal_year_start_month": _number("First month of the year", "1 to 12.", 1, "integer"),
        "module_periods": _choice(
            "Periods of AR, AP and cash book",
            "As their setup queries count them. none: they are where the ledger is.",
            "calendar",
            "fiscal",
            "none",
        ),
        "open_periods": _number("Periods open at once", "1 to 3.", 3, "integer"),
        "url_limit": _number(
            "Longest address", "Longer documents are sent by PostLD.", 8000, "integer"
        ),
        "post_large_documents": _flag("Use PostLD", "Off: a longer document is refused.", True),
        "connect_s": _number("Connect limit (s)", "Name, TCP and TLS together.", 3),
        "deadline_s": _number("Deadline of a call (s)", "Of one exchange.", 180),
        "quiescence_s": _number(
            "Wait before 'absent' counts (s)",
            "Longer than SYSPRO's longest posting; a commissioning probe gives the figure.",
            900,
        ),
        "look_gap_s": _number("Between two looks (s)", "Before anything is sent again.", 60),
        "max_sends": _number("Sends at most", "Of one posting, under one reference.", 3, "integer"),
        **_NETWORK_AND_PROXY,
    },
}

_PARTNER: dict[str, Field] = {
    "connect_s": _number("Connect limit (s)", "Name, TCP and TLS together.", 3),
    "stall_s": _number("Stall limit (s)", "The longest silence while an answer arrives.", 20),
    "deadline_s": _number("Deadline of a call (s)", "Of one exchange.", 30),
    "quiescence_s": _number(
        "Wait before 'absent' counts (s)", "Longer than the shop's slowest request.", 120
    ),
    "look_gap_s": _number("Between two looks (s)", "Before anything is sent again.", 30),
    "max_sends": _number("Sends at most", "Of one write, under one reference.", 3, "integer"),
}

_SHOP_FIELDS: dict[str, Field] = {
    "shop_id": _text("Shop", "Our name of the shop, as in shops.yaml."),
    "page_size": _number("Orders a page", "1 to 100.", 100, "integer"),
    "webhook_secret": _secret("Webhook secret", "Signs what the shop sends us."),
    "old_webhook_secret": _secret("Former webhook secret", "Still taken during a change."),
    **_PARTNER,
}

_WOOCOMMERCE: Field = {
    "connection-type": "woocommerce",
    "hook-class-name": "tieout.hooks.shop.WooCommerceHook",
    "hook-name": "WooCommerce",
    "ui-field-behaviour": {
        "hidden-fields": ["schema"],
        "relabeling": {"host": "Shop", "login": "Consumer key", "password": "Consumer secret"},
        "placeholders": {
            "host": "https://shop.example.com, without /wp-json",
            "login": "ck_...",
            "password": "cs_..., of a key with read and write permission",
        },
    },
    "conn-fields": {
        **_SHOP_FIELDS,
        "webhook_url": _text(
            "Webhooks call",
            "https://<api>/v1/webhooks/woocommerce/<shop>: they are made, and mended where the "
            "shop has disabled them. Empty: they are left alone.",
        ),
        **_NETWORK_AND_PROXY,
    },
}

_GENERIC_SHOP: Field = {
    "connection-type": "generic_shop",
    "hook-class-name": "tieout.hooks.shop.GenericShopHook",
    "hook-name": "JSON shop",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "login"],
        "relabeling": {"host": "Shop", "password": "Token"},
        "placeholders": {"host": "https://shop.example.com", "password": "bearer token"},
    },
    "conn-fields": {
        **_SHOP_FIELDS,
        "shape": _text("Shape", "A file of paths and field names in place of the shipped one."),
        **_NETWORK_AND_PROXY,
    },
}

_SHOP_CALLBACK: Field = {
    "connection-type": "shop_callback",
    "hook-class-name": "tieout.hooks.shop.ShopCallbackHook",
    "hook-name": "Shop callback",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "login"],
        "relabeling": {"host": "Address", "password": "Signing secret"},
        "placeholders": {
            "host": "https://shop.example.com/hooks/tieout",
            "password": "whsec_ and base64 of 24 to 64 bytes",
        },
    },
    "conn-fields": {
        "old_secret": _secret("Former secret", "Signs too, while the receiver changes over."),
        "ports": _text("Ports", "That may be called, separated by blanks.", default="443"),
        "hosts": _text("Further hosts", "That an order may name; the address's own is permitted."),
        "allow_local": _flag(
            "Allow local addresses", "Loopback and private ones; only for a sandbox.", False
        ),
        **_PARTNER,
        "deadline_s": _number("Deadline of a call (s)", "Of one exchange.", 15),
        "quiescence_s": _number("Wait before sending again (s)", "After no answer.", 60),
        "max_sends": _number("Sends at most", "Of one event without any answer.", 8, "integer"),
        **_NETWORK,
    },
}


def get_provider_info() -> dict[str, Any]:
    """Return the metadata in the shape of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "tieout-provider",
        "name": "Tieout",
        "description": "Connection types of Tieout: Cybersource REST, SYSPRO and shops.",
        "connection-types": [
            _CYBERSOURCE,
            _SYSPRO,
            _WOOCOMMERCE,
            _GENERIC_SHOP,
            _SHOP_CALLBACK,
        ],
    }
