"""An exported model is scored and predicts by the same heads' code."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.data.sample import Sample
from densefit.errors import BindError, ConfigError, DataError


class Colours:
    """Images of blocks of pure colours, whose mask names them."""

    classes = ("red", "green", "blue")

    def __init__(self, length=5, size=(32, 48), targets=True):
        self.length, self.size, self.targets = length, size, targets

    def __len__(self):
        return self.length

    def id_of(self, index):
        return f"c{index}"

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        height, width = self.size
        mask = np.kron(rng.integers(0, 3, (height // 8, width // 8)), np.ones((8, 8), np.uint8))
        image = np.eye(3, dtype=np.uint8)[mask] * 200
        colour = np.array(image.mean(axis=(0, 1)).argmax())
        return Sample(self.id_of(index), image, {"mask": mask.astype(np.uint8), "class": colour})


@pytest.fixture
def colours(models, tmp_path):
    return df.load(models.colours(tmp_path / "colours.onnx"))


def test_an_image_of_the_models_size_is_fed_as_bytes(colours):
    sample = Colours()[0]
    prediction = df.predict(colours, sample.image)["colour"]
    np.testing.assert_array_equal(prediction, sample.targets["mask"])


def test_images_of_other_sizes_are_fitted_to_the_model(colours):
    sample = Colours(size=(64, 48))[3]
    prediction = df.predict(colours, sample.image)["colour"]
    assert prediction.shape == (64, 48)
    assert (prediction == sample.targets["mask"]).mean() > 0.9


def test_images_are_stretched_if_the_file_says_so(models, tmp_path):
    path = models.colours(tmp_path / "c.onnx", size=(32, 32), resize={"kind": "resize"})
    sample = Colours(size=(32, 64))[1]
    (_, prediction), *_ = df.predict(df.load(path), [sample.image, sample.image])
    np.testing.assert_array_equal(prediction["colour"], sample.targets["mask"])


@pytest.mark.parametrize("batch", [None, 1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_scores_are_exact_for_any_batch(models, tmp_path, batch, size):
    network = df.load(models.colours(tmp_path / "c.onnx", batch=batch))
    scores = df.score(network, df.Loader(Colours(), batch_size=size, workers=0))
    assert scores["colour/mIoU"] == 1.0
    assert scores["colour/IoU/green"] == 1.0


def test_class_names_of_the_file_are_the_heads(models, tmp_path):
    spec = models.spec_of("segmentation", classes=3, name="colour")
    names = {"colour": {"mask": ["r", "g", "b"]}}
    network = df.load(models.colours(tmp_path / "c.onnx", spec=spec, names=names))
    assert list(network.heads[0].names("mask")) == ["r", "g", "b"]


def test_views_are_merged_by_heads_that_decode_each(models, tmp_path):
    network = df.load(models.mean(tmp_path / "m.onnx"))
    views = df.Views(flip=True, scales=(0.5, 1.0))
    loader = df.Loader.views(Colours(), input_size=(32, 48), batch_size=3, views=views, workers=0)
    merged = dict(df.predict(network, loader))
    assert sorted(merged) == [f"c{index}" for index in range(5)]
    assert all(abs(prediction["kind"].sum() - 1) < 1e-6 for prediction in merged.values())


def test_views_of_maps_are_refused(colours):
    loader = df.Loader.views(Colours(), input_size=(32, 48), batch_size=3, views=df.Views(True))
    with pytest.raises(ConfigError, match="'colour' merges views of maps"):
        df.score(colours, loader)


@pytest.mark.parametrize(
    "loader",
    [
        lambda: df.Loader(Colours(size=(48, 32)), batch_size=2, workers=0),
        lambda: df.Loader.original_size(Colours(), batch_size=2, workers=0),
    ],
)
def test_images_of_another_size_are_refused(colours, loader):
    with pytest.raises(BindError, match=r"(?s)images of one size.*3, 32, 48.*Letterbox"):
        df.score(colours, loader())


def test_images_that_are_not_bytes_are_refused(colours):
    data = mx.io.NDArrayIter({"data": np.zeros((2, 3, 32, 48), np.float32)}, batch_size=2)
    with pytest.raises(BindError, match="float32"):
        list(df.predict(colours, data))


def test_candidates_are_suppressed_on_the_host(models, tmp_path):
    rows = [
        [0, 0.9, 2, 2, 12, 12],
        [0, 0.8, 3, 3, 13, 13],  # overlaps the first
        [1, 0.7, 3, 3, 13, 13],  # of another class
        [0, 0.6, 20, 5, 30, 15],
        [0, 0.1, 40, 5, 45, 15],  # below the threshold
    ]
    network = df.load(models.candidates(tmp_path / "d.onnx", rows))
    prediction = df.predict(network, Colours()[0].image)["cells"]
    np.testing.assert_allclose(prediction["scores"], [0.9, 0.7, 0.6])
    np.testing.assert_array_equal(prediction["classes"], [0, 1, 0])
    np.testing.assert_array_equal(prediction["boxes"][2], [20, 5, 30, 15])


class TestASymbol:
    def test_its_routes_come_with_it(self, tiny, models, tmp_path):
        network = df.load(models.softmax(tmp_path / "s.onnx"))
        assert df.score(network, tiny.iterator(labels=("kind_label",))) == {"kind/accuracy": 1.0}

    @pytest.mark.parametrize("batch", [None, 4, 3])
    def test_its_outputs_are_predicted_by_name(self, tiny, models, tmp_path, batch):
        network = df.load(models.softmax(tmp_path / "s.onnx", batch=batch))
        x, kind, _ = tiny.arrays()
        outputs = df.predict(network, tiny.iterator(labels=()))
        assert list(outputs) == ["kind_output"]
        np.testing.assert_allclose(outputs["kind_output"].sum(axis=1), np.ones(10), rtol=1e-6)
        np.testing.assert_array_equal(outputs["kind_output"].argmax(axis=1), kind)
        by_array = df.predict(network, x)
        np.testing.assert_array_equal(by_array["kind_output"], outputs["kind_output"])

    def test_a_file_of_another_program_takes_routes(self, tiny, models, tmp_path):
        path = models.softmax(tmp_path / "s.onnx", metadata=False)
        network = df.load(path, heads=tiny.kind_route())
        assert df.score(network, tiny.iterator(labels=("kind_label",))) == {"kind/accuracy": 1.0}

    def test_missing_and_misshaped_inputs_are_told(self, models, tmp_path):
        network = df.load(models.softmax(tmp_path / "s.onnx"))
        label = {"kind_label": np.zeros(4)}
        other = mx.io.NDArrayIter({"date": np.zeros((4, 6))}, label, 2)
        with pytest.raises(BindError, match="did you mean 'date'"):
            df.score(network, other)
        wide = mx.io.NDArrayIter({"data": np.zeros((4, 7))}, label, 2)
        with pytest.raises(BindError, match=r"(?s)\(N, 6\) float32.*\(2, 7\)"):
            df.score(network, wide)


def test_it_is_not_trained(colours, tmp_path):
    loader = df.Loader(Colours(), batch_size=2, heads=colours.heads, workers=0)
    for work in (
        lambda: df.fit(colours, loader, epochs=1),
        lambda: df.find_lr(colours, loader),
        lambda: df.save(colours, tmp_path / "weights"),
        lambda: df.save_mxnet(colours, tmp_path / "files", input_size=(32, 48)),
        lambda: colours.graph("evaluate", (32, 48)),
        lambda: colours.set_params({}),
    ):
        with pytest.raises(ConfigError, match="An exported model"):
            work()


def test_no_other_engine_computes_it(colours):
    image = Colours()[0].image
    with pytest.raises(ConfigError, match="by the engine 'onnx' alone"):
        df.predict(colours, image, engine="torch")
    with pytest.raises(ConfigError, match="by ONNX Runtime alone"):
        colours.engine_name = "mxnet"
    colours.engine_name = None  # the default
    df.predict(colours, image, engine="onnx", devices=["cpu"])


def test_only_exported_models_run_on_it(tiny):
    network = tiny.network()
    with pytest.raises(ConfigError, match="df.export"):
        df.predict(network, Colours()[0].image, engine="onnx")


def test_an_output_that_is_not_finite_is_an_error(tiny, models, tmp_path):
    network = df.load(models.softmax(tmp_path / "s.onnx"))
    x, kind, _ = tiny.arrays()
    x[3, 1] = np.nan
    with pytest.raises(DataError, match="nan or infinite"):
        df.score(network, mx.io.NDArrayIter({"data": x}, {"kind_label": kind}, 4))
