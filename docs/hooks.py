"""What the site does to pages: those that lie elsewhere in the repository join it, links lead there, all is its own."""

import os.path
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
ELSEWHERE = {
    "benchmarks/RESULTS.md": "results.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
_LINK = re.compile(r"\[([^\]\n]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")
_LOADED = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=["']?((?:https?:)?//[^"'>\s]*)""")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie outside of docs/."""
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Rewrite links to files of the repository; of one that is no page of the site the text alone is left."""
    here = page.file.src_uri
    source = next((source for source, joined in ELSEWHERE.items() if joined == here), f"docs/{here}")

    def led(link: re.Match[str]) -> str:
        text, target, anchor = link[1], link[2], link[3] or ""
        path = os.path.normpath(Path(source).parent / target)
        if not (ROOT / path).exists():
            return link[0]  # to another site; or broken, which the strict build says
        if path in ELSEWHERE or path.startswith("docs/"):
            place = ELSEWHERE.get(path, path.removeprefix("docs/"))
            return f"[{text}]({os.path.relpath(place, Path(here).parent)}{anchor})"
        return text

    return _LINK.sub(led, markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Refuse a page that would load a script, a style, a font or a picture from another server."""
    loaded = _LOADED.findall(output)
    if loaded:
        msg = f"{page.file.src_uri} must load nothing from elsewhere, got {', '.join(loaded)}; put the file into docs/"
        raise PluginError(msg)
    return output
