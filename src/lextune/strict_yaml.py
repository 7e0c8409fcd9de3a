"""Loads YAML as people read it, keeps the place of every value, and refuses what stock loaders guess; it knows no schema.

YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema) over PyYAML's parser: `NO` is a word,
`1e-5` a number, `010` the number 10; a duplicate key, an alias, a tag or a second document is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from lextune.errors import ConfigError, Problem

Path = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
#: Deeper nesting is refused; no config and no pack comes near it, and Python's stack would end first.
_DEEPEST = 64
#: Python refuses to convert longer integers; no setting needs so many digits.
_LONGEST_INT = 300
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass
class Document:
    """Plain data and the place of each key and item.

    Attributes:
        data: Dicts, lists, strings, numbers, booleans, None.
        name: The file, for messages.
        places: Path of keys and indices to (line, column), both from 1.
        origins: Path to the words that say where a value came from, when not from the file.
    """

    data: Any
    name: str
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)

    def where(self, path: Path) -> str:
        """`file:line:column` of the value at `path`, or of its nearest parent that has a place."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
            if path[:length] in self.places:
                line, column = self.places[path[:length]]
                return f"{self.name}:{line}:{column}"
        return self.name

    def inside(self, path: Path) -> Document:
        """What stands at `path`, as a document of its own with the same places."""
        data = self.data
        for key in path:
            data = data[key]
        cut = len(path)

        def below(known: dict[Path, Any]) -> dict[Path, Any]:
            return {place[cut:]: found for place, found in known.items() if place[:cut] == path}

        return Document(data, self.name, below(self.places), below(self.origins))


def scalar(text: str) -> Any:
    """The value of an unquoted scalar under YAML 1.2's core schema (decimal numbers only)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) <= _LONGEST_INT else text
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


#: The usual cause, in a text that people wrote: a sign that YAML reads as its own.
_MEND = "mend the line; put a text that holds any of : , ? # [ ] { } between quotes"


def load(text: str | bytes, name: str) -> Document:
    """Parse one YAML (or JSON) document.

    Raises:
        ConfigError: With every duplicate key, alias and tag, each with its line and column; or the one
            place at which the text stops being YAML.
    """
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise ConfigError(
            Problem(f"this is not YAML: {error.problem}", _MEND, where=place)
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(
            Problem("this is not YAML text in UTF-8", "save the file as UTF-8 text", where=name)
        ) from error
    except (ValueError, OverflowError) as error:  # an escape such as "\\UFFFFFFFF"
        raise ConfigError(
            Problem("this is not YAML: an escape names no character", "mend it", where=name)
        ) from error
    document = Document(None, name)
    problems = [
        Problem(fact, remedy, where=f"{name}:{line}:{column}")
        for fact, remedy, line, column in loader.refused
    ]
    if root is not None:
        document.data = _build(root, (), document, problems, set())
    if problems:
        raise ConfigError(problems)
    return document


class _Loader(yaml.SafeLoader):
    """Composes nodes and notes each alias and written tag, which a node no longer shows."""

    def __init__(self, text: str | bytes) -> None:
        super().__init__(text)
        self.refused: list[tuple[str, str, int, int]] = []
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.AliasEvent):
            self.refused.append(("a YAML alias (*name)", "write the value out", line, column))
        elif (tag := getattr(event, "tag", None)) is not None:
            self.refused.append((f"a YAML tag ({tag})", "remove the tag", line, column))
        if self._depth == _DEEPEST:
            raise yaml.MarkedYAMLError(
                problem=f"it is nested deeper than {_DEEPEST} levels", problem_mark=event.start_mark
            )
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def _build(
    node: yaml.Node, path: Path, document: Document, problems: list[Problem], seen: set[int]
) -> Any:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    document.places.setdefault(path, (line, column))
    if id(node) in seen:  # an alias, refused already; following it could take for ever
        return None
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, path, document, problems, seen)
    if isinstance(node, yaml.SequenceNode):
        return [
            _build(item, (*path, index), document, problems, seen)
            for index, item in enumerate(node.value)
        ]
    if getattr(node, "style", None) is None:
        return scalar(node.value)
    return _paired(node.value, f"{document.name}:{line}:{column}", problems)


def _paired(text: str, where: str, problems: list[Problem]) -> str:
    r"""JSON writes an emoji as two escapes (`\ud83d\ude00`), which PyYAML leaves as two half characters."""
    if not _SURROGATE.search(text):
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        problems.append(Problem("half of a surrogate pair", "write the character", where=where))
        return ""


def _build_mapping(
    node: yaml.MappingNode, path: Path, document: Document, problems: list[Problem], seen: set[int]
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
        where = f"{document.name}:{line}:{column}"
        if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "<<":
            problems.append(Problem("a key that is not a plain word", "use a word", where=where))
            continue
        key = _paired(key_node.value, where, problems)
        if key in result:
            first = document.places[(*path, key)][0]
            problems.append(
                Problem(
                    f"the key {key!r} stands twice (first on line {first})",
                    "keep one of them",
                    "most loaders take the last one silently",
                    where,
                )
            )
            continue
        document.places[(*path, key)] = (line, column)
        result[key] = _build(value_node, (*path, key), document, problems, seen)
    return result
