"""Identifiers say what a value is: a list of words that do not, and how many are left."""

import ast
import re
from collections import Counter
from pathlib import Path

import densefit

ROOT = Path(densefit.__file__).resolve().parents[1]

# As a whole name these say nothing of what is in them (a `found` may be a dict of metrics, a Symbol
# or a path): boxes, detections, class_names, path... do.
WORDS = frozenset(
    "found told own one known given kept made held judged judges judge others place places thing "
    "anew whose wanted shown".split()
)

#: Docstrings, comments and strings of one line. In few files one of the words is left without them,
#: and to parse all would take seconds.
PROSE = re.compile(r'"""(?s:.*?)"""|#.*|"[^"\n]*"')
WORD = re.compile(rf"\b_*(?:{'|'.join(sorted(WORDS))})_*\b")

# Folder -> names of before that are still there. A folder that has fewer gets its new number; one
# that is not named has none.
LEFT = {
    "densefit/checkpoint": 1,
    "densefit/data": 5,
    "tools/recipes": 12,
}


def names_of(tree):
    """Names that a module gives: functions, classes, parameters, variables, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def folder_of(path):
    parts = path.relative_to(ROOT).parent.parts
    return "/".join(parts[:2])


def test_no_new_name_is_a_word_that_says_nothing():
    counts, where = Counter(), {}
    for top in ("densefit", "tasks", "datasets", "tools"):
        for path in sorted((ROOT / top).rglob("*.py")):
            relative = path.relative_to(ROOT)
            if len(relative.parts) > 1 and relative.parts[1] in ("tasks", "datasets", "tools"):
                continue  # links to the folders that are looked at anyway
            text = path.read_text()
            if not WORD.search(PROSE.sub("", text)):
                continue
            for name in names_of(ast.parse(text)):
                if name.strip("_") in WORDS:
                    counts[folder_of(path)] += 1
                    where.setdefault(folder_of(path), []).append(f"{relative}: {name}")
    more = {
        folder: [f"{count}, and {LEFT.get(folder, 0)} are allowed", *where[folder][-3:]]
        for folder, count in counts.items()
        if count > LEFT.get(folder, 0)
    }
    assert not more
    fewer = {folder: counts[folder] for folder in LEFT if counts[folder] < LEFT[folder]}
    assert not fewer, "write these numbers into LEFT, so that none comes back"
