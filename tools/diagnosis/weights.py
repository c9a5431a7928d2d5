"""Pretrained weights on the search path."""

from __future__ import annotations

from densefit.tools.diagnosis.finding import NOTE, Finding


def weights() -> Finding:
    """The known files of pretrained weights that are here."""
    try:
        from densefit.checkpoint.weights.library import search
        from densefit.checkpoint.weights.library.table import TABLE
    except Exception as error:  # an engine that cannot be imported, which has its own finding
        return Finding("Weights", f"not looked for: {type(error).__name__}: {error}", NOTE)
    files = {entry.name: str(path) for entry in TABLE if (path := search.find(entry)) is not None}
    folders = [str(folder) for folder in search.folders()]
    facts = {"found": files, "folders": folders}
    if not files:
        text = f"none of the {len(TABLE)} known files in {', '.join(folders)}"
        return Finding(
            "Weights",
            text,
            fix="densefit weights fetch NAME, to start from ImageNet's",
            facts=facts,
        )
    return Finding("Weights", f"{', '.join(files)} (densefit weights where)", facts=facts)
