"""What a runbook quotes as ours is what the code says: a person searches for it at 3 a.m."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNBOOKS = sorted((ROOT / "include/docs/runbooks").glob("*.md"))
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.S)
QUOTE = re.compile(r'"([^"\n]+)"')
OPEN = "\0"  # where a message of the code has a value


def quotes() -> list[tuple[str, str]]:
    """Return page and quote; in a quote ``...`` stands for what differs from case to case."""
    return [
        (page.name, quote)
        for page in RUNBOOKS
        for quote in QUOTE.findall(CODE.sub("", page.read_text()))
    ]


def texts() -> Iterator[str]:
    yield from (page.read_text() for page in (ROOT / "include/mappings").rglob("*.yaml"))
    for top in ("include", "plugins", "dags"):
        for source in (ROOT / top).rglob("*.py"):
            if "sandbox" not in source.parts:
                yield from (_text(node) for node in ast.walk(ast.parse(source.read_text())))


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else OPEN for part in node.values
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@cache
def all_said() -> str:
    return "\n".join(texts()).lower()


def is_said(quote: str) -> bool:
    parts = [re.escape(part) for part in re.split(r" ?\.\.\.", quote.lower()) if part]
    return re.search("[^\n]*".join(parts), all_said()) is not None


@pytest.mark.parametrize(("page", "quote"), quotes())
def test_what_a_runbook_quotes_is_said_by_the_code(page: str, quote: str) -> None:
    assert is_said(quote), f"{page} quotes {quote!r}, which no message says"


def test_a_sentence_that_nobody_says_is_noticed() -> None:
    assert len(quotes()) > 20
    assert not is_said("another task holds the operator")
