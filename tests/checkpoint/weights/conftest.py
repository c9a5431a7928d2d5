"""Files of weights."""

import pytest

from densefit.checkpoint.storage import tensors


@pytest.fixture
def written(tmp_path):
    """Writes arrays into a safetensors file."""

    def write(arrays, name="weights.safetensors"):
        path = tmp_path / name
        path.write_bytes(b"".join(tensors.pieces(arrays)))
        return path

    return write
