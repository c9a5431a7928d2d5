"""A missing dependency is named, with the command that installs it."""

import re
import sys
from pathlib import Path

import pytest

from densefit.errors import MissingPackageError
from densefit.process.packages import PACKAGES, needed_packages
from tests import forked

COMMAND = """
import sys
sys.modules[sys.argv.pop(1)] = None  # importing it raises
from densefit.tools import cli
sys.exit(cli.main(sys.argv[1:]))
"""
LIBRARY = """
import sys
sys.modules[sys.argv.pop(1)] = None
import densefit as df
df.Loader
"""


def run(program, *words):
    return forked.run(
        [sys.executable, "-c", program, *words], forget=["densefit", words[0]],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("cv2", 'pip install "opencv-python-headless"'),
        ("jsonargparse", 'pip install "jsonargparse[signatures]"'),
        ("yaml", 'pip install "pyyaml"'),
    ],
)
def test_a_command_names_it_once(module, command):
    done = run(COMMAND, module, "score", "--checkpoint", "x")
    assert done.returncode == 1
    assert done.stderr.startswith("error: densefit needs the package")
    assert done.stderr.count(command) == 1
    assert "Traceback" not in done.stderr


def test_the_library_names_it():
    done = run(LIBRARY, "cv2")
    assert "MissingPackageError: densefit needs the package opencv-python-headless" in done.stderr
    assert 'pip install "opencv-python-headless"' in done.stderr


def test_other_modules_raise_as_before():
    with pytest.raises(ModuleNotFoundError, match="nowhere") as error, needed_packages():
        import nowhere  # noqa: F401
    assert not isinstance(error.value, MissingPackageError)


def test_all_dependencies_are_known():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    listed = re.search(r"\ndependencies = \[(.*?)\n\]", text, re.DOTALL)[1]
    names = {re.match(r"[\w.-]+", line)[0] for line in re.findall(r'"(.*?)"', listed)}
    assert {package.partition("[")[0] for package in PACKAGES.values()} == names
