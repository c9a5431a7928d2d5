"""How far the loop reads its data: not beyond the last update."""

import pytest

import densefit as df
from tests.rows import DataIter


class Counted(DataIter):
    """Counts the batches that are read of an iterator, and can give only so many."""

    def __init__(self, inner, most):
        super().__init__(inner.batch_size)
        self.inner, self.read, self.most = inner, 0, most
        self.provide_data, self.provide_label = inner.provide_data, inner.provide_label

    def reset(self):
        self.inner.reset()

    def next(self):
        if self.read == self.most:
            raise OSError("the disk is gone")
        batch = self.inner.next()
        self.read += 1
        return batch


class Sized(Counted):
    """The same, and its length is known."""

    def __len__(self):
        return 4


@pytest.mark.parametrize(
    ("kind", "updates", "epoch"), [(Sized, 3, 0), (Sized, 4, 1), (Counted, 3, 0), (Counted, 4, 0)]
)
def test_nothing_is_read_beyond_the_last_update(tiny, tmp_path, kind, updates, epoch):
    """What a needless batch raises would cost the last validation and checkpoint."""
    for settings in ({"updates": updates}, {"epochs": 2}):
        data = kind(tiny.iterator(16, 4, ["kind_label"]), updates)
        stop = tiny.Recorder(
            "update_ended", lambda state, control: state.update == updates and control.stop("now")
        )
        seen = tiny.Recorder("saved", lambda state, control, path: (state.epoch, state.batch))
        folder = tmp_path / next(iter(settings))
        history = df.fit(
            tiny.kind(), data, heads=tiny.kind_route(), validation=tiny.iterator(5, 4),
            checkpoint=df.Saver(folder, every="9ep"),
            callbacks=[seen, *([stop] if "epochs" in settings else [])], **settings,
        )  # fmt: skip
        assert data.read == history.update == updates
        assert history.last_validation
        assert seen.seen == [(epoch, 0 if epoch else updates)]


def test_an_epoch_of_unknown_length_that_was_at_its_end_is_resumed(tiny, tmp_path):
    for updates in (4, 6):
        data = Counted(tiny.iterator(16, 4, ["kind_label"]), 99)
        history = df.fit(
            tiny.kind(), data, heads=tiny.kind_route(), updates=updates, checkpoint=tmp_path,
            resume="auto",
        )  # fmt: skip
    assert history.update == 6
    assert [epoch["samples"] for epoch in history.epochs] == [16, 8]


def test_a_stop_before_the_first_batch_reads_none(tiny):
    data = Counted(tiny.iterator(16, 4, ["kind_label"]), 0)
    stop = tiny.Recorder("epoch_started", lambda state, control: control.stop("never mind"))
    history = df.fit(tiny.kind(), data, heads=tiny.kind_route(), epochs=1, callbacks=[stop])
    assert (history.update, history.stop_reason) == (0, "never mind")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_s_workers_are_ahead_by_no_more_than_it_says(tiny, workers):
    """Batches of 2: 4 samples are trained on, and 2 * batch_size + workers may have been begun."""
    read = set()

    class Watched(tiny.Pictures):
        def __getitem__(self, index):
            read.add(index)
            return super().__getitem__(index)

    network = tiny.network()
    loader = df.Loader(Watched(40), batch_size=2, heads=network.heads, workers=workers)
    read.clear()
    df.fit(network, loader, updates=2)
    assert {0, 1, 2, 3} <= read
    assert len(read) <= 4 + (2 * 2 + workers if workers else 0)
