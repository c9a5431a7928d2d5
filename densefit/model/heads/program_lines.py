"""The program beside an exported model: the lines that print or write a head's outputs."""

from __future__ import annotations

#: Line that maps the boxes of `rows`, (N, 6 or more) as in `print_boxes`, to pixels of the image.
BOXES_TO_IMAGE = (
    "rows[:, 2:6] = ((rows[:, 2:6] - np.array([x, y, x, y])) / [b / W, a / H, b / W, a / H])"
    ".clip(0, [W, H, W, H])\n"
)


class ProgramLines:
    """Optional part of a head: its lines in the program that `df.export` writes beside a model."""

    name: str

    def program_lines(self) -> str:
        """Lines of Python that print the head's outputs for one image, or write them to files.

        They read the variables of the program (`densefit.exporting.program`): `outputs`, arrays of
        the image by full name; `names`, class names by head; `H, W`, size of the image; `h, w`,
        size of the model's input; `a, b`, height and width of the resized image, and `y, x`, its
        corner in the model's input; the modules `np`, `cv2`, `sys` and `json`. Lines that do not
        fit into the program are left out. By default they print the shapes of the outputs.
        """
        return print_shapes(self.name)


def print_shapes(head: str) -> str:
    """Lines that print the shapes of a head's outputs."""
    name = quoted(head)
    return (
        f'print("{name}", {{n: v.shape for n, v in outputs.items() if n.startswith("{name}_")}})\n'
    )


def print_boxes(head: str, output: str, score_threshold: float | None = None) -> str:
    """Lines that print class, score and box, in pixels of the image, of each detection.

    Args:
        head: name of the head.
        output: its output (N, 6 or more) [class, score, x1, y1, x2, y2], without the head's name.
        score_threshold: detections below are dropped; None: rows without a class (-1).
    """
    name, rows = quoted(head), f'outputs["{quoted(f"{head}_{output}")}"]'
    column, least = (0, 0) if score_threshold is None else (1, float(score_threshold))
    return (
        f"rows = {rows}[{rows}[:, {column}] >= {least}].astype(float)\n"
        f"{BOXES_TO_IMAGE}"
        "for label, score, *box in rows[((rows[:, 4:6] > 0) & (rows[:, 2:4] < [W, H])).all(1), :6]"
        ".tolist():\n"
        f'    print("{name}", names["{name}"][int(label)], round(score, 6), *np.round(box, 3))\n'
    )


def print_probabilities(head: str, output: str) -> str:
    """Lines that print the name and probability of each class; see `print_boxes`."""
    name, values = quoted(head), quoted(f"{head}_{output}")
    return (
        f'for name, p in zip(names["{name}"], outputs["{values}"].tolist()):\n'
        f'    print("{name}", name, round(p, 6))\n'
    )


def write_mask(head: str, output: str) -> str:
    """Lines that write (H, W) class indices as `<image>.<head>.png`; see `print_boxes`."""
    return (
        "to_image = np.array([[b / W, 0, x + b / W / 2 - 0.5], [0, a / H, y + a / H / 2 - 0.5]])\n"
        f'mask = cv2.warpAffine(outputs["{quoted(f"{head}_{output}")}"], to_image, (W, H), '
        "flags=cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)\n"
        f'cv2.imencode(".png", mask)[1].tofile(sys.argv[1] + ".{quoted(head)}.png")\n'
    )


def write_map(head: str, output: str, channels: bool = False) -> str:
    """Lines that write a map as `<image>.<head>.npy`; see `print_boxes`.

    Args:
        head: name of the head.
        output: its output (H, W), or (C, H, W) with `channels`, without the head's name.
        channels: whether the first axis is of channels; it becomes the last one.
    """
    order = ".transpose(1, 2, 0)" if channels else ""
    return (
        f'np.save(sys.argv[1] + ".{quoted(head)}.npy", '
        f'cv2.resize(outputs["{quoted(f"{head}_{output}")}"]{order}'
        "[y : y + a, x : x + b], (W, H)))\n"
    )


def quoted(name: str) -> str:
    """A name between double quotes of a program."""
    return name.replace("\\", "\\\\").replace('"', '\\"')
