"""Read YAML into plain values that remember their line, with YAML's traps taken out.

YAML 1.1 reads ``00:00`` as 0, ``NO`` as false, ``10.40`` as 10.4 and lets the second of two equal
keys win in silence. Here a plain word is text unless it is a whole number, a date, true, false or
null; a number with a point must be quoted, because a float loses digits; equal keys, anchors and
tags are refused.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml

from include.mappings.problems import Problem

Path = tuple[str | int, ...]

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_POINT = re.compile(r"[-+]?[0-9]*\.[0-9]+([eE][-+]?[0-9]+)?|[-+]?\.(inf|nan)", re.IGNORECASE)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
# The C reader where the library was built with it: five times as fast, the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_BYTES = 2_000_000  # a mapping is read by people; more than this is not one


@dataclass(slots=True)
class Document:
    """One file: its value and where every part of it stands."""

    file: str
    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)  # of the value; a key's line for a key
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Return the line of a path, or of its nearest parent that was written down."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def place(self, path: Path) -> str:
        """Return ``gl_templates.yaml:12``."""
        return f"{self.file}:{self.line(path)}"

    def report(self, line: int, what: str, do: str) -> None:
        self.problems.append(Problem(self.file, line, what, do))


def read_document(file: str, content: bytes) -> Document:
    """Parse one file; what is wrong with it as YAML is in ``problems``."""
    found = Document(file)
    if len(content) > _MAX_BYTES:
        found.report(1, f"the file has {len(content)} bytes", "Split it by effective date.")
        return found
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        found.report(line, f"byte {content[error.start]:#04x} is not UTF-8", "Save as UTF-8.")
        return found
    try:
        if not _has_only_plain_events(text, found):
            return found
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        do = "Correct the line; indent with blanks and quote text that holds ':' or '#'."
        found.report(mark.line + 1 if mark else 1, f"this is not YAML: {error.problem}", do)
        return found
    except yaml.YAMLError as error:  # a control character, say
        found.report(1, f"this is not YAML: {str(error).splitlines()[0]}", "Retype the file.")
        return found
    if root is not None:
        found.value = _value(root, (), found)
    return found


def _line(part: yaml.Event | yaml.Node) -> int:
    return part.start_mark.line + 1 if part.start_mark else 1


def _has_only_plain_events(text: str, found: Document) -> bool:
    """Refuse aliases (a small file can expand to gigabytes), tags and second documents."""
    documents, is_plain = 0, True
    for event in yaml.parse(text, Loader=_LOADER):
        line = _line(event)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            found.report(line, "anchors and aliases are not allowed", "Write the values out.")
            is_plain = False
        elif tag := getattr(event, "tag", None):
            found.report(line, f"the tag {tag!r} is not allowed", "Remove the tag.")
            is_plain = False
    if documents > 1:
        found.report(1, f"{documents} documents in one file", "Remove the '---' lines.")
    return is_plain and documents <= 1


def _value(node: yaml.Node, path: Path, found: Document) -> Any:
    found.lines.setdefault(path, _line(node))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, found)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, i), found) for i, item in enumerate(node.value)]
    return _scalar(node, found) if isinstance(node, yaml.ScalarNode) else None


def _mapping(node: yaml.MappingNode, path: Path, found: Document) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = _line(key_node)
        if not isinstance(key_node, yaml.ScalarNode):
            found.report(line, "a list or table stands where a name should", "Write a name.")
            continue
        key = str(key_node.value)
        if key in result:
            first = found.lines[(*path, key)]
            do = f"Remove one; the first is on line {first}."
            found.report(line, f"the key {key!r} is given twice", do)
            continue
        found.lines[(*path, key)] = line
        result[key] = _value(value_node, (*path, key), found)
    return result


def _scalar(node: yaml.ScalarNode, found: Document) -> Any:
    text = str(node.value)
    if node.style:  # quoted, or a block
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            line = _line(node)
            found.report(line, f"{text!r} is not a day of the calendar", "Write a real date.")
            return date.min
    if _POINT.fullmatch(text):
        line = _line(node)
        do = f'Write "{text}" in quotes: a number with a point loses digits.'
        found.report(line, f"{text!r} has no quotes", do)
    return text
