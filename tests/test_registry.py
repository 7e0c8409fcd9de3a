"""A plugin registers in its own file; a broken, doubled or silent one stops the run."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lextune.errors import ConfigError, PluginError
from lextune.registry import Registry

Plugins = Callable[[dict[str, str]], Registry[object]]


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugins]:
    """Write a package of plugins (file to source) and give its registry."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(files: dict[str, str]) -> Registry[object]:
        folder = tmp_path / "orchard"
        folder.mkdir()
        (folder / "__init__.py").write_text(
            "from lextune.registry import Registry\nfruits = Registry('fruit', 'orchard')\n"
        )
        for name, source in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"from orchard import fruits\n{source}\n")
        importlib.invalidate_caches()
        registry: Registry[object] = importlib.import_module("orchard").fruits
        return registry

    yield make
    for name in set(sys.modules) - before:
        del sys.modules[name]


def entry_point(folder: Path, name: str, module: str, package: str = "stranger") -> None:
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[lextune.fruit]\n{name} = {module}\n")


def test_each_file_and_folder_adds_its_plugin(plugins: Plugins) -> None:
    registry = plugins(
        {
            "orchard/pear.py": "@fruits.register('pear')\ndef pear(): return 1",
            "orchard/fig/__init__.py": "fruits.register('fig')(2)",
        }
    )
    assert registry.names() == ("fig", "pear")
    assert dict(registry)["fig"] == 2
    assert registry.get("pear")() == 1  # type: ignore[operator]


def test_an_unknown_name_suggests_the_nearest_or_lists_all(plugins: Plugins) -> None:
    registry = plugins({"orchard/all.py": "for n in ('apple', 'pear'): fruits.register(n)(n)"})
    with pytest.raises(ConfigError) as caught:
        registry.get("appel")
    assert caught.value.problems[0].remedy == "did you mean 'apple'?"
    with pytest.raises(ConfigError) as caught:
        registry.get("zzz")
    assert caught.value.problems[0].remedy == "use one of apple, pear"


@pytest.mark.parametrize(
    "source",
    [
        "raise RuntimeError('no sun')",
        "import a_module_that_is_nowhere",
        "def (",
        "raise SystemExit(0)",
        "fruits.register('pear')(object())",
    ],
)
def test_a_broken_plugin_stops_every_question(plugins: Plugins, source: str) -> None:
    registry = plugins({"orchard/a.py": "fruits.register('pear')(1)", "orchard/broken.py": source})
    for ask in (registry.names, lambda: registry.get("pear"), lambda: list(registry)):
        with pytest.raises(PluginError) as caught:
            ask()
        assert caught.value.exit_code == 2
        assert "orchard.broken" in str(caught.value)


def test_the_same_object_twice_is_one_plugin() -> None:
    registry: Registry[int] = Registry("fruit", "orchard")
    registry.register("pear")(1)
    registry.register("pear")(1)
    with pytest.raises(PluginError, match="two plugins call themselves fruit 'pear'"):
        registry.register("pear")(2)


def test_a_strangers_plugin_is_found_by_its_entry_point(plugins: Plugins, tmp_path: Path) -> None:
    registry = plugins({"stranger_fruit.py": "fruits.register('lychee')(3)"})
    entry_point(tmp_path, "lychee", "stranger_fruit")
    assert registry.get("lychee") == 3


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("x = 1", "registers no fruit of that name"),
        ("raise OSError('dry')", "'lychee' does not load: OSError"),
        ("fruits.register('pear')(9)", "two plugins call themselves"),
    ],
)
def test_a_strangers_plugin_that_is_no_good_stops(
    plugins: Plugins, tmp_path: Path, source: str, told: str
) -> None:
    registry = plugins(
        {"orchard/pear.py": "fruits.register('pear')(1)", "stranger_fruit.py": source}
    )
    entry_point(tmp_path, "lychee", "stranger_fruit")
    with pytest.raises(PluginError, match=told):
        registry.names()


def test_an_entry_point_to_no_module_stops(plugins: Plugins, tmp_path: Path) -> None:
    registry = plugins({})
    entry_point(tmp_path, "lychee", "module_that_is_nowhere:thing")
    with pytest.raises(PluginError, match="lychee"):
        registry.names()
