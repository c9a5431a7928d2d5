"""Operators on meta tensors import PyTorch's compiler only where they need it."""

import sys

import pytest

from tests import forked

START = """
import sys
import torch
from densefit.engine.torch.without_compiler import without_compiler

COMPILER = "torch._dynamo"
x = torch.empty(2, 3, device="meta")
"""
PROGRAMS = {
    "it is left out": """
with without_compiler():
    assert (x - 1).shape == (2, 3)
assert COMPILER not in sys.modules
""",
    "it is there afterwards": """
with without_compiler():
    x - 1
assert (x - 1).shape == (2, 3)  # which imports it, and marks the operator
import torch._dynamo
assert torch._dynamo.optimize and sys.modules[COMPILER] is torch._dynamo
with without_compiler():
    assert (x - 1).shape == (2, 3)
    assert sys.modules[COMPILER] is torch._dynamo
""",
    "an operator needs more of it": """
with without_compiler():
    import torch._dynamo
    assert torch._dynamo.optimize
    from torch._dynamo.utils import is_compile_supported
assert sys.modules[COMPILER].optimize
""",
    "an operator fails": """
try:
    with without_compiler():
        x - 1
        torch.empty(4, device="meta") - x
except RuntimeError:
    assert COMPILER not in sys.modules
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_compiler(name):
    command = [sys.executable, "-c", START + PROGRAMS[name]]
    done = forked.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
