"""A person in front of a background, both full of fine detail, so that a test can tell what was blurred or replaced."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

HEIGHT, WIDTH = 360, 640
SCREEN = (40, 170, 70)


def person() -> np.ndarray:
    """Where the person is: (height, width) bool."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return ((x - 320) / 90) ** 2 + ((y - 200) / 130) ** 2 < 1


def inside() -> np.ndarray:
    """Well within the person."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return ((x - 320) / 75) ** 2 + ((y - 200) / 115) ** 2 < 1


def outside() -> np.ndarray:
    """Well away from the person."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return ((x - 320) / 115) ** 2 + ((y - 200) / 155) ** 2 > 1


def rim() -> np.ndarray:
    """Just outside of the person, where a halo would be."""
    return outside_of(1.1) & ~outside_of(1.2)


def outside_of(scale: float) -> np.ndarray:
    """Beyond the person made larger by `scale`."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return ((x - 320) / (90 * scale)) ** 2 + ((y - 200) / (130 * scale)) ** 2 > 1


def detail(seed: int = 1) -> np.ndarray:
    """Blocks of 4 x 4 that are brighter or darker by 40."""
    blocks = np.random.default_rng(seed).choice([-40, 40], (HEIGHT // 4, WIDTH // 4))
    return np.kron(blocks, np.ones((4, 4), int))[:, :, None]


def picture(behind: np.ndarray | tuple[int, int, int], colour: tuple[int, int, int] = (170, 60, 50)) -> np.ndarray:
    """The person in reddish detail before `behind`; RGB."""
    rgb = np.broadcast_to(np.asarray(behind, int), (HEIGHT, WIDTH, 3)).copy()
    rgb[person()] = (np.asarray(colour) + detail())[person()]
    return np.clip(rgb, 0, 255).astype(np.uint8)


def room(seed: int = 2) -> np.ndarray:
    """A grey background full of detail; RGB."""
    return np.clip(np.array([120, 120, 120]) + detail(seed), 0, 255)


def frame(rgb: np.ndarray) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24").reformat(format="yuv420p")


def rgb_of(made: av.VideoFrame) -> np.ndarray:
    return made.to_ndarray(format="rgb24").astype(int)


def sharpness(rgb: np.ndarray, where: np.ndarray) -> float:
    """Mean step of brightness from pixel to pixel."""
    grey = rgb.astype(float).mean(axis=2)
    steps = np.abs(np.diff(grey, axis=1, append=0)) + np.abs(np.diff(grey, axis=0, append=0))
    return float(steps[where].mean())


def write_picture(path: Path, rgb: np.ndarray) -> str:
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as out:
        stream = out.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = rgb.shape[1], rgb.shape[0], "rgb24"
        made = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb.astype(np.uint8)), format="rgb24")
        out.mux(stream.encode(made))
        out.mux(stream.encode(None))
    return str(path)


def write_model(path: Path, *, last: bool = False, channels: int = 3, logits: bool = False) -> str:
    """A real ONNX network of 96 x 96: what is much redder than green is the person."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    shape = [1, 96, 96, channels] if last else [1, channels, 96, 96]
    weights = np.zeros((1, channels, 1, 1), np.float32)
    weights[0, :2, 0, 0] = (60, -60)
    nodes = [helper.make_node("Transpose", ["rgb"], ["planar"], perm=[0, 3, 1, 2])] if last else []
    entry = "planar" if last else "rgb"
    nodes.append(helper.make_node("Conv", [entry, "weights", "bias"], ["odds"], kernel_shape=[1, 1]))
    nodes.append(helper.make_node("Identity" if logits else "Sigmoid", ["odds"], ["mask"]))
    graph = helper.make_graph(
        nodes,
        "reddish",
        [helper.make_tensor_value_info("rgb", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, 96, 96])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([-10], np.float32), "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    checker.check_model(model)
    save(model, str(path))
    return str(path)
