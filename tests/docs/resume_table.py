"""What docs/reliability.md says that a resume makes of each setting."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def table_of(kind):
    """Setting -> (from an epoch's end, in mid-epoch), of the table of `fit` or of a recipe."""
    lines = PAGE.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| settings of {kind} |"))
    found = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return found
        names, end, middle = line.strip("|").split("|")
        outside = re.sub(r"\(.*?\)", "", names)
        for name in re.findall(r"`([\w.]+)`", outside):
            assert name not in found, name
            found[name] = end.strip(), middle.strip()
    return found
