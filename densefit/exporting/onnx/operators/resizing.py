"""Maps at another size, and maps sampled on a grid."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor


def _resized(layer: Layer, data: Tensor, height: int, width: int, **settings: str) -> Tensor:
    """Resize (B, C, h, w) maps.

    By factors: ONNX Runtime's layout optimizer mistakes sizes of some axes.
    """
    factors = [1.0, 1.0]
    for size, target in zip(data.sizes[2:], (height, width)):
        factor = np.float32(target / size)
        if size * float(factor) < target:  # the size is rounded down
            factor = np.nextafter(factor, np.float32(np.inf))
        factors.append(float(factor))
    shape = (*data.sizes[:2], height, width)
    scales = layer.constant(factors, np.float32)
    return layer.emit("Resize", data, None, scales, shape=shape, **settings)


def _nearest(layer: Layer, data: Tensor, scale: int) -> Tensor:
    if scale == 1:
        return data
    height, width = data.sizes[2:]
    return _resized(
        layer,
        data,
        height * scale,
        width * scale,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


@converts("UpSampling")
def upsampling(layer: Layer) -> Tensor:
    scale = layer.integer("scale")
    if layer.text("sample_type") == "bilinear":  # a convolution with weights of its own
        data, weight = layer.inputs
        pad = -(-(scale - 1) // 2)
        width = 2 * scale - scale % 2
        return layer.emit(
            "ConvTranspose",
            data,
            weight,
            kernel_shape=[width, width],
            strides=[scale, scale],
            pads=[pad] * 4,
            group=data.sizes[1],
        )
    height = layer.data.sizes[2] * scale
    maps = [_nearest(layer, data, height // data.sizes[2]) for data in layer.inputs]
    if len(maps) == 1:
        return maps[0]
    if layer.text("multi_input_mode", "concat") == "sum":
        return layer.emit("Sum", *maps)
    return layer.emit("Concat", *maps, axis=1)


@converts("_contrib_BilinearResize2D")
def bilinear_resize(layer: Layer) -> Tensor:
    mode = layer.text("mode", "size")
    height, width = layer.data.sizes[2:]
    if mode == "like":
        height, width = layer.inputs[1].sizes[2:]
    elif mode == "size" and layer.setting("scale_height") is None:
        height, width = layer.integer("height"), layer.integer("width")
    elif mode == "size":
        height = int(height * layer.number("scale_height"))
        width = int(width * layer.number("scale_width"))
    else:
        raise layer.refusal(f"the mode {mode} is not supported")
    corners = layer.flag("align_corners", True)
    return _resized(
        layer,
        layer.data,
        height,
        width,
        mode="linear",
        coordinate_transformation_mode="align_corners" if corners else "half_pixel",
    )


@converts("GridGenerator")
def grid_generator(layer: Layer) -> Tensor:
    """(B, 2, H, W) positions from -1 to 1, x first."""
    if layer.text("transform_type") == "affine":
        height, width = (int(size) for size in layer.sizes("target_shape"))
        return _affine_grid(layer, layer.data, height, width)
    _, _, height, width = layer.data.sizes
    scale = np.array([(width - 1) / 2, (height - 1) / 2], layer.data.dtype).reshape(1, 2, 1, 1)
    rows, columns = np.mgrid[:height, :width].astype(layer.data.dtype)
    pixels = layer.emit("Add", layer.data, layer.constant(np.stack([columns, rows])[None]))
    grid = layer.emit("Div", pixels, layer.constant(scale))
    return layer.emit("Sub", grid, layer.scalar(1, grid))


def _affine_grid(layer: Layer, theta: Tensor, height: int, width: int) -> Tensor:
    rows, columns = np.meshgrid(
        np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij"
    )
    base = np.stack([columns.ravel(), rows.ravel(), np.ones(height * width)])
    matrix = layer.build.reshape(theta, (theta.sizes[0], 2, 3))
    grid = layer.emit("MatMul", matrix, layer.constant(base.astype(theta.dtype)))
    return layer.build.reshape(grid, (theta.sizes[0], 2, height, width))


def _sampled(layer: Layer, data: Tensor, grid: Tensor) -> Tensor:
    if layer.build.opset < 16:
        raise layer.refusal("sampling on a grid needs operator set 16", "df.export(..., opset=16)")
    mode = "linear" if layer.build.opset >= 20 else "bilinear"
    positions = layer.emit("Transpose", grid, perm=[0, 2, 3, 1])
    return layer.emit("GridSample", data, positions, mode=mode, align_corners=1)


@converts("BilinearSampler")
def bilinear_sampler(layer: Layer) -> Tensor:
    return _sampled(layer, *layer.inputs)


@converts("SpatialTransformer")
def spatial_transformer(layer: Layer) -> Tensor:
    data, theta = layer.inputs
    height, width = (int(size) for size in layer.sizes("target_shape"))
    return _sampled(layer, data, _affine_grid(layer, theta, height, width))
