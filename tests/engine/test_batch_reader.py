"""Batches of any iterator, named and checked."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.engine.batch_reader import BatchReader
from densefit.engine.graph_check import check_labels
from densefit.errors import BindError, DataError
from densefit.model.heads.routed_head import head_adapter


def adapters(tiny):
    outputs = ["kind_output", "size_output"]
    return [head_adapter(name, route, outputs) for name, route in tiny.routes().items()]


class Custom(mx.io.DataIter):
    """Yields the batches that it is given."""

    def __init__(self, batches, data=(("data", (4, 6)),), label=(("kind_label", (4,)),)):
        super().__init__(4)
        self.provide_data, self.provide_label = list(data), list(label)
        self.batches, self.resets = batches, 0
        self.place = 0

    def reset(self):
        self.resets += 1
        self.place = 0

    def next(self):
        if self.place == len(self.batches):
            raise StopIteration
        self.place += 1
        return self.batches[self.place - 1]


def batch(rows=4, label=True, **settings):
    return mx.io.DataBatch(
        [mx.nd.zeros((rows, 6))], [mx.nd.zeros((rows,))] if label else None, **settings
    )


def kind_feeder(tiny, batches, **settings):
    return BatchReader(Custom(batches, **settings), adapters(tiny)[:1], "train")


def test_padding_and_numbers_of_samples(tiny):
    reader = BatchReader(tiny.iterator(10, 4), adapters(tiny), "train")
    fed = list(reader.batches())
    assert [(one.rows, one.real) for one in fed] == [(4, 4), (4, 4), (4, 2)]
    assert [key for one in fed for key in one.ids] == [str(i) for i in range(10)]
    assert set(fed[0].labels) == {"kind_label", "size_label"}
    assert reader.length == 3


def test_pad_none_is_no_padding(tiny):
    (fed,) = kind_feeder(tiny, [batch(pad=None)]).batches()
    assert fed.real == 4


def test_the_iterator_is_reset_first_and_skipped_batches_are_not_fed(tiny):
    data = tiny.iterator(12, 4)
    next(data)
    reader = BatchReader(data, adapters(tiny), "train")
    assert len(list(reader.batches())) == 3
    assert len(list(reader.batches(skip=2))) == 1
    assert len(list(reader.batches(skip=3))) == 0


def test_a_loader_goes_to_its_epoch(tiny):
    network = tiny.network()
    loader = tiny.loader(network, shuffle=True, workers=0)
    reader = BatchReader(loader, list(network.adapters.values()), "train")
    epochs = [[key for fed in reader.batches(epoch) for key in fed.ids] for epoch in (0, 1, 0)]
    assert epochs[0] == epochs[2] != epochs[1]
    assert [key for fed in reader.batches(1, skip=2) for key in fed.ids] == epochs[1][8:]
    fed = next(iter(reader.batches()))
    assert list(fed.labels) == ["bright_value"]
    assert fed.targets[0]["value"] == pytest.approx(fed.labels["bright_value"][0])


def test_no_batch_is_an_error(tiny):
    """Module.fit leaks a bare StopIteration."""
    reader = kind_feeder(tiny, [])
    with pytest.raises(DataError, match="yielded no batch\n.*Custom.*\n.*heads kind"):
        list(reader.batches())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (batch(label=False), r"has 0 label arrays\n.*kind_label.*\n.*\n.*head kind"),
        (batch(3), None),  # a last, smaller batch
        (mx.io.DataBatch([mx.nd.zeros((4, 6))], [mx.nd.zeros(3)]), "'kind_label'(.|\n)*head kind"),
        (mx.io.DataBatch([mx.nd.zeros((4, 6))], [mx.nd.zeros((4, 1))]), "'kind_label'"),
        (mx.io.DataBatch([mx.nd.zeros((4, 6))], [mx.nd.zeros(4), mx.nd.zeros(4)]), "2 label"),
        (mx.io.DataBatch([mx.nd.zeros((4, 6))] * 2, [mx.nd.zeros(4)]), "2 data arrays"),
        (batch(provide_label=[("other", (4,))]), r"called \['other'\]"),
        (batch(pad=4), "wrong number of padded rows"),
        (batch(pad=-1), "wrong number of padded rows"),
    ],
)
def test_batches_that_are_not_as_announced(tiny, given, message):
    reader = kind_feeder(tiny, [batch(), given])
    if message is None:
        assert [fed.rows for fed in reader.batches()] == [4, 3]
        return
    with pytest.raises((BindError, DataError), match=message):
        list(reader.batches())


def test_bytes_are_not_made_of_floats(tiny):
    """MXNet copies them without a word, cutting 0.9 to 0."""
    data = [mx.io.DataDesc("data", (4, 6), np.uint8)]
    with pytest.raises(BindError, match="uint8\n.*float32"):
        list(kind_feeder(tiny, [batch()], data=data).batches())


def test_a_batch_names_its_arrays_in_its_own_order(tiny):
    a, b = mx.nd.zeros(4), mx.nd.ones(4)
    given = mx.io.DataBatch(
        [mx.nd.zeros((4, 6))], [b, a], provide_label=[("size_label", (4,)), ("kind_label", (4,))]
    )
    data = Custom([given], label=[("kind_label", (4,)), ("size_label", (4,))])
    (fed,) = BatchReader(data, adapters(tiny), "train").batches()
    assert fed.labels["size_label"].all()


def test_labels_with_several_rows_a_sample(tiny):
    given = mx.io.DataBatch([mx.nd.zeros((4, 6))], [mx.nd.zeros(12)], pad=1)
    (fed,) = kind_feeder(tiny, [given], label=[("kind_label", (12,))]).batches()
    assert fed.real == 3


def test_ids_must_name_every_sample(tiny):
    given = batch()
    given.ids = ["a", "b", "c"]
    with pytest.raises(DataError, match="wrong number of padded rows"):
        list(kind_feeder(tiny, [given]).batches())


def test_the_batch_must_be_the_first_axis(tiny):
    with pytest.raises(DataError, match="another axis"):
        kind_feeder(tiny, [], data=[mx.io.DataDesc("data", (7, 4), layout="TN")])


def test_an_array_that_is_no_ndarray(tiny):
    for data, label, name in (
        ([[0] * 6] * 4, mx.nd.zeros(4), "data"),
        (mx.nd.zeros((4, 6)), [0, 1, 2, 0], "kind_label"),
    ):
        given = mx.io.DataBatch([data], [label])
        with pytest.raises(DataError, match=f"'{name}' of .* is no NDArray(.|\n)*mx.nd.array"):
            list(kind_feeder(tiny, [given]).batches())


def test_inputs_have_one_number_of_rows(tiny):
    with pytest.raises(BindError, match=r"different numbers of rows(.|\n)*more: \(8, 2\)"):
        kind_feeder(tiny, [], data=[("data", (4, 6)), ("more", (8, 2))])


def test_length(tiny):
    lengths = [
        BatchReader(tiny.iterator(10, 4, last_batch_handle=how), adapters(tiny), "train").length
        for how in ("pad", "discard", "roll_over")
    ]
    assert lengths == [3, 2, None]
    assert kind_feeder(tiny, []).length is None
    assert BatchReader(tiny.loader(tiny.network(), 9, 4), [], "train").length == 3


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["kind_label"], "head 'size' needs the label 'size_label'(.|\n)*head size"),
        (["kind_label", "size_label"], None),
    ],
)
def test_missing_labels(tiny, labels, message):
    reader = BatchReader(tiny.iterator(10, 4, labels), adapters(tiny), "train")
    if message is None:
        check_labels(reader, tiny.two_heads(), ["kind_label", "size_label"])
        return
    with pytest.raises(BindError, match=message):
        check_labels(reader, tiny.two_heads(), ["kind_label", "size_label"])


def test_surplus_and_misnamed_labels(tiny):
    reader = BatchReader(tiny.iterator(10, 4), adapters(tiny)[:1], "train")
    with pytest.raises(BindError, match="'size_label', which no head uses(.|\n)*head kind"):
        check_labels(reader, tiny.kind(), ["kind_label"])
    x, kind, _ = tiny.arrays(8)
    reader = BatchReader(
        mx.io.NDArrayIter(x, {"kinds_label": kind}, 4), adapters(tiny)[:1], "train"
    )
    with pytest.raises(BindError, match="(?s)head kind.*did you mean 'kinds_label'"):
        check_labels(reader, tiny.kind(), ["kind_label"])


def test_a_loss_label_that_no_head_names_and_no_iterator_provides(tiny):
    """MXNet would make a parameter of it, and train it."""
    x, kind, _ = tiny.arrays(8)
    heads = {"size": df.Route(["size"], ["size_label"])}
    with pytest.raises(BindError, match="loss needs the label 'kind_label'"):
        df.fit(tiny.two_heads(), tiny.iterator(8, 4, ["size_label"]), heads=heads, epochs=1)
    with pytest.raises(BindError, match="input 'pixels', which the symbol does not have"):
        df.fit(
            tiny.kind(), mx.io.NDArrayIter({"pixels": x}, {"kind_label": kind}, 4),
            heads=tiny.kind_route(), epochs=1,
        )  # fmt: skip
