import pytest

from densefit.errors import ConfigError
from densefit.tools.page.run_files import RunFiles
from tests.tools.page.run_folder import write_run


def test_all_files(tmp_path):
    run = RunFiles.read(write_run(tmp_path / "run"))
    assert run.recipe["training"]["epochs"] == 2
    assert len(run.lines) == 8
    assert run.heads[0]["head"] == "boxes"
    assert list(run.unread) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("scores.json", b"{"),
        ("scores.json", b"[1]"),
        ("environment.json", b"\xff\xfe"),
        ("config.yaml", b"a: b: c"),
        ("scalars.jsonl", b'{"kind": 1}\n{"x": 2}\n'),
        ("cost.json", b"[" * 100000),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, content):
    folder = write_run(tmp_path / "run")
    (folder / name).write_bytes(content)
    (line,) = RunFiles.read(folder).unread
    assert line.startswith(f"{name}: ")


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(ConfigError, match="nothing of a training"):
        RunFiles.read(tmp_path)
