"""Finds plugins of one kind: a decorated function in a file of its own, or an entry point; a broken one stops the run."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from lextune.errors import ConfigError, PluginError, Problem

T = TypeVar("T")


class Registry(Generic[T]):
    """The plugins of one kind, by name.

    Args:
        kind: The noun that users read (`task`, `audit`); the entry point group is `lextune.KIND`.
        package: The dotted package whose every module is imported, so that adding a file adds a plugin.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._items: dict[str, T] = {}
        self._loaded = False

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: make the object known under `name`; the same name twice is an error."""

        def add(item: T) -> T:
            if name in self._items and self._items[name] is not item:
                raise PluginError(
                    Problem(
                        f"two plugins call themselves {self.kind} {name!r}",
                        "rename or uninstall one of them",
                        "lextune would have to guess which one a config means",
                    )
                )
            self._items[name] = item
            return item

        return add

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        self._load()
        return tuple(sorted(self._items))

    def __iter__(self) -> Iterator[tuple[str, T]]:
        self._load()
        return iter(sorted(self._items.items()))

    def get(self, name: str) -> T:
        """The plugin called `name`.

        Raises:
            ConfigError: There is none; the nearest names are suggested.
        """
        self._load()
        if name in self._items:
            return self._items[name]
        near = difflib.get_close_matches(name, self._items, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(self.names())}"
        raise ConfigError(Problem(f"there is no {self.kind} {name!r}", hint))

    def _load(self) -> None:
        if self._loaded:
            return
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            self._import(f"{self.package}.{module.name}")
        for entry in importlib.metadata.entry_points(group=f"lextune.{self.kind}"):
            self._import(entry.module, entry.name)
        self._loaded = True

    def _import(self, module: str, entry: str | None = None) -> None:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:  # a plugin that exits must not end the run as done
            raise PluginError(
                Problem(
                    f"the {self.kind} plugin {entry or module!r} does not load: "
                    f"{type(error).__name__}: {error}",
                    f"mend or uninstall the package that provides {module!r}",
                    "a run with a plugin silently missing would not measure what was asked",
                )
            ) from error
        if entry is not None and entry not in self._items:
            raise PluginError(
                Problem(
                    f"the entry point {entry!r} loads but registers no {self.kind} of that name",
                    f"let {module!r} register it, or uninstall the package",
                )
            )
