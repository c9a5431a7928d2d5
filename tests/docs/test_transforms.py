"""What docs/transforms.md says runs as it stands, and names all that there is."""

import re
from pathlib import Path

from densefit.data.transforms import transforms

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "transforms.md").read_text()


def test_the_first_screen(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    exec(compile(code, "transforms.md", "exec"), {})
    assert capsys.readouterr().out == "(8, 3, 64, 64)\n"


def test_the_table_names_every_transform():
    table = re.findall(r"^\| `(\w+)` \|", TEXT, re.M)
    own = {n for n in transforms.names() if transforms.get(n).__module__.startswith("densefit.")}
    assert len(table) == len(set(table))
    assert set(table) == own


def test_the_benchmark_measures_every_transform():
    """All but `compose`, which costs what its members do."""
    text = (ROOT / "benchmarks" / "transforms_speed.py").read_text()
    measured = set(re.findall(r'^    "(\w+)": (?:\{|SIZE)', text, re.M))
    own = {n for n in transforms.names() if transforms.get(n).__module__.startswith("densefit.")}
    assert measured == own - {"compose"}
