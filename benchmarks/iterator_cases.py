"""Every iterator of MXNet over samples whose number is in their data and labels.

For `mxnet_iterators.py` and the tests of `densefit.interop`.
"""

from __future__ import annotations

import ctypes
import struct

import cv2
import numpy as np

from densefit.backend import mx
from densefit.interop.iterators.observed import STALE_PADS

SIDE = 8


class Makers:
    """Makes iterators of `count` samples; the picture or row of a sample holds its number."""

    def __init__(self, folder):
        self.folder = folder

    def records(self, count, has_boxes=False):
        """Paths of a record file and its index."""
        stem = self.folder / f"{'boxes' if has_boxes else 'numbers'}{count}"
        paths = str(stem) + ".idx", str(stem) + ".rec"
        if not stem.with_suffix(".rec").exists():
            writer = mx.recordio.MXIndexedRecordIO(*paths, "w")
            for number in range(count):
                label = [2, 5, number, 0.1, 0.1, 0.8, 0.8] if has_boxes else number
                header = mx.recordio.IRHeader(0, label, number, 0)
                writer.write_idx(number, mx.recordio.pack(header, self.picture(number)))
            writer.close()
        return paths

    @staticmethod
    def picture(number):
        pixels = np.full((SIDE, SIDE, 3), number, np.uint8)
        return cv2.imencode(".png", pixels)[1].tobytes()

    def image_record(self, kind, count, size, has_index=True, **settings):
        """One in C++; without an index each takes 64 MiB, which takes 50 ms."""
        index, path = self.records(count, "Det" in kind)
        if has_index and kind in STALE_PADS:
            settings["path_imgidx"] = index
        return getattr(mx.io, kind)(
            path_imgrec=path,
            data_shape=(3, SIDE, SIDE),
            batch_size=size,
            preprocess_threads=1,
            verbose=False,
            **settings,
        )

    def csv(self, count, size, **settings):
        path = self.folder / f"{count}.csv"
        path.write_text("".join(f"{number},{number}\n" for number in range(count)))
        files = {"data_csv": str(path), "label_csv": str(path)}
        return mx.io.CSVIter(
            **files, data_shape=(2,), label_shape=(2,), batch_size=size, **settings
        )

    def libsvm(self, count, size):
        path = self.folder / f"{count}.svm"
        path.write_text("".join(f"{n} 0:{n} 1:{n}\n" for n in range(count)))
        iterator = mx.io.LibSVMIter(data_libsvm=str(path), data_shape=(2,), batch_size=size)
        # never freed: MXNet 1.9.1 may crash then, as the iterator's thread reads ahead
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(iterator))
        return iterator

    def mnist(self, count, size, **settings):
        images, labels = self.folder / f"images{count}", self.folder / f"labels{count}"
        pixels = b"".join(bytes([number]) * SIDE**2 for number in range(count))
        images.write_bytes(struct.pack(">IIII", 2051, count, SIDE, SIDE) + pixels)
        labels.write_bytes(struct.pack(">II", 2049, count) + bytes(range(count)))
        files = {"image": str(images), "label": str(labels)}
        return mx.io.MNISTIter(**files, batch_size=size, silent=True, **settings)

    def arrays(self, count, size, handling="pad", **settings):
        numbers = np.arange(count, dtype=np.float32)
        data = np.stack([numbers, numbers], 1)
        return mx.io.NDArrayIter(data, numbers, size, last_batch_handle=handling, **settings)

    def images(self, count, size, handling="pad", has_index=True, **settings):
        index, path = self.records(count)
        if has_index:
            settings["path_imgidx"] = index
        settings.update(path_imgrec=path, last_batch_handle=handling)
        # Pictures have the right size: the default, a crop, takes as long as the decoding.
        return mx.image.ImageIter(size, (3, SIDE, SIDE), aug_list=[], **settings)

    def boxes(self, count, size, handling="pad", **settings):
        index, path = self.records(count, has_boxes=True)
        files = {"path_imgrec": path, "path_imgidx": index}
        settings.update(files, last_batch_handle=handling)
        return mx.image.ImageDetIter(size, (3, SIDE, SIDE), aug_list=[], **settings)

    def make(self, case, count, size):
        """One by a name such as "ImageRecordIter round_batch=False"."""
        kind, *words = case.split()
        settings = {
            name: {"True": True, "False": False}.get(value, value)
            for name, value in (word.split("=") for word in words)
        }
        special = {
            "CSVIter": self.csv,
            "LibSVMIter": self.libsvm,
            "MNISTIter": self.mnist,
            "NDArrayIter": self.arrays,
            "ImageIter": self.images,
            "ImageDetIter": self.boxes,
        }
        if kind in special:
            return special[kind](count, size, **settings)
        return self.image_record(kind, count, size, **settings)

    @staticmethod
    def numbers(batch, pad=0):
        """The samples in the rows of a DataBatch without its last `pad`."""
        return Makers.samples(batch.data[0].asnumpy())[: batch.data[0].shape[0] - pad]

    @staticmethod
    def samples(rows):
        """The sample in each row of an array."""
        rows = np.asarray(rows, np.float64)
        means = rows.reshape(len(rows), -1).mean(axis=1)
        # MNISTIter divides pixels by 256.
        means = means * 256 if rows.shape[1:2] == (1,) else means
        return [float(mean) for mean in means]

    def read(self, batches):
        """The samples of batches that a source gave."""
        return [
            sample
            for batch in batches
            for sample in self.samples(next(iter(batch.data.values())))[: batch.real]
        ]

    def ssd(self, *args, **settings):
        """As in MXNet's SSD example."""
        return DetRecordIter(self.image_record("ImageDetRecordIter", *args, **settings))


class DetRecordIter(mx.io.DataIter):
    """As in MXNet's SSD example: labels are reshaped, and the constructor reads and resets."""

    def __init__(self, rec):
        super().__init__(rec.batch_size)
        self.rec, self.provide_label = rec, None
        self._get_batch()
        self.reset()

    @property
    def provide_data(self):
        return self.rec.provide_data

    def reset(self):
        self.rec.reset()

    def iter_next(self):
        return self._get_batch()

    def next(self):
        if self.iter_next():
            return self._batch
        raise StopIteration

    def _get_batch(self):
        self._batch = self.rec.next()
        if not self._batch:
            return False
        if self.provide_label is None:
            self.provide_label = [("label", (self.batch_size, 1, 2))]
        self._batch.label = [self._batch.label[0][:, -2:].reshape((-1, 1, 2))]
        return True


def stop(prefetching):
    """End the threads of a PrefetchingIter, which hold it and its iterators for ever otherwise."""
    prefetching.started = False
    for taken, thread in zip(prefetching.data_taken, prefetching.prefetch_threads):
        while thread.is_alive():  # one that is reading clears the event once more
            taken.set()
            thread.join(0.01)
    for inner in prefetching.iters:
        if isinstance(inner, mx.io.PrefetchingIter):
            stop(inner)
