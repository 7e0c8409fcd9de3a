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
_IMPLICIT_TAGS = {
    f"tag:yaml.org,2002:{name}"
    for name in ("map", "seq", "str", "null", "bool", "int", "float", "timestamp", "merge", "value")
}


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


def scalar(text: str) -> Any:
    """The value of an unquoted scalar under YAML 1.2's core schema (decimal numbers only)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def load(text: str | bytes, name: str) -> Document:
    """Parse one YAML (or JSON) document.

    Raises:
        ConfigError: With every duplicate key, alias and tag, each with its line and column; or the one
            place at which the text stops being YAML.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise ConfigError(
            Problem(f"this is not YAML: {error.problem}", "mend the line", where=place)
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(
            Problem("this is not YAML text in UTF-8", "save the file as UTF-8 text", where=name)
        ) from error
    document = Document(None, name)
    problems: list[Problem] = []
    if root is not None:
        document.data = _build(root, (), document, problems, set())
    if problems:
        raise ConfigError(problems)
    return document


def _build(
    node: yaml.Node, path: Path, document: Document, problems: list[Problem], seen: set[int]
) -> Any:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    document.places.setdefault(path, (line, column))
    where = f"{document.name}:{line}:{column}"
    if id(node) in seen:
        problems.append(Problem("a YAML alias (*name)", "write the value out", where=where))
        return None
    seen.add(id(node))
    if node.tag not in _IMPLICIT_TAGS:
        problems.append(Problem(f"a YAML tag ({node.tag})", "remove the tag", where=where))
        return None
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, path, document, problems, seen)
    if isinstance(node, yaml.SequenceNode):
        return [
            _build(item, (*path, index), document, problems, seen)
            for index, item in enumerate(node.value)
        ]
    quoted = getattr(node, "style", None) is not None
    return node.value if quoted else scalar(node.value)


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
        key = key_node.value
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
