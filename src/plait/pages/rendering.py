"""Pages that plait writes: one HTML file each that opens from disk, with nothing from elsewhere."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: Any) -> str:
    """Fill a template of `plait/pages/templates`; every value is escaped."""
    environment = Environment(
        loader=PackageLoader("plait.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**values)
