"""Runs one quality check on rows of a test's own."""

from __future__ import annotations

import pytest

from lextune.config import ColumnsConfig, DataConfig, QualityConfig
from lextune.data.checks import read_parts
from lextune.data.dataset import read_options
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext
from lextune.data.quality.base import QualityInput, quality_checks


class Looked:
    """What a check left: the result, its measurements by name and group, and the findings by kind."""

    def __init__(self, result, findings) -> None:
        self.result = result
        self.values = {(one.name, one.group): one for one in result.measurements}
        self.findings = {one.kind: one for one in findings.problems()}

    def value(self, name, group=None):
        return self.values[name, group].value


@pytest.fixture
def look(write):
    """`look(check, train, test=None, columns=..., **quality)`: rows are (text, label) pairs, or paths."""

    def call(name, train, test=None, columns=None, **options):
        def path(rows, file):
            return rows if isinstance(rows, str) else write.csv(rows, file)

        config = DataConfig(
            train=(path(train, "train.csv"),),
            test=None if test is None else (path(test, "test.csv"),),
            columns=columns or ColumnsConfig(),
            quality=QualityConfig(**options),
        )
        findings = Findings()
        parts = read_parts(config, ReadContext(read_options(config), findings))
        assert not findings.has_errors()
        given = QualityInput(parts, parts["train"], config.quality)
        return Looked(quality_checks.get(name)(given, findings), findings)

    return call
