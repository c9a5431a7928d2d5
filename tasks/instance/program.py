"""Lines of the program beside an exported model that print boxes and write their masks."""

from __future__ import annotations

from densefit.model.heads.program_lines import BOXES_TO_IMAGE, quoted

from .paste import HALF


def print_instances(head: str, stride: int) -> str:
    """Lines that print class, score and box of each object, and write its mask.

    The masks are `<image>.<head>.<number>.png`, 255 inside of the object, numbered from 0 in the
    order of the printed lines. See `paste_masks`; a box without the centre of a pixel has an empty
    mask.

    Args:
        head: name of the head, with outputs `boxes` and `masks`.
        stride: input pixels per cell of the masks.
    """
    name, half = quoted(head), stride / 2
    return (
        f'rows = outputs["{name}_boxes"].astype(float)\n'
        f"{BOXES_TO_IMAGE}"
        "keep = (rows[:, 0] >= 0) & ((rows[:, 4:6] > 0) & (rows[:, 2:4] < [W, H])).all(1)\n"
        f"to_mask = np.array([[b / W, 0, x + b / W / 2 - {half}], "
        f"[0, a / H, y + a / H / 2 - {half}]]) / {stride}\n"
        f'for n, (row, mask) in enumerate(zip(rows[keep], outputs["{name}_masks"][keep])):\n'
        f'    print("{name}", names["{name}"][int(row[0])], round(row[1], 6), '
        "*np.round(row[2:6], 3))\n"
        "    (l, t, r, d), inside = np.ceil(row[2:6] - 0.5).astype(int), "
        "np.zeros((H, W), np.uint8)\n"
        "    inside[t:d, l:r] = 255 * (cv2.warpAffine(mask, to_mask, (W, H), "
        "flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)"
        f"[t:d, l:r] >= {HALF})\n"
        f'    cv2.imencode(".png", inside)[1].tofile(sys.argv[1] + ".{name}." + str(n) + ".png")\n'
    )
