"""Exports of CVAT: "CVAT for images 1.1" and "CVAT for video 1.1"."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.coco.keypoints import Pairs, read_skeleton
from densefit.datasets.files.folder_state import folder_state
from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.names import Names, class_index, class_names
from densefit.datasets.objects import DatasetAnnotations, ObjectDataset, Stored
from densefit.datasets.objects.left_out import LeftOut
from densefit.datasets.objects.table_cache import digest

from .annotation_file import AnnotationFile
from .image_files import TREE, ImageFiles, image_folder
from .images import annotations_of, read_images, used_names


@datasets.register("cvat")
class CVAT(ObjectDataset):
    """An export of CVAT in its own format, of images or of a video with its frames as files.

    Boxes, polygons, ellipses, cuboids (as the outline of their corners), masks and skeletons (the
    box around their points) are objects; those of one label and group_id are one object. A rotated
    box is its four corners, and the box around them. Objects of a higher layer (z_order) are
    painted over those of a lower one. Points and polylines enclose nothing: they are counted
    (`left_out`) and left out. Of tracks, the frames between keyframes are read as CVAT writes them,
    and those in which the track is outside are not. A checkbox "difficult" or "is_crowd" marks
    objects so. Coordinates are continuous; the points of skeletons are hidden (visibility 1) where
    they are occluded, and unlabelled where they are outside.

    Args:
        root: folder of the export, with `annotations.xml` and `images`, in which folders of subsets
            may lie.
        split: subset of a project, as the images name it; None: all images.
        classes: class names, a list or a file with one a line; objects of other labels that the
            file declares are left out. None: the declared labels, in order.
        annotations: path of the XML file from `root`.
        images: folder of the images; None: `<root>/images`, or `root` if there is none.
        frames: names of a video's frames without extension, with the frame's number as in C.
        boxes, masks, instances, bad_boxes, exif: see `ObjectDataset`.
        labels: give `labels`: 1 for each class that the image has an object or a tag of.
        keypoints: give the points of skeletons as keypoints; other objects have none.
        flip_pairs: keypoints that change places in a mirrored image; None: by left and right in
            their names.

    Attributes:
        left_out: kind of shape -> number of them that are no objects.

    Raises:
        DataError: the file is missing or no XML of CVAT, there are no images, or none of the
            subset. An element that is broken is a fault of its image.
    """

    paints_in_order = True

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        classes: Names = None,
        annotations: str = "annotations.xml",
        images: str | Path | None = None,
        frames: str = "frame_%06d",
        boxes: bool = True,
        masks: bool = False,
        instances: bool = False,
        labels: bool = False,
        keypoints: bool = False,
        flip_pairs: Pairs = None,
        bad_boxes: str = "drop",
        exif: bool = True,
    ) -> None:
        self._unusual = unusual(CVAT, locals(), ("root", "split"))
        self.root, self.split = Path(root), split
        self.xml_path = self.root / annotations
        if not self.xml_path.is_file():
            raise missing_layout(
                self.root, TREE, f"There is no {annotations} of CVAT", layout="cvat"
            )
        folder = image_folder(self.root, images)
        listed = class_names(classes, self.root)

        def read() -> DatasetAnnotations:
            left_out = LeftOut()
            files = ImageFiles(folder, self.xml_path, frames, exif)
            source = AnnotationFile(self.xml_path, files.size_of, left_out)
            rows = read_images(source, files, split, masks or instances)
            declared = source.labels.names
            for name in listed or () if declared else ():
                class_index(name, declared, self.xml_path)  # raises
            names = listed or declared or used_names(rows, self.xml_path, left_out)
            skeleton = None
            if keypoints:
                categories = source.labels.categories(names)
                skeleton = read_skeleton(categories, flip_pairs, self.xml_path)
            left_out.report(self, "they enclose no area")
            annotations = annotations_of(rows, self.xml_path, names, declared)
            notes = {"left_out": dict(left_out.counts)}
            return DatasetAnnotations(annotations, names, skeleton, notes)

        super().__init__(
            read,
            None,
            folder,
            boxes=boxes,
            masks=masks,
            instances=instances,
            labels=labels,
            bad_boxes=bad_boxes,
            exif=exif,
            stored=Stored([self.xml_path], digest(listed), partial(folder_state, [folder])),
        )
        self.left_out: dict[str, int] = self._table.meta["notes"]["left_out"]

    def __repr__(self) -> str:
        return f"CVAT({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether the folder has an annotations.xml."""
        return (root / "annotations.xml").is_file()
