"""Prints a document's HTML page as PDF with WeasyPrint, which may load nothing; it knows no law and no layout.

WeasyPrint: https://doc.courtbouillon.org/weasyprint/
"""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

from lextune.errors import EnvironmentProblem, Problem
from lextune.evidence.documents.base import Language
from lextune.extras import need

#: What each language needs of a font: the language as fontconfig names it, and the package that brings one.
_FONTS: dict[Language, tuple[str, str]] = {
    "zh": ("zh-cn", "fonts-noto-cjk"),
    "en": ("en", "fonts-dejavu-core"),
}


def to_pdf(page: bytes, language: Language) -> bytes:
    """The page as a tagged PDF; the same page gives the same bytes.

    Raises:
        MissingExtraError: The extra `documents` is not installed.
        EnvironmentProblem: Pango is missing, or there is no font for the language: it would print empty boxes.
    """
    weasyprint = _weasyprint()
    require_font(language)
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=(), fail_on_errors=True)
    html = weasyprint.HTML(string=page.decode(), url_fetcher=nothing)
    made = html.write_pdf(pdf_tags=True, pdf_identifier=b"lextune")
    if not isinstance(made, bytes):
        raise EnvironmentProblem(Problem("no PDF was made", "write it as HTML and print that"))
    return made


def require_font(language: Language) -> None:
    """Check that the machine has a font for the language.

    Raises:
        EnvironmentProblem: It has none, or fontconfig is not there to say.
    """
    asked, package = _FONTS[language]
    program = shutil.which("fc-list")
    if program is None:
        raise EnvironmentProblem(
            Problem("fontconfig's fc-list is not there", "apt install fontconfig", "fonts can not be looked up")
        )  # fmt: skip
    found = subprocess.run(
        [program, f":lang={asked}", "family"], capture_output=True, text=True, check=False, timeout=60
    )  # fmt: skip
    if found.returncode != 0 or not found.stdout.strip():
        raise EnvironmentProblem(
            Problem(
                f"this machine has no font for {asked}",
                f"apt install {package}",
                "the PDF would show empty boxes",
            )
        )


def _weasyprint() -> Any:
    files = need("documents", "PIL.ImageFile")
    strict = files.LOAD_TRUNCATED_IMAGES
    try:
        return need("documents", "weasyprint")
    except OSError as error:
        raise EnvironmentProblem(
            Problem(
                "WeasyPrint does not find Pango",
                "apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
                str(error).partition("\n")[0],
            )
        ) from error
    finally:
        files.LOAD_TRUNCATED_IMAGES = strict  # it switches to making up what a cut image lacks
