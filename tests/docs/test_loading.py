"""What docs/loading.md says runs as it stands."""

import re
import sys
from pathlib import Path

from tests import forked

PAGE = (Path(__file__).parents[2] / "docs" / "loading.md").read_text()


def test_the_script_runs(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    script = tmp_path / "script.py"
    script.write_text(code)
    done = forked.run([sys.executable, str(script)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    *batches, memory = done.stdout.splitlines()
    assert [line.endswith("(4, 3, 32, 48)") for line in batches] == [True] * 3
    targets = 48 * 64 * 3  # a mask of 8 and a map of 16 bits; boxes beside them
    assert 13 * (3 * 32 * 48 + targets) < int(memory) < 13 * (3 * 32 * 48 + targets + 4096)
