"""Reads sentences of one token a line with its tag in a column, as CoNLL's shared tasks have it; it knows no scheme of tags."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lextune.data.formats import ReadContext, Source, data_format, missing_columns
from lextune.data.opening import lines, open_text
from lextune.data.tagging import TaggedRow, looks_like_tag

#: Lines of tokens by which the separator and the number of columns are found.
_HEAD = 1000
_DOCUMENT = "-DOCSTART-"


@dataclass(frozen=True)
class _Shape:
    """How a file's lines are cut: at tabs or at spaces, into how many columns, of which two are wanted."""

    tab: bool
    columns: int
    token: int
    tag: int | None

    def cut(self, line: str) -> list[str]:
        """The cells of a line of a token."""
        bare = line.rstrip("\r\n")
        return bare.split("\t") if self.tab else [cell for cell in bare.split(" ") if cell]

    def is_comment(self, line: str, cells: Sequence[str]) -> bool:
        """Whether a line before a sentence is a comment of CoNLL-U: `# text = ...`, and not the token `#`."""
        if not line.startswith(("# ", "#\r", "#\n")):
            return False
        return len(cells) != self.columns or (
            self.tag is not None and not looks_like_tag(cells[self.tag])
        )


@data_format(
    "conll", ".conll", ".bio", ".iob", ".iob2", ".bioes", ".dev", ".test", ".train", ".annotated"
)  # fmt: skip
def read_conll(source: Source, context: ReadContext) -> Iterator[TaggedRow]:
    """One row per sentence; lines of nothing, or of white space alone, end one, and so does the end of the file.

    The token is in the first column and the tag in the last, or in those whose numbers (from 1; -1 is the last)
    stand in `data.columns`. `-DOCSTART-` is no token. Lines of other than the usual number of columns are errors.
    """
    options = context.options
    if missing_columns(
        [options.text, *([options.label] if options.label else [])], source, context
    ):
        return
    if options.label is not None and options.label_kind != "spans":
        context.findings.add(
            "column_type", "error", "the file holds tags of tokens, and one class for each text is wanted",
            "set task: ner", source.name, unit="files",
        )  # fmt: skip
        return
    with open_text(source, context) as stream:
        numbered = ((context.line, line) for line in lines(stream, context))
        head: list[tuple[int, str]] = []
        count = 0
        for one in numbered:
            head.append(one)
            count += not _is_blank(one[1])
            if count == _HEAD:
                break
        if not count:
            context.findings.add(
                "empty_file", "error", "the file is empty", "give a file with sentences", source.name, unit="files"
            )  # fmt: skip
            return
        known = [line for _, line in head if not _is_blank(line)]
        plain = [line for line in known if not line.startswith(("# ", _DOCUMENT))]
        shape = _find_shape(plain or known, source, context)
        if shape is not None:
            yield from _sentences(itertools.chain(head, numbered), shape, source, context)


def _sentences(
    numbered: Iterator[tuple[int, str]], shape: _Shape, source: Source, context: ReadContext
) -> Iterator[TaggedRow]:
    sentence = _Sentence(source, shape, context)
    for number, line in numbered:
        if _is_blank(line):
            yield from sentence.end()
            continue
        cells = shape.cut(line)
        if line.startswith(_DOCUMENT) or _DOCUMENT in cells[shape.token : shape.token + 1]:
            yield from sentence.end()
            _tell_left_out(
                "documents", "lines of -DOCSTART- are no tokens", number, source, context
            )
        elif not sentence.places and shape.is_comment(line, cells):
            _tell_left_out(
                "comments", "comments before sentences are no tokens", number, source, context
            )
        else:
            sentence.add(number, line, cells)
    yield from sentence.end()


class _Sentence:
    """The tokens since the last blank line."""

    def __init__(self, source: Source, shape: _Shape, context: ReadContext) -> None:
        self.source, self.shape, self.context = source, shape, context
        self.number = 0
        self._clear()

    def _clear(self) -> None:
        self.tokens: list[str] = []
        self.tags: list[str] = []
        self.places: list[int] = []
        self.good = True

    def add(self, line: int, text: str, cells: list[str]) -> None:
        """One more line."""
        self.places.append(line)
        if not text.isascii() and not _is_text(text):
            self.context.leave_out(self._where())
            self.good = False
        elif len(cells) != self.shape.columns:
            self.context.skip(
                "ragged_row", f"lines of tokens that do not have {self.shape.columns} columns as the others have",
                "mend the line; a sentence ends with an empty line", f"{self.source.name}:{line}", self._where(),
            )  # fmt: skip
            self.good = False
        else:
            self.tokens.append(cells[self.shape.token])
            if self.shape.tag is not None:
                self.tags.append(cells[self.shape.tag])

    def end(self) -> Iterator[TaggedRow]:
        """The sentence, if there is one and it can be read; the next line begins another."""
        if self.places and self.good:
            name, places = self.source.name, self.places
            tags = self.tags if self.shape.tag is not None else None
            yield TaggedRow(self.tokens, tags, {}, self._where(), lambda at: f"{name}:{places[at]}")
        self.number += bool(self.places)
        self._clear()

    def _where(self) -> str:
        return f"{self.source.name}:{self.places[0]} (record {self.number + 1})"


def _find_shape(head: Sequence[str], source: Source, context: ReadContext) -> _Shape | None:
    """The usual shape of the first lines; None after an error."""
    options = context.options
    tab = sum("\t" in line for line in head) * 2 > len(head)
    counts = Counter(len(_Shape(tab, 0, 0, None).cut(line)) for line in head)
    columns = max(counts, key=lambda count: (counts[count], count))
    token = _column(options.text, 0, columns)
    tag = None if options.label is None else _column(options.label, columns - 1, columns)
    if token is None or (tag is None and options.label is not None):
        wrong = options.text if token is None else options.label
        context.findings.add(
            "missing_column", "error", f"there is no column {wrong!r}; there are {columns}",
            "set data.columns.text and data.columns.label to the numbers of the columns, from 1", source.name,
            unit="files",
        )  # fmt: skip
        return None
    if token == tag:
        context.findings.add(
            "missing_column", "error", "the lines have one column, or the token and its tag are the same one",
            "give a file with a tag behind each token, or set data.columns.text and data.columns.label to the "
            "numbers of the columns", source.name, unit="files",
        )  # fmt: skip
        return None
    return _Shape(tab, columns, token, tag)


def _column(name: str, usual: int, columns: int) -> int | None:
    """The place of a column that was given by its number; a name means the usual one, as these files have none."""
    digits = name.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return usual
    place = int(name) - 1 if int(name) > 0 else columns + int(name)
    return place if 0 <= place < columns and int(name) else None


def _is_blank(line: str) -> bool:
    return not line.strip(" \t\r\n")


def _is_text(line: str) -> bool:
    """Whether no byte of it was kept as a lone surrogate."""
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def _tell_left_out(kind: str, fact: str, line: int, source: Source, context: ReadContext) -> None:
    context.findings.add(
        kind, "info", fact, "none is needed", f"{source.name}:{line}", unit="lines"
    )
