"""The page at `/`: try the service in a browser. It loads nothing and shows texts as text."""

import base64
import hashlib
from importlib.resources import files

_FOLDER = files("plait.pages") / "templates"
_STYLE, _SCRIPT = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("try.css", "try.js"))


def _source(content: str) -> str:
    """How a policy names an inline element: by its digest."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


PAGE = (
    (_FOLDER / "try.html")
    .read_text(encoding="utf-8")
    .replace("/*style*/", _STYLE)
    .replace("/*script*/", _SCRIPT)
)
POLICY = (
    f"default-src 'none'; script-src {_source(_SCRIPT)}; style-src {_source(_STYLE)}; "
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content-Security-Policy: this script and this style, and requests to this server alone."""
