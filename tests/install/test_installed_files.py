"""What is installed is the tree of the package, each file once."""

import base64
import csv
import hashlib
import io
import os
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIMS = {"_densefit_mxnet_shims.py", "_densefit_mxnet_shims.pth"}
LINKS = {
    "src/densefit": "../densefit",
    "densefit/tasks": "../tasks",
    "densefit/datasets": "../datasets",
    "densefit/tools": "../tools",
    "densefit/configs": "../configs",
}


def in_the_tree():
    """Path below site-packages of each file that the checkout installs."""
    names = {"densefit/py.typed", "densefit/symbol/builder/operators.json"}
    names.add("densefit/tools/console/names.json")
    names |= {f"densefit/configs/{path.name}" for path in (ROOT / "configs").glob("*.yaml")}
    pages = (ROOT / "tools/console/pages").glob("*.txt")
    names |= {f"densefit/tools/console/pages/{path.name}" for path in pages}
    templates = ROOT / "tools/page/templates"
    names |= {f"densefit/tools/page/templates/{path.name}" for path in templates.iterdir()}
    for folder, inside in (
        ("densefit", "densefit"),
        ("tasks", "densefit/tasks"),
        ("datasets", "densefit/datasets"),
        ("tools", "densefit/tools"),
    ):
        for path in (ROOT / folder).rglob("*.py"):
            names.add(f"{inside}/{path.relative_to(ROOT / folder).as_posix()}")
    return names


def installed_by(wheel):
    """Names in a wheel, metadata apart."""
    names = zipfile.ZipFile(wheel).namelist()
    assert len(names) == len(set(names))
    return {name for name in names if ".dist-info/" not in name}


def test_a_wheel_holds_each_file_once(wheel):
    assert installed_by(wheel) == in_the_tree() | SHIMS


def test_a_wheel_has_the_console_script(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    assert "densefit = densefit.tools.cli:main" in archive.read(name).decode().splitlines()


def test_a_source_distribution_makes_the_same_wheel(source, build, wheel, tmp_path):
    with tarfile.open(build("build_sdist", source)) as archive:
        assert not [member.name for member in archive if member.issym() or member.islnk()]
        archive.extractall(tmp_path)
    (unpacked,) = tmp_path.iterdir()
    assert installed_by(build("build_wheel", unpacked)) == installed_by(wheel)


def test_an_archive_unpacked_without_links_makes_the_same_wheel(copied_source, build, wheel):
    folder = copied_source()
    for link, target in LINKS.items():  # as pip unpacks a .zip
        (folder / link).unlink()
        (folder / link).write_text(target)
    assert installed_by(build("build_wheel", folder)) == installed_by(wheel)


def test_a_file_of_an_earlier_build_stays_out(copied_source, build, wheel):
    folder = copied_source()
    earlier = folder / "build/lib/densefit"
    earlier.mkdir(parents=True)
    (earlier / "removed.py").touch()
    assert installed_by(build("build_wheel", folder)) == installed_by(wheel)


def test_the_links_are_relative():
    assert {link: os.readlink(ROOT / link) for link in LINKS} == LINKS


def test_an_editable_install_is_a_path_that_holds_densefit_alone(editable, source):
    """Editors follow a path, not a finder; and other projects' own `datasets` and `tools` stay."""
    archive = zipfile.ZipFile(editable)
    (name,) = installed_by(editable) - SHIMS
    assert name.endswith(".pth")
    folder = Path(archive.read(name).decode().strip())
    assert folder == source / "src"
    assert [path.name for path in folder.iterdir() if path.suffix != ".egg-info"] == ["densefit"]


@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_a_wheel_records_what_is_added(kind, request):
    archive = zipfile.ZipFile(request.getfixturevalue(kind))
    assert archive.testzip() is None
    names = archive.namelist()
    assert len(names) == len(set(names))
    (record,) = (name for name in names if name.endswith(".dist-info/RECORD"))
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(archive.read(record).decode()))}
    assert set(rows) == set(names)
    for name in SHIMS:
        content = archive.read(name)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        assert rows[name] == [f"sha256={digest}", str(len(content))]


def test_the_version_is_said_once_in_two_places():
    own = re.search(r'^__version__ = "(.*)"', (ROOT / "densefit/__init__.py").read_text(), re.M)
    assert f'version = "{own.group(1)}"' in (ROOT / "pyproject.toml").read_text()


def test_the_makefile_renews_an_environment_for_each_of_the_files():
    built_by = re.search(r"^BUILD := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1)
    own = "pyproject.toml build_backend.py .ci/install.py"
    assert built_by == f"{own} $(wildcard _densefit_mxnet_shims.*)"
