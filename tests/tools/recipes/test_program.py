import subprocess
import sys

import pytest

from densefit.errors import ConfigError, DataError
from densefit.tools.recipes.program import program


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("bad setting", fix="better"), 2, "error: bad setting\n  fix:      better\n"),
        (DataError("bad sample"), 1, "error: bad sample\n"),
        (FileNotFoundError(2, "gone", "x"), 1, "error: gone\n  where:    x\n"),
        (OSError(28, "No space", "a", None, "b"), 1, "error: No space\n  where:    a -> b\n"),
        (OSError("cannot write x"), 1, "error: cannot write x\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_an_error_is_a_message_and_a_code(capsys, error, code, said):
    def work():
        raise error

    assert program(work) == code
    assert capsys.readouterr().err == said


def test_a_mistake_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        program(lambda: 1 / 0)


def test_success_is_0():
    assert program(lambda: "whatever") == 0


def test_nobody_reading_the_output_is_no_error():
    code = (
        "import sys; from densefit.tools.recipes.program import program; "
        "sys.exit(program(lambda: [print('x' * 80) for _ in range(20000)]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 141
        assert process.stderr.read() == b""
