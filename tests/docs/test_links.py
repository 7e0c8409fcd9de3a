"""The documents name only files, headings, commands and options that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from lextune.cli import main
from lextune.cli.app import app

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for path in (*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"))
    if path.is_file()
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PATH = re.compile(r"(?:src|tests|docs|examples|benchmarks)/[\w./-]*\w/?")
#: A path that is written with a word in capitals (`examples/TASK.yaml`) means any such file.
ANY = re.compile(r"[A-Z]{3,}")
COMMAND = re.compile(r"(?:^|[|&;] ?|\$ |bin/)lextune ([a-z]+(?: .*)?)$")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(REPOSITORY)))


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def slugs(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    found = set()
    for heading in HEADING.findall(prose(page)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found


@pages
def test_every_link_leads_somewhere(page: Path) -> None:
    wrong = []
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        inside = file.exists() and file.is_relative_to(REPOSITORY)
        if not inside or (anchor and anchor not in slugs(file)):
            wrong.append(target)
    assert not wrong


@pages
def test_every_path_that_is_named_exists(page: Path) -> None:
    spans = [span for span in SPAN.findall(prose(page)) if PATH.fullmatch(span)]
    wrong = [span for span in spans if not ANY.search(span) and not (REPOSITORY / span).exists()]
    assert not wrong


def command_lines(page: Path) -> Iterator[str]:
    """Every use of the command line, in code blocks (continued lines joined) and in code spans."""
    text = page.read_text(encoding="utf-8")
    for kind, block in FENCE.findall(text):
        if kind in ("", "sh", "console"):
            for line in block.replace("\\\n", " ").splitlines():
                yield line.strip()
    for span in SPAN.findall(FENCE.sub("", text)):
        yield " ".join(span.split())


def used(page: Path) -> Iterator[list[str]]:
    for line in command_lines(page):
        match = COMMAND.search(line)
        if match:
            yield shlex.split(match[1], comments=True)


def find(words: list[str]) -> tuple[Any, list[str]]:
    """The command that words name, and the words behind its name."""
    node: Any = typer.main.get_command(app)
    while words and hasattr(node, "commands"):
        if words[0] not in node.commands:
            raise AssertionError(f"there is no command {' '.join(words)!r}")
        node, words = node.commands[words[0]], words[1:]
    return node, words


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Importing the verbs is the command line's own work."""
    main(["models", "list", "--json"])


@pages
def test_every_command_and_option_exists(page: Path) -> None:
    for words in used(page):
        command, rest = find(words)
        known = {name for one in command.params for name in one.opts} | {"--help", "-h"}
        options = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        assert options <= known, words


def test_the_search_finds_commands() -> None:
    """The test above must not pass because it looks at nothing."""
    found = [words[0] for words in used(REPOSITORY / "README.md")]
    assert {"run", "verify", "predict", "evaluate", "serve"} <= set(found)


@pytest.mark.parametrize("line", ["lextune nonsense x", "lextune policy nonsense"])
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    match = COMMAND.search(line)
    assert match is not None
    with pytest.raises(AssertionError, match="there is no command"):
        find(shlex.split(match[1]))


def test_both_readmes_say_the_same_in_code() -> None:
    """The code of the two languages differs in comments only."""

    def bare(name: str) -> list[str]:
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        blocks = [block for kind, block in FENCE.findall(text) if kind in ("sh", "yaml", "python")]
        return [re.sub(r" +#.*", "", line) for block in blocks for line in block.splitlines()]

    assert bare("README.md") == bare("README.zh-CN.md")


def test_the_index_names_every_document() -> None:
    index = (REPOSITORY / "docs" / "README.md").read_text(encoding="utf-8")
    documents = [path for path in PAGES if path.is_relative_to(REPOSITORY / "docs")]
    missing = [
        str(path.relative_to(REPOSITORY / "docs"))
        for path in documents
        if path.name != "README.md" and f"({path.relative_to(REPOSITORY / 'docs')})" not in index
    ]
    assert not missing


def test_code_names_documents_that_exist() -> None:
    """Messages and comments of the code send readers to pages of docs/."""
    names: set[str] = set()
    for folder in ("src", "tests", "examples", "benchmarks"):
        for path in (REPOSITORY / folder).rglob("*"):
            if path.suffix in (".py", ".yaml"):
                text = path.read_text(encoding="utf-8")
                names |= set(re.findall(r"docs/[a-z0-9./-]+\.md", text))
    assert "docs/serving.md" in names
    assert not {name for name in names if not (REPOSITORY / name).exists()}
