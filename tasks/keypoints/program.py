"""Lines of the program beside an exported model that print objects with their keypoints."""

from __future__ import annotations

from densefit.model.heads.program_lines import quoted

from .snap import REACH


def print_keypoints(
    head: str, score_threshold: float, peak_threshold: float, has_peaks: bool
) -> str:
    """Lines that print class, score, box, and x, y and confidence of each keypoint of an object.

    Args:
        head: name of the head, with outputs `objects` and `peaks`.
        score_threshold: lowest score of an object.
        peak_threshold: lowest probability of a peak, see `snap_to_peaks`.
        has_peaks: whether keypoints are moved to the peaks of heat maps.
    """
    name = quoted(head)
    snap = (
        "distance = np.linalg.norm(points[:, :, None, :2] - peaks[..., :2], axis=3)\n"
        "valid = ((peaks[..., :2] >= low) & (peaks[..., :2] <= high)).all(3) & "
        f"(peaks[..., 2] >= {float(peak_threshold)}) & "
        f"(distance <= {REACH} * (high - low).max(3))\n"
        "nearest = np.where(valid, distance, np.inf).argmin(2)[..., None]\n"
        "points = np.where(np.take_along_axis(valid, nearest, 2), "
        "peaks[np.arange(len(peaks)), nearest[..., 0]], points)\n"
    )
    peaks = ("peaks, ", f'outputs["{name}_peaks"], ') if has_peaks else ("", "")
    return (
        f'rows = outputs["{name}_objects"][outputs["{name}_objects"][:, 1] '
        f">= {float(score_threshold)}].astype(float)\n"
        f"{peaks[0]}points, low, high = {peaks[1]}rows[:, 6:].reshape(len(rows), -1, 3), "
        "rows[:, None, None, 2:4], rows[:, None, None, 4:6]\n"
        f"{snap if has_peaks else ''}"
        "for (label, score, *box), keys in zip(rows[:, :6].tolist(), points):\n"
        "    box, keys[:, :2] = ((np.subtract(p, [x, y]) / [b / W, a / H]).clip(0, [W, H]) "
        "for p in ([box[:2], box[2:]], keys[:, :2]))\n"
        f'    if (box[1] > 0).all() and (box[0] < [W, H]).all(): print("{name}", '
        f'names["{name}"][int(label)], '
        "round(score, 6), *np.round(np.append(box, keys), 3))\n"
    )
