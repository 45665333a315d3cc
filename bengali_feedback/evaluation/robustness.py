"""Worse faces: what webcams, bad light and hands before the mouth do to FER2013's faces."""

from collections.abc import Callable

import cv2
import numpy as np

MIDDLE = (23.5, 23.5)  # of a face of 48 × 48 pixels


def _each(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Callable:
    """A function over uint8 [n, 48, 48] that changes face by face with a generator of fixed seed."""

    def changed(faces: np.ndarray) -> np.ndarray:
        random = np.random.default_rng(0)
        return np.stack([change(face, random) for face in faces])

    return changed


def _noise(face: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return np.clip(face + random.normal(0, 10, face.shape), 0, 255).astype(np.uint8)


def _jpeg(face: np.ndarray, random: np.random.Generator) -> np.ndarray:
    encoded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)


def _occlusion(face: np.ndarray, random: np.random.Generator) -> np.ndarray:
    side = face.shape[0] // 2  # half the side: a quarter of the area
    x, y = random.integers(0, side + 1, 2)
    covered = face.copy()
    covered[y : y + side, x : x + side] = 127
    return covered


def _rotation(degrees: float) -> Callable:
    matrix = cv2.getRotationMatrix2D(MIDDLE, degrees, 1.0)
    return _each(lambda face, _: cv2.warpAffine(face, matrix, face.shape, borderMode=cv2.BORDER_REPLICATE))


def _brightness(factor: float) -> Callable:
    return lambda faces: np.clip(faces * factor, 0, 255).round().astype(np.uint8)


CORRUPTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "blur (Gaussian, σ 1 px)": _each(lambda face, _: cv2.GaussianBlur(face, (0, 0), 1.0)),
    "noise (Gaussian, σ 10 of 255)": _each(_noise),
    "JPEG, quality 30": _each(_jpeg),
    "brightness −40 %": _brightness(0.6),
    "brightness +40 %": _brightness(1.4),
    "occlusion, 25 % of the area": _each(_occlusion),
    "rotation −15°": _rotation(-15),
    "rotation +15°": _rotation(15),
}
"""Name → function from uint8 [n, 48, 48] to the same; random places and noise have a fixed seed."""


def evaluate_robustness(predict: Callable[[np.ndarray], np.ndarray], faces: np.ndarray, labels: np.ndarray) -> dict:
    """Accuracy under each of :data:`CORRUPTIONS`.

    Parameters
    ----------
    predict
        From uint8 [n, 48, 48] to probabilities [n, 7].
    faces, labels
        uint8 [n, 48, 48] and int [n].

    Returns
    -------
    dict
        By name: ``accuracy``, and ``kept``, its share of the accuracy on the faces as they are.
    """
    clean = float((predict(faces).argmax(axis=1) == labels).mean())
    result = {}
    for name, corrupt in CORRUPTIONS.items():
        accuracy = float((predict(corrupt(faces)).argmax(axis=1) == labels).mean())
        result[name] = {"accuracy": accuracy, "kept": accuracy / clean if clean else 0.0}
    return result
