"""What bash completes, by bash itself."""

import subprocess

import pytest

from densefit.tools.console.completion import command_line
from densefit.tools.console.names import builtin_names

shtab = pytest.importorskip("shtab")


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "densefit.bash"
    path.write_text(shtab.complete(command_line(), "bash"))
    return path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["de"], {"demo"}),
        (["tr"], {"train"}),
        (["train", "--bat"], {"--batch-size"}),
        (["train", "--training.valid"], {"--training.validate_every"}),
        (["train", "seg"], {"segmentation"}),
        (["train", "--config", "ssd_resnet18_s"], {"ssd_resnet18_shapes"}),
        (["train", "--backbone", "mobilenetv2"], {"mobilenetv2"}),
        (["weights", "fe"], {"fetch"}),
        (["list", "back"], {"backbones"}),
    ],
)
def test_bash_completes(script, words, expected):
    typed = ["densefit", *words]
    quoted = " ".join(f"'{word}'" for word in typed)
    code = (
        f"source {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; "
        '_shtab_densefit; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=60)
    assert expected <= {line.strip() for line in done.stdout.splitlines()}, done.stderr


def test_zsh_has_the_commands_and_the_tasks():
    text = shtab.complete(command_line(), "zsh")
    assert "#compdef densefit" in text
    for name in ("find-lr", "--batch-size", *builtin_names()["tasks"]):
        assert name in text
