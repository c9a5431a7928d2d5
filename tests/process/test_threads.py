"""The number of threads of MXNet's operators where mxnet was imported before densefit."""

import ctypes
import logging
import os
import subprocess
import sys
import types

import pytest

from densefit.backend import mx
from densefit.process.cpus import available_cpus
from densefit.process.threads import set_operator_threads

COUNT = """
import ctypes, os, sys, warnings
sys.modules["sklearn"] = None  # MXNet would import it, which takes a third of the time
warnings.simplefilter("ignore")  # of numpy's aliases, and of forks beside threads
import numpy
numpy.bool = numpy.bool_
if sys.version_info >= (3, 12):
    import setuptools
import mxnet as mx
from mxnet.base import _LIB
import densefit
from densefit.process.threads import _Context, _Operator

openmp = ctypes.CDLL("libgomp.so.1")  # the one that libmxnet.so is linked with
counts = []

@_Operator
def count(run_context, parameter):
    counts.append(openmp.omp_get_max_threads())

def look():
    context = ctypes.byref(_Context(1, 0))
    _LIB.MXEnginePushSync(count, None, None, context, None, 0, None, 0, None, 0, b"look")
    mx.nd.waitall()

look()
for _ in range(20):
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
look()
print(*counts)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into GNU's OpenMP")
@pytest.mark.parametrize("users", [None, "3"])
def test_all_cpus_also_after_a_fork_unless_the_user_says_otherwise(users):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MXNET_"))}
    if users is not None:
        environment["OMP_NUM_THREADS"] = users
    done = subprocess.run(
        [sys.executable, "-c", COUNT], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    expected = str(users or available_cpus())
    assert done.stdout.split() == [expected, expected]
    told = users is None and available_cpus() > 1
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == (
        ["MXNet was imported before densefit"] if told else []
    )
    assert ("OMP_NUM_THREADS=" in done.stderr) == told


def test_a_library_without_the_call_is_a_warning_with_what_to_type(caplog):
    library = types.SimpleNamespace(MXSetNumOMPThreads=None)
    base = types.SimpleNamespace(
        _LIB=library, MXNetError=mx.base.MXNetError, check_call=mx.base.check_call
    )
    nd = types.SimpleNamespace(zeros=lambda _: types.SimpleNamespace(handle=ctypes.c_void_p(None)))
    with caplog.at_level(logging.WARNING, "densefit"):
        set_operator_threads(types.SimpleNamespace(base=base, nd=nd), 2)
    (record,) = caplog.records
    assert "OMP_NUM_THREADS=2 python" in record.getMessage()


@pytest.mark.parametrize(("count", "told"), [(4, True), (1, False)])
def test_what_keeps_half_of_several_cpus_is_told(count, told, monkeypatch, caplog):
    monkeypatch.setattr("densefit.process.threads._set_in_engine", lambda library, threads: None)
    monkeypatch.setattr(os, "register_at_fork", lambda **calls: None)
    with caplog.at_level(logging.WARNING, "densefit"):
        set_operator_threads(mx, count)
    lines = [record.getMessage() for record in caplog.records]
    assert ["half of the 4 CPUs" in line and "OMP_NUM_THREADS=4" in line for line in lines] == (
        [True] if told else []
    )
