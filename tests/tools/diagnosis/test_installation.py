import pytest

from densefit.process.packages import PACKAGES
from densefit.tools.diagnosis.finding import NOTE, OK, PROBLEM
from densefit.tools.diagnosis.installation import packages


def importing(module, error):
    def import_module(name):
        if name == module:
            raise error

    return import_module


@pytest.mark.parametrize(
    ("module", "error", "fix"),
    [
        ("cv2", ImportError("libGL.so.1: cannot open"), "opencv-python-headless"),
        ("cv2", ModuleNotFoundError("No module named 'cv2'"), 'pip install "opencv'),
        ("numpy", RuntimeError("broken"), "--force-reinstall numpy"),
    ],
)
def test_a_package_that_cannot_be_imported_is_a_problem(module, error, fix):
    problem, *_, summary = packages(importing(module, error))
    assert problem.status == PROBLEM
    assert str(error) in problem.text
    assert fix in problem.fix
    assert f"{len(PACKAGES) - 1} of {len(PACKAGES)}" in summary.text


def test_two_opencvs_are_told(monkeypatch):
    versions = {"opencv-python": "4.5", "opencv-python-headless": "4.11"}
    where = "densefit.tools.diagnosis.installation.installed"
    monkeypatch.setattr(where, lambda name: versions.get(name, "1"))
    found = list(packages(lambda name: None))
    assert [finding.status for finding in found] == [NOTE, OK]
    assert "pip uninstall opencv-python opencv-python-headless" in found[0].fix
