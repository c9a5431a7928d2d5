"""Environment variables of MXNet."""

import os
import sys

import pytest

from densefit.process.environment import prepare_environment


@pytest.mark.mxnet
def test_a_policy_of_waiting_says_how_long_threads_spin(monkeypatch):
    monkeypatch.delitem(sys.modules, "mxnet")
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    prepare_environment()
    assert "GOMP_SPINCOUNT" not in os.environ
