"""What docs/export.md says of converters of one's own runs as it stands."""

import re
from pathlib import Path

from densefit.exporting.onnx.registry import CONVERTERS

TEXT = (Path(__file__).parents[2] / "docs" / "export.md").read_text()


def test_a_converter_is_registered():
    before = dict(CONVERTERS)
    (code,) = re.findall(r"^    from densefit.*\n(?:    .*\n|\n(?=    ))*", TEXT, re.M)
    try:
        exec(compile(re.sub(r"^    ", "", code, flags=re.M), "export.md", "exec"), {})
        assert set(CONVERTERS) - set(before) == {"my_op"}
    finally:
        CONVERTERS.pop("my_op", None)
