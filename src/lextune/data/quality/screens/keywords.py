"""The screen by lists of keywords; it knows words, not what a text says."""

from __future__ import annotations

from lextune.config import QualityConfig
from lextune.data.quality.keywords import Finder, read_library
from lextune.data.quality.screening import Screening, screens
from lextune.records import Measurement


@screens.register("keywords")
def keywords(config: QualityConfig) -> Screening | None:
    """Rows that hold a keyword of `data.quality.keyword_lists`; None where no list is named."""
    if not config.keyword_lists:
        return None
    library = read_library(config.keyword_lists)
    size = len(library.risks)
    measurements = [Measurement.exact("keyword_library_size", size, n=size, unit="keywords")]
    measurements += [
        Measurement.exact("keyword_library_size", count, n=size, unit="keywords").model_copy(
            update={"group": f"risk={risk}"}
        )
        for risk, count in library.counts().items()
    ]
    finder = Finder(library)
    return Screening(finder.risks, {"lists": library.files}, tuple(measurements))
