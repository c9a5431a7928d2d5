"""Registered names by kind: densefit's from a file, read at once, and those of plugins.

`python -m densefit.tools.console.names` writes the file (so does `make reference`). To import all
parts takes seconds, which neither a list nor the completion of a command line should take.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from densefit.yaml_files.recipe import CONFIGS

FILE = Path(__file__).with_name("names.json")
GROUP = "densefit.plugins"
#: Kind of a registry -> its heading in lists.
HEADINGS = {
    "head": "tasks",
    "backbone": "backbones",
    "decoder": "decoders",
    "pixel loss": "losses",
    "metric": "metrics",
    "dataset": "datasets",
    "transform": "transforms",
    "schedule": "schedules",
    "balancer": "balancers",
    "sharing": "sharings",
    "callback": "callbacks",
}
#: Another word for a heading.
SAME = {"heads": "tasks", "layouts": "datasets", "configs": "recipes"}


def builtin_names() -> dict[str, list[str]]:
    """Heading -> densefit's own names, and the installed recipes."""
    names: dict[str, list[str]] = json.loads(FILE.read_text(encoding="utf-8"))
    return {**names, "recipes": sorted(path.stem for path in CONFIGS.glob("*.yaml"))}


def plugin_packages() -> list[str]:
    """Installed packages that register parts, by their entry points; nothing is imported."""
    points = metadata.entry_points(group=GROUP)
    return [point.name for point in points if not point.value.startswith("densefit.")]


def plugin_names(builtin: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Heading -> names that plugins register; imports all parts."""
    names = {
        heading: set(built_in) - set(builtin[heading])
        for heading, built_in in _registered().items()
    }
    return {heading: sorted(built_in) for heading, built_in in names.items() if built_in}


def _registered() -> dict[str, list[str]]:
    from densefit.factory import registered  # with numpy and all parts

    return {HEADINGS[kind]: names for kind, names in registered().items()}


def text() -> str:
    """What the file should be: densefit's own names, as JSON, a kind a line."""
    from densefit.factory import REGISTRIES

    lines = []
    for registry in sorted(REGISTRIES, key=lambda kind: list(HEADINGS).index(kind.kind)):
        built_in = [
            name
            for name in registry.names()
            if registry.get(name).__module__.startswith("densefit.")
        ]
        lines.append(f" {json.dumps(HEADINGS[registry.kind])}: {json.dumps(built_in)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
