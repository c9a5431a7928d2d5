"""A network trains, is scored and predicts where MXNet cannot be imported."""

import sys

from tests import forked

PROGRAM = """
import sys
sys.modules["mxnet"] = None  # `import mxnet` raises
import numpy as np
import torch
import densefit as df
from densefit.datasets.shapes import Shapes

torch.set_num_threads(1)
head = df.head("classification", classes=Shapes(1).label_classes)
network = df.Network("resnet18", [head], settings={"width": 4})
train, validation = (
    df.Loader(Shapes(8, (64, 64), split=split), batch_size=4, heads=network.heads, workers=0)
    for split in ("train", "val")
)
settings = {"validation": validation, "ema": 0.9, "optimizer": "adam", "progress": False}
df.fit(network, train, epochs=1, checkpoint=sys.argv[1], **settings)
history = df.fit(network, train, epochs=2, checkpoint=sys.argv[1], resume="auto", **settings)
assert df.score(network, validation) == history.last_validation
loaded = df.load(f"{sys.argv[1]}/last")
assert df.score(loaded, validation) == history.last_validation
assert "torch._dynamo" not in sys.modules  # its import takes longer than all else
print(history.update, list(df.predict(loaded, np.zeros((64, 64, 3), np.uint8))))
"""


def test_a_network_trains_without_mxnet(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "run")]
    done = forked.run(
        command,
        forget=["densefit", "mxnet"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split("\n")[0] == "4 ['classification']"
