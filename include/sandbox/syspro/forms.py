"""Custom forms: COMSFM and COMTFM write a field, COMQFM lists a form's fields with their values.

A form must have been designed first; ours has a place for a gateway token on the customer and for
references and tracking on the order. Values show in the tables ``ArCustomer+`` and ``SorMaster+``.
The form types CUS and ORD, those table names, that Add refuses a value that is there and Update one
that is not, and ``Value`` in COMQFM, are inferred. Source: SYSPRO reference, section 4.7.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import items, messages
from include.sandbox.syspro.books import Books
from include.sandbox.syspro.documents import (
    CallFailed,
    Node,
    date_field,
    field,
    nodes,
    root_node,
    text_field,
    value_field,
)
from include.sandbox.syspro.posting import Call, Findings, to_post
from include.sandbox.syspro.queries import Question
from include.sandbox.syspro.tables import Row, Value, padded_key

Stored = str | Decimal | date


@dataclass(frozen=True, slots=True)
class FormField:
    """One designed field: its short name, its column, and its type (A, N or D)."""

    name: str
    column: str
    prompt: str
    kind: str
    length: int
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Form:
    """One form: its type, the key of what it belongs to, and where it is kept."""

    code: str
    description: str
    key: str
    master: str
    fields: tuple[FormField, ...]

    @property
    def table(self) -> str:
        return f"{self.master}+"


FORMS = {
    "CUS": Form(
        "CUS",
        "Customer",
        "Customer",
        "ArCustomer",
        (
            FormField("TOKEN", "Token", "Payment token", "A", 60),
            FormField("TMSCUS", "TmsCustomer", "Token service customer", "A", 60),
            FormField("TOKDAT", "TokenDate", "Token since", "D", 10),
        ),
    ),
    "ORD": Form(
        "ORD",
        "Sales order",
        "SalesOrder",
        "SorMaster",
        (
            FormField("PAYREF", "PayRef", "Payment reference", "A", 60),
            FormField("REFREF", "RefRef", "Refund reference", "A", 60),
            FormField("DECISN", "Decision", "Fraud decision", "A", 20),
            FormField("TRACK", "TrackingNumber", "Tracking number", "A", 40),
            FormField("CAPAMT", "CapturedAmount", "Captured amount", "N", 12, 2),
            FormField("CAPDAT", "CaptureDate", "Captured on", "D", 10),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class _Entry:
    form: Form
    key: str
    values: dict[FormField, Stored]


def setup(call: Call) -> Node:
    """COMSFM: one field a item."""
    course = items.Course(
        f"COMSFM {call.function}",
        "setupcustomform",
        "8.0.008",
        _check_setup,
        _write_setup,
        lambda element: field(element, "Key/KeyField"),
        is_all_or_nothing="Y",
        is_setup=True,
    )
    return items.run(call, course)


def _check_setup(call: Call, element: Element, findings: Findings) -> _Entry | None:
    key = element.find("Key")
    form = _form(field(key, "FormType"), findings)
    name = field(key, "FieldName")
    if form is None:
        return None
    found = next((f for f in form.fields if f.name.casefold() == name.casefold()), None)
    if found is None:
        findings.refuse("FieldName", name, messages.FORM_FIELD_NOT_FOUND, name, form.code)
        return None
    stored = _stored_key(call.books, form, field(key, "KeyField"), "KeyField", findings)
    if call.function == "Delete":
        value: Stored | None = ""
    else:
        element_name = {"A": "AlphaValue", "N": "NumericValue", "D": "DateValue"}[found.kind]
        value = _read(element, element_name, found, findings)
    is_there = bool(_value(call.books, form, stored, found))
    if call.function == "Add" and is_there:
        findings.refuse("FieldName", name, messages.DUPLICATE_KEY, "Custom form field", name)
    elif call.function != "Add" and not is_there:
        findings.refuse("FieldName", name, messages.KEY_NOT_FOUND, "Custom form field", name)
    return _Entry(form, stored, {found: value if value is not None else ""})


def _form(code: str, findings: Findings) -> Form | None:
    form = FORMS.get(code.upper())
    if form is None:
        findings.refuse("FormType", code, messages.FORM_NOT_FOUND, code)
    return form


def _stored_key(books: Books, form: Form, given: str, name: str, findings: Findings) -> str:
    """Return the key of an existing customer or order, padded."""
    key = padded_key(form.key, given)
    if not given or books.tables.seek(form.master, **{form.key: key}) is None:
        findings.refuse(name, given, messages.KEY_NOT_FOUND, form.description, given)
    return key


def _read(element: Element, name: str, found: FormField, findings: Findings) -> Stored | None:
    if found.kind == "N":
        whole = found.length
        return findings.check(value_field, element, name, whole=whole, decimals=found.decimals)
    if found.kind == "D":
        return findings.check(date_field, element, name, None)
    return findings.check(text_field, element, name, longest=found.length, is_needed=True)


def _row(books: Books, form: Form, key: str) -> Row | None:
    return books.tables.get(form.table, **{form.key: key}) if key else None


def _value(books: Books, form: Form, key: str, found: FormField) -> Value:
    return (_row(books, form, key) or {}).get(found.column, "")


def write_values(books: Books, form: Form, key: str, values: dict[FormField, Stored]) -> None:
    """Write fields of a form; its row comes with the first of them."""
    row = _row(books, form, key)
    if row is None:
        blank: Row = {form.key: key, **{f.column: "" for f in form.fields}}
        row = books.tables.add(form.table, blank)
    books.tables.change(form.table, row, {f.column: value for f, value in values.items()})


def _write_setup(call: Call, entry: _Entry) -> list[Node]:
    write_values(call.books, entry.form, entry.key, entry.values)
    found = next(iter(entry.values))
    _record(call, f"COMSFM {call.function}", entry)
    facts = (("formtype", entry.form.code), ("keyfield", entry.key), ("fieldname", found.name))
    return [Node("key", nodes(facts))]


def _record(call: Call, verb: str, entry: _Entry) -> None:
    call.record(
        verb,
        entry.key,
        committed=True,
        company=call.books.company,
        form=entry.form.code,
        values={f.name: str(value) for f, value in entry.values.items()},
    )


def post(call: Call) -> Node:
    """COMTFM: any fields of a form; the reply has keys only, and no counters.

    Function A adds, U changes, D clears; all but A are inferred.
    """
    function = call.parameter("Function", "A")
    if function not in ("A", "U", "D"):
        text = messages.text_of(messages.NOT_ALLOWED, function, "Function")
        raise CallFailed(f"ERROR: {text}")
    replies: list[Node] = []
    with call.books.lock:
        checked = [items.check_item(call, _check_post, e) for e in call.document.findall("Item")]
        posting = {id(item) for item in to_post(call, checked, "N")}
        for item in checked:
            if item.ready is None:
                reference = field(item.element, "Key/KeyFields/*")
                call.record(f"COMTFM {function}", reference, committed=False)
                replies.append(Node("Item", item.errors))
            elif id(item) in posting:
                replies.append(_write_post(call, item.ready, function))
    return root_node("PostCustomForm", "8.0.006", replies)


def _check_post(call: Call, element: Element, findings: Findings) -> _Entry | None:
    form = _form(field(element, "Key/FormType"), findings)
    if form is None:
        return None
    given = field(element, f"Key/KeyFields/{form.key}")
    key = _stored_key(call.books, form, given, form.key, findings)
    values: dict[FormField, Stored] = {}
    parts = element.find("Fields")
    if parts is not None:
        values = _read_fields(call, form, parts, findings)
    is_there = any(_value(call.books, form, key, f) for f in values)
    if call.parameter("Function", "A") == "A" and is_there:
        findings.refuse(form.key, given, messages.DUPLICATE_KEY, "Custom form", given)
    return _Entry(form, key, values)


def _read_fields(
    call: Call, form: Form, parts: Element, findings: Findings
) -> dict[FormField, Stored]:
    """Read the designed fields among the elements; others are ignored, as everywhere."""
    is_clearing = call.parameter("Function", "A") == "D"
    found: dict[FormField, Stored] = {}
    for designed in form.fields:
        if parts.find(designed.column) is None:
            continue
        is_blank = is_clearing or not field(parts, designed.column)
        value = "" if is_blank else _read(parts, designed.column, designed, findings)
        found[designed] = value if value is not None else ""
    return found


def _write_post(call: Call, entry: _Entry, function: str) -> Node:
    write_values(call.books, entry.form, entry.key, entry.values)
    _record(call, f"COMTFM {function}", entry)
    fields = Node("KeyFields", nodes([(entry.form.key, entry.key)]))
    return Node("Item", [Node("Key", [Node("FormType", entry.form.code), fields])])


def query(question: Question) -> Node:
    """COMQFM: the fields of a form, with values where a key is given."""
    code = field(question.document, "Key/FormType").upper()
    form = FORMS.get(code)
    if form is None:
        raise CallFailed(f"ERROR: {messages.text_of(messages.FORM_NOT_FOUND, code)}")
    given = field(question.document, f"Key/KeyFields/{form.key}")
    given = given or field(question.document, "Key/KeyField")
    head = (("FormType", code), ("FormDescription", form.description), ("KeyField", given))
    key = (
        ("Sequence", "1"),
        ("Column", form.key),
        ("Type", "A"),
        ("KeyType", "Alphanumeric"),
        ("Length", "15"),
        ("Decimals", "0"),
    )
    stored = padded_key(form.key, given)
    parts = _fields(question.books, form, stored)
    return root_node(
        "Query", "8.0.005", [Node("Key", nodes(head)), Node("KeyField", nodes(key)), *parts]
    )


def _fields(books: Books, form: Form, key: str) -> list[Node]:
    found: list[Node] = []
    for number, designed in enumerate(form.fields, start=1):
        value = _value(books, form, key, designed)
        facts: list[tuple[str, object]] = [
            ("Sequence", number),
            ("Name", designed.name),
            ("Prompt", designed.prompt),
            ("Column", designed.column),
            ("Type", designed.kind),
            ("Length", designed.length),
            ("Decimals", designed.decimals),
            ("Default", "{Spaces}"),
            ("AllowNull", "Y"),
            ("Value", value.isoformat() if isinstance(value, date) else value),
        ]
        found.append(Node("Field", nodes(facts)))
    return found


def block(books: Books, code: str, key: str) -> Node:
    """Return the ``CustomForm`` part of a query's reply."""
    return Node("CustomForm", _fields(books, FORMS[code], key))
