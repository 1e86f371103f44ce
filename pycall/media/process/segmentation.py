"""Tells the person from the background by a neural network that the user brings as an ONNX file, run by onnxruntime."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.process.planes import Alpha, Planes, empty_planes, opencv
from pycall.media.scale import reformatted

DEFAULT_SIDE = 256
"""Pixels, for a model that takes any size."""
_STEADY = 0.6
"""Weight of the newest mask against the one before, which calms edges that flicker."""


@dataclass(frozen=True, slots=True)
class SegmentationModel:
    """An ONNX file that finds people: one RGB picture in, one mask out.

    In: float32 (or uint8, 0 to 255, as it is) of shape (1, 3, height, width) or (1, height, width, 3); each value is
    (value / 255 - mean) / std. Out: the share of the person, one channel of 0 to 1, or two of which the last is the
    person; logits will do. MediaPipe's selfie model takes mean 0 and std 1, PP-HumanSeg and MODNet 0.5 and 0.5.
    """

    path: str
    mean: float = 0.0
    std: float = 1.0


class Person:
    """The network, loaded and tried once. For one thread at a time. What it costs depends on the model."""

    def __init__(self, model: SegmentationModel) -> None:
        """Raises `MediaError`: NO_LIBRARY, NO_SUCH_FILE, or BAD_FILE for a model that does not fit."""
        self._model = model
        self._cv2 = opencv()
        self._session = _session(model.path)
        entry = self._session.get_inputs()[0]
        self._entry, self._type = entry.name, entry.type
        self._first, self._width, self._height = _layout(model.path, entry)
        self._last: Alpha | None = None
        self.alpha(empty_planes(64, 64)[1])  # a model that cannot be used is refused before a call, not in it
        self._last = None

    def alpha(self, planes: Planes) -> Alpha:
        mask = self._cv2.resize(self._mask(self._input(planes)), planes.half)
        if self._last is not None and self._last.shape == mask.shape:
            mask = self._cv2.addWeighted(mask, _STEADY, self._last, 1.0 - _STEADY, 0.0)
        self._last = mask
        steady: Alpha = mask
        return steady

    def _input(self, planes: Planes) -> np.ndarray:
        picture, copy = empty_planes(*planes.size)
        for target, source in zip(copy, planes, strict=True):
            target[:] = source
        rgb = reformatted(picture, self._width, self._height, "rgb24").to_ndarray()
        if self._type != "tensor(uint8)":
            rgb = ((rgb * np.float32(1 / 255)) - np.float32(self._model.mean)) / np.float32(self._model.std)
        return np.ascontiguousarray(rgb.transpose(2, 0, 1) if self._first else rgb)[None]

    def _mask(self, rgb: np.ndarray) -> Alpha:
        try:
            found = self._session.run(None, {self._entry: rgb})[0]
        except Exception as error:  # onnxruntime's errors have no common type
            reason = str(error).splitlines()[0]
            raise MediaError(ErrorCode.BAD_FILE, f"the model {self._model.path} cannot be run: {reason}") from error
        return _one_channel(self._model.path, np.asarray(found, np.float32))


def _session(path: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        message = "a segmentation model needs onnxruntime: pip install 'pycall[segmentation]'"
        raise MediaError(ErrorCode.NO_LIBRARY, message) from error
    if not os.path.isfile(path):
        raise MediaError(ErrorCode.NO_SUCH_FILE, f"there is no segmentation model {path!r}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # leave the other processors to the call
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common type
        raise MediaError(ErrorCode.BAD_FILE, f"{path!r} is no ONNX model that can be loaded") from error


def _layout(path: str, entry: Any) -> tuple[bool, int, int]:
    """Whether channels come first, and the width and height that the model takes."""
    shape = [side if isinstance(side, int) else None for side in entry.shape]
    fits = len(shape) == 4 and 3 in (shape[1], shape[3]) and entry.type in ("tensor(float)", "tensor(uint8)")
    if not fits:
        message = f"the model {path} takes {entry.shape} of {entry.type}; it must take one RGB picture"
        raise MediaError(ErrorCode.BAD_FILE, message)
    first = shape[1] == 3
    height, width = (shape[2], shape[3]) if first else (shape[1], shape[2])
    return first, width or DEFAULT_SIDE, height or DEFAULT_SIDE


def _one_channel(path: str, found: np.ndarray) -> Alpha:
    """The person's share, 0 to 1, shape (height, width)."""
    found = found[0] if found.ndim == 4 else found
    if found.ndim == 3 and found.shape[0] > 2:
        found = found.transpose(2, 0, 1)
    if found.ndim == 2:
        found = found[None]
    if found.ndim != 3 or found.shape[0] > 2:
        raise MediaError(ErrorCode.BAD_FILE, f"the model {path} gives {found.shape}; it must give one mask")
    logits = found.min() < -0.01 or found.max() > 1.01
    if logits:
        odds = found[0] if len(found) == 1 else found[1] - found[0]
        found = (1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))))[None]
    share: Alpha = np.clip(found[-1], 0.0, 1.0).astype(np.float32)
    return share
