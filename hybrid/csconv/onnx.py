"""Class-specific convolution in the standard operators of ONNX.

Pixels are sorted by class and filled up to blocks of one class each; a block is multiplied with
the filters of its class. That is as many multiplications as a convolution has, but for the
filling: at most a block for each class.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from onnx import TensorProto, helper
from onnxscript import opset18 as op

OPSET = 18

_BLOCK = 32  # pixels that share one copy of the filters of their class
_ZERO = helper.make_tensor("zero", TensorProto.INT64, [1], [0])


def translation() -> Callable[..., Any]:
    """Return what writes the `hybrid.csconv.cs_conv2d` of one network as a graph.

    The order of the pixels, which depends on the classes alone, is written once for all of them.
    """

    @cache
    def ordered(classes: Any, num_classes: int) -> Any:
        flat = op.Reshape(op.Cast(classes, to=TensorProto.INT64), _whole(-1))
        return op.Shape(classes), *_blocks(flat, num_classes)

    @cache
    def taps(classes: Any, num_classes: int, size: int) -> Any:
        sides, pixels, _, _ = ordered(classes, num_classes)
        return _taps(pixels, sides, size)

    def cs_conv2d(x: Any, weight: Any, bias: Any, classes: Any) -> Any:
        num_classes, outputs, channels, size = (int(side) for side in weight.shape[:4])
        sides, _, places, of_block = ordered(classes, num_classes)
        # Channels last, and a border of zeros: a tap is a row of `lines`.
        border = [0, size // 2, size // 2, 0]
        padded = op.Pad(op.Transpose(x, perm=[0, 2, 3, 1]), _whole(*border, *border))
        lines = op.Reshape(padded, _whole(-1, channels))
        patches = op.Gather(lines, taps(classes, num_classes, size))
        patches = op.Reshape(patches, _whole(-1, _BLOCK, size**2 * channels))
        filters = op.Transpose(weight, perm=[0, 3, 4, 2, 1])
        filters = op.Reshape(filters, _whole(num_classes, size**2 * channels, outputs))
        out = op.MatMul(patches, op.Gather(filters, of_block))
        if bias is not None:
            out = op.Add(out, op.Unsqueeze(op.Gather(bias, of_block), _whole(1)))
        out = op.Gather(op.Reshape(out, _whole(-1, outputs)), places)
        out = op.Reshape(out, op.Concat(sides, _whole(outputs), axis=0))
        return op.Transpose(out, perm=[0, 3, 1, 2])

    return cs_conv2d


def _blocks(classes, num_classes):
    """Return the pixel in each place of the blocks, the place of each pixel, each block's class.

    Places that no pixel fills have pixel 0.
    """
    length, zero, one = op.Shape(classes), _whole(0), _whole(1)
    ordered, order = op.TopK(classes, length, largest=0)
    none = op.ConstantOfShape(_whole(num_classes), value=_ZERO)
    ones = op.Expand(one, length)
    count = op.ScatterElements(none, ordered, ones, reduction="add")
    blocks = op.Div(op.Add(count, _whole(_BLOCK - 1)), _whole(_BLOCK))
    # Where the first pixel of a class lies in the blocks, less where it lies in order.
    starts = [op.CumSum(sizes, op.Constant(value_int=0), exclusive=1) for sizes in (blocks, count)]
    shift = op.Sub(op.Mul(starts[0], _whole(_BLOCK)), starts[1])
    index = op.Sub(op.CumSum(ones, op.Constant(value_int=0)), one)
    place = op.Add(index, op.Gather(shift, ordered))
    filled = op.Add(op.Div(length, _whole(_BLOCK)), _whole(num_classes))
    empty = op.ConstantOfShape(op.Mul(filled, _whole(_BLOCK)), value=_ZERO)
    of_place = op.Reshape(op.ScatterElements(empty, place, ordered), _whole(-1, _BLOCK))
    of_block = op.ReduceMax(of_place, one, keepdims=0)
    places = op.ScatterElements(op.Expand(zero, length), order, place)
    return op.ScatterElements(empty, place, order), places, of_block


def _taps(pixels, sides, size):
    """Return where the taps around pixels lie in the padded images, (pixels, size**2)."""
    height, width = (op.Slice(sides, _whole(axis), _whole(axis + 1)) for axis in (1, 2))
    row, column = op.Div(pixels, width), op.Mod(pixels, width)
    # Above each image but the first lie the borders of those before it.
    row = op.Add(row, op.Mul(op.Div(row, height), _whole(size - 1)))
    line = op.Add(width, _whole(size - 1))
    corner = op.Add(op.Mul(row, line), column)
    down, right = (np.repeat(np.arange(size), size), np.tile(np.arange(size), size))
    steps = op.Add(op.Mul(_whole(*down), line), _whole(*right))
    return op.Add(op.Unsqueeze(corner, _whole(1)), steps)


def _whole(*numbers):
    return op.Constant(value_ints=[int(number) for number in numbers])
