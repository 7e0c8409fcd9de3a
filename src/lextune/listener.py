"""Who is told what goes on in a run; it knows neither rooms nor terminals."""

from __future__ import annotations

from collections.abc import Callable


class Listener:
    """Told what goes on; this one is silent."""

    def stage(self, room: str) -> None:
        """A room begins."""

    def tell(self, text: str) -> None:
        """A sentence about what is done just now."""

    def bar(self, label: str, total: int, done: int = 0) -> Callable[[int], None]:  # noqa: ARG002
        """Work of `total` units begins; the returned function is told of each further part."""
        return lambda _: None
