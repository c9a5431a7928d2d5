"""Lines of the program beside an exported model that write the map of segments."""

from __future__ import annotations

from collections.abc import Sequence

from densefit.model.heads.program_lines import quoted
from densefit.tasks.instance.paste import HALF


def write_segments(
    head: str,
    things: Sequence[int],
    stride: int,
    score_threshold: float,
    overlap: float,
    min_stuff: float,
) -> str:
    """Lines that write the ids of segments as `<image>.<head>.png`, and print id and class of each.

    The file is of 16 bits, 0 is void. See `panoptic_map`; a box without the centre of a pixel has
    an empty mask.

    Args:
        head: name of the head, with the outputs of its parts.
        things: class indices of the things.
        stride: input pixels per cell of the instances' masks.
        score_threshold: lowest score of an instance.
        overlap: share of an instance that must be free.
        min_stuff: smallest stuff segment, as a share of the image.
    """
    name, part = quoted(head), f'outputs["{quoted(head)}'
    return (
        "def warp(m, k, flags): return cv2.warpAffine(m, np.array([[b / W, 0, x + b / W / 2 - k / 2"
        "], [0, a / H, y + a / H / 2 - k / 2]]) / k, (W, H), flags=flags | cv2.WARP_INVERSE_MAP, "
        "borderMode=cv2.BORDER_REPLICATE)\n"
        f"things, semantic, segments, Y, X = {[int(index) for index in things]}, "
        f'warp({part}_segmentation_mask"], 1, cv2.INTER_NEAREST), np.zeros((H, W), np.uint16), '
        "(np.arange(H)[:, None] + 0.5) * a / H + y, (np.arange(W) + 0.5) * b / W + x\n"
        f"objects = ((things[int(c)], (warp(m, {stride}, cv2.INTER_LINEAR) >= {HALF}) & (l <= X) & "
        f"(X < r) & (t <= Y) & (Y < d), {float(overlap)}, 1) for (c, score, l, t, r, d), m in zip("
        f'{part}_instance_boxes"], {part}_instance_masks"]) '
        f"if c >= 0 and score >= {float(score_threshold)})\n"
        f"stuff = ((c, semantic == c, 0, round({float(min_stuff)} * H * W)) "
        "for c in range(256) if c not in things and c in semantic)\n"
        "for c, mask, share, least in (part for parts in (objects, stuff) for part in parts):\n"
        "    if (free := mask & (segments == 0)).sum() >= max(1, share * mask.sum(), least):\n"
        "        segments[free] = segments.max() + 1\n"
        f'        print("{name}", segments.max(), names["{name}"][c])\n'
        f'cv2.imencode(".png", segments)[1].tofile(sys.argv[1] + ".{name}.png")\n'
    )
