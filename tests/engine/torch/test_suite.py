"""Tests of trainings whose meaning does not depend on the engine pass on PyTorch too."""

import os
import sys
from pathlib import Path

from tests import forked

ROOT = Path(__file__).parents[3]
FILES = (
    "tests/train/test_partial_terms.py",
    "tests/train/test_partial_labels.py",
    "tests/train/test_reproducible.py",
    "tests/checkpoint/training/test_learned_weights.py",
)


def test_trainings_and_resumes_pass():
    """All but those on several devices of one process, which are MXNet's."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *FILES]
    environment = {**os.environ, "DENSEFIT_ENGINE": "torch", "OMP_NUM_THREADS": "1"}
    done = forked.run(
        [*command, "-k", "not device and not devices and not kvstore"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:]
