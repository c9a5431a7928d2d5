"""Generated rooms with furniture, seen by a camera: every target exact, by ray casting."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np

from densefit.data.geometry.instance_map import extents
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.errors import ConfigError

from .camera import Camera, rotation_of
from .paint import paint
from .ray_caster import CEILING, FACES, FLOOR, View, cast
from .scene import ROOMS, Scene, draw_scene
from .stripes import STRIPES_CLASSES, add_stripes

#: The 13 classes of NYUv2 (Couprie et al., ICLR 2013), as LibMTL and others number them.
MASK_CLASSES = (
    *("bed", "books", "ceiling", "chair", "floor", "furniture", "objects", "painting"),
    *("sofa", "table", "tv", "wall", "window"),
)
THINGS = tuple(name for name in MASK_CLASSES if name not in ("ceiling", "floor", "wall"))
EDGE_CLASSES = ("background", "edge")
#: What `labelled` may name.
_SHARES = ("boxes", "mask", "label", "depth", "normals", "edges", "stripes")
_OF_BOXES = ("boxes", "classes", "difficult", "crowd", "area", "instances", "instance_ids")
_FOCAL = 0.68  # parts of the width: 73 degrees from left to right


@datasets.register("rooms")
class Rooms:
    """Rooms with labels for six tasks, made on the fly: nothing to download.

    A camera looks into a room of boxes along its axes: walls, furniture, things on tables, windows
    and paintings. What a picture looks like depends on (seed, split, index) alone.

    Targets: `mask` of NYUv2's 13 classes; `depth` in metres along the camera's axis; `normals`
    towards the camera; `boxes`, `classes` and `instances` of the objects, whole or in part, by
    what is seen of them; `edges`, 1 where a surface or an object ends; `label`, the kind of room.

    Args:
        length: number of pictures.
        size: (height, width), at least 24 each.
        seed: another seed, other pictures.
        split: another split, other pictures; any name.
        labelled: target -> share of the pictures that have it, 1 by default: `mask`, `depth`,
            `normals`, `edges`, `label` or `boxes` (all of the objects). The same pictures for a
            seed and a split.
        least: objects of which fewer pixels are seen have no box.
        conflict: contrast, 0 to 1, of fine patterns over the picture, and a target `stripes` that
            says which: a task that needs what all others must ignore. 0: none, and no such target.

    Attributes:
        classes: names of the objects: `classes` of a sample's targets are indices into these.
        mask_classes: what the pixels of `mask` are.
        label_classes: kinds of rooms.
        edges_classes, stripes_classes: what the pixels of `edges` and `stripes` are.
    """

    def __init__(
        self,
        length: int = 200,
        size: tuple[int, int] = (128, 160),
        seed: int = 0,
        split: str = "train",
        labelled: Mapping[str, float] | None = None,
        least: int = 12,
        conflict: float = 0.0,
    ) -> None:
        self._unusual = unusual(Rooms, locals(), ("length", "size", "seed", "split"))
        shares = dict(labelled or {})
        fits = all(name in _SHARES and 0 <= share <= 1 for name, share in shares.items())
        fits = fits and 0 <= conflict <= 1
        if length < 1 or min(size) < 24 or seed < 0 or least < 1 or not fits:
            raise ConfigError(
                "These rooms cannot be drawn",
                expected="length >= 1, sides >= 24, seed >= 0, least >= 1, conflict 0 to 1, and "
                f"labelled a share of {', '.join(_SHARES)}",
                received=f"length={length}, size={tuple(size)}, seed={seed}, least={least}, "
                f"labelled={shares}, conflict={conflict}",
                where="Rooms",
            )
        self.length, self.size, self.seed, self.split = length, tuple(size), seed, split
        self.labelled, self.least, self.conflict = shares, least, conflict
        self.classes = list(THINGS)
        self.mask_classes = list(MASK_CLASSES)
        self.label_classes = list(ROOMS)
        self.edges_classes = list(EDGE_CLASSES)
        if conflict:
            self.stripes_classes = list(STRIPES_CLASSES)

    def __repr__(self) -> str:
        settings = f"seed={self.seed}, split={self.split!r}{self._unusual}"
        return f"Rooms({self.length}, {self.size}, {settings})"

    def __len__(self) -> int:
        return self.length

    def id_of(self, index: int) -> str:
        """The split and the index."""
        return f"{self.split}-{range(self.length)[index]:06d}"

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        names = [name for name in _SHARES if self._is_labelled(name, range(self.length)[index])]
        names = [name for name in names if name != "stripes" or self.conflict]
        return tuple(n for name in names for n in (_OF_BOXES if name == "boxes" else (name,)))

    def _is_labelled(self, name: str, index: int) -> bool:
        share = self.labelled.get(name, 1.0)
        if share in (0, 1):
            return bool(share)
        draw = np.random.default_rng((self.seed, *self._keys(name), index)).random()
        return bool(draw < share)

    def _keys(self, name: str = "") -> tuple[int, ...]:
        return tuple(zlib.crc32(text.encode()) for text in (self.split, name) if text)

    def __getitem__(self, index: int) -> Sample:
        index = range(self.length)[index]
        rng = np.random.default_rng((self.seed, *self._keys(), index))
        kind = list(ROOMS)[int(rng.integers(len(ROOMS)))]
        eye = np.array([rng.uniform(0.3, 0.7), rng.uniform(0.07, 0.15)])
        scene = draw_scene(rng, kind, eye)
        camera = self._camera(rng, scene, eye)
        rays = camera.rays()
        parts = [part for item in scene.things for part in item.parts]
        view = cast(camera, rays, scene.size, parts)
        image = paint(rng, scene, camera, rays, view)
        targets = self._targets(scene, camera, view)
        if self.conflict:  # drawn by itself, so that the room is that without it
            rng = np.random.default_rng((self.seed, *self._keys("stripes"), index, 1))
            image, targets["stripes"] = add_stripes(rng, image, self.conflict)
        names = self.targets_of(index)
        return Sample(self.id_of(index), image, {name: targets[name] for name in names})

    def _camera(self, rng: np.random.Generator, scene: Scene, eye: np.ndarray) -> Camera:
        x, z = eye * scene.size[[0, 2]]
        y = scene.size[1] - rng.uniform(1.2, 1.7)
        rotation = rotation_of(rng.uniform(-0.45, 0.45), rng.uniform(-0.3, 0.05))
        height, width = self.size
        return Camera(np.array([x, y, z]), rotation, _FOCAL * width, (height, width))

    def _targets(self, scene: Scene, camera: Camera, view: View) -> dict[str, np.ndarray]:
        numbers = {name: index for index, name in enumerate(MASK_CLASSES)}
        owner = np.repeat(
            np.arange(1, len(scene.things) + 1), [len(item.parts) for item in scene.things]
        )
        # Index -1, the room itself, is the last row: no object.
        things = np.append(owner, 0).astype(np.uint16)[view.part]
        kinds = [numbers["wall"], *(numbers[item.kind] for item in scene.things)]
        mask = np.array(kinds, np.uint8)[things]
        mask[(things == 0) & (view.face == FLOOR)] = numbers["floor"]
        mask[(things == 0) & (view.face == CEILING)] = numbers["ceiling"]
        sizes = np.bincount(things.ravel(), minlength=len(kinds))
        instances = np.where(sizes >= self.least, np.arange(len(kinds)), 0).astype(np.uint16)[
            things
        ]
        ids, boxes = extents(instances)
        count = len(ids)
        classes = [THINGS.index(scene.things[i - 1].kind) for i in ids.tolist()]
        return {
            "boxes": boxes.astype(np.float32).reshape(count, 4),
            "classes": np.array(classes, np.int64),
            "difficult": np.zeros(count, bool),
            "crowd": np.zeros(count, bool),
            "area": sizes[ids].astype(np.float32),
            "instances": instances,
            "instance_ids": ids.astype(np.int64),
            "mask": mask,
            "depth": view.depth,
            "normals": (FACES @ camera.rotation).astype(np.float32)[view.face],
            "edges": _edges(things, view.face),
            "label": np.array(list(ROOMS).index(scene.kind), np.int64),
        }


def _edges(things: np.ndarray, face: np.ndarray) -> np.ndarray:
    """(H, W) uint8, 1 at the first pixel of another object or face, from the left or from above."""
    surface = things.astype(np.int32) * len(FACES) + face
    edges = np.zeros(surface.shape, np.uint8)
    edges[:, 1:] |= surface[:, 1:] != surface[:, :-1]
    edges[1:] |= surface[1:] != surface[:-1]
    return edges
