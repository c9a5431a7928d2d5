"""`densefit summary`: the network of a run, at its own size or another."""

import densefit as df
from densefit.tools import summary


def test_a_run_at_its_size_and_at_another(trained, capsys):
    assert summary.main([str(trained)]) == 0
    text = capsys.readouterr().out
    network = df.load(trained)
    assert text.startswith("resnet18 with detection, segmentation, kind, of an image 64 pixels")
    assert str(df.summary(network, (64, 64))) in text
    assert summary.main([str(trained), "--image-size", "96x128"]) == 0
    assert str(df.summary(network, (96, 128))) in capsys.readouterr().out
