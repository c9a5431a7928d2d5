"""Truth and prediction side by side."""

import numpy as np

import densefit as df
from densefit.tools.report.panels import spread, write_panels
from densefit.tools.report.pictures import resized
from densefit.visualize.grid import grid


def test_samples_are_spread_over_a_dataset():
    assert spread(101, 3) == [0, 50, 100]
    assert spread(1, 6) == [0]
    assert len(spread(5, 3)) == 3


def panels(tmp_path, monkeypatch, task, **settings):
    """Captions and number of the drawings that are written for an untrained network."""
    head_settings = {"classes": 3} if task == "detection" else {}
    heads = [df.head(task, channels=8, **head_settings)]
    data = df.dataset("shapes", length=3, size=(64, 64), **settings)
    network = df.Network("resnet18", heads, settings={"width": 8})
    loader = df.Loader(data, batch_size=3, heads=heads, workers=0)
    network = df.fit(network, loader, updates=1, callbacks=[]).network
    grids = []

    def record(images, columns=4, captions=None, **layout):
        grids.append((list(images), list(captions)))
        return grid(images, columns, captions, **layout)

    monkeypatch.setattr("densefit.tools.report.panels.grid", record)
    write_panels(network, loader, tmp_path / "panels.png", 3)
    assert (tmp_path / "panels.png").is_file()
    return data, grids


def test_maps_that_hide_the_image_have_it_beside_them(tmp_path, monkeypatch):
    data, grids = panels(tmp_path, monkeypatch, "normals", relief=True)
    samples, (_, ids) = grids[:-1], grids[-1]
    assert len(samples) == 3
    assert ids == [data.id_of(index) for index in range(3)]
    for index, (images, captions) in enumerate(samples):
        assert captions == ["image", "truth", "prediction"]
        np.testing.assert_array_equal(images[0], resized(data[index].image, 300, 300))


def test_a_sample_without_objects_says_so(tmp_path, monkeypatch):
    _, grids = panels(tmp_path, monkeypatch, "detection", empty=1.0)
    for _, captions in grids[:-1]:
        assert captions[0] == "truth: nothing"
        assert captions[1].startswith("prediction")
    _, grids = panels(tmp_path, monkeypatch, "detection", empty=0.0)
    assert [captions[0] for _, captions in grids[:-1]] == ["truth"] * 3
