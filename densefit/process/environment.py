"""Environment variables that MXNet reads at its first import or first bind."""

from __future__ import annotations

import os
import sys

from densefit.process.cpus import available_cpus

GRADIENT_SUM_CAP = "MXNET_EXEC_INPLACE_GRAD_SUM_CAP"


def prepare_environment() -> None:
    """Settings that MXNet reads at its first import or first bind; the user's own win."""
    if "mxnet" not in sys.modules:
        os.environ.setdefault("OMP_NUM_THREADS", str(available_cpus()))
        # After each operator GNU's OpenMP threads spin for milliseconds, on the cores that workers
        # of a loader need. A shorter wait changes no time of an update, and takes a third off that
        # of loading.
        if "OMP_WAIT_POLICY" not in os.environ:
            os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    # oneDNN's operators are kept for every shape that was ever computed, by each kind of layer:
    # images of many sizes fill the memory. A network of one size has less than so many.
    os.environ.setdefault("MXNET_MKLDNN_CACHE_NUM", "256")
    # Fused inference executors keep the weights of their first forward: a validation during
    # training would score a network that no longer exists. The backend "default" fuses nothing,
    # as NONE does, and unlike NONE it does not write a notice to stderr at each bind.
    os.environ.setdefault("MXNET_SUBGRAPH_BACKEND", "default")
    os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")
    # Where 8 or more gradients meet in one array (two DeepLabV3+ heads send a trunk 10), MXNet
    # adds each to what is there, and dozens of operators overwrite it instead: mean, clip, Crop,
    # MultiBoxPrior... Gradients are wrong, and nothing shows it. Added by one operator they are
    # right. Two such heads take as much time and memory; a weight that an unrolled network reads a
    # hundred times needs memory for a hundred gradients. Read at the first bind with gradients.
    os.environ.setdefault(GRADIENT_SUM_CAP, str(2**31 - 1))
