"""``FaceEmotionRecognizer``: faces in a photo, and seven emotion probabilities for each."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..checkpoints import checkpoint
from ..emotion import EMOTIONS, Emotion
from ..errors import CheckpointError
from ..images import load_image
from .dataset import network_input
from .detector import FaceBox, FaceDetector, crop_face

NETWORK = "custom_cnn"


@dataclass(frozen=True)
class Face:
    """One face and what its expression looks like."""

    box: FaceBox
    """Where it is, in pixels of the photo."""
    emotion: Emotion
    """The most probable emotion."""
    probabilities: dict[Emotion, float]
    """Calibrated probability of each emotion, in the order of ``EMOTIONS``; they add up to 1."""


class FaceEmotionRecognizer:
    """Finds faces (MTCNN) and recognises their emotion (the custom CNN of seed 000 §III.A).

    Examples
    --------
    >>> recognizer = FaceEmotionRecognizer.load()
    >>> [face.emotion for face in recognizer.recognize("photo.jpg")]  # largest face first
    [<Emotion.HAPPY: 'happy'>]
    """

    def __init__(self, network, temperature: float):
        import tensorflow as tf

        self._detector = FaceDetector()
        self._temperature = temperature
        signature = [tf.TensorSpec([None, 48, 48, 1], tf.float32)]
        self._predict = tf.function(lambda x: network(x, training=False), input_signature=signature)

    @classmethod
    def load(cls, path: Path | str | None = None) -> "FaceEmotionRecognizer":
        """Load a trained network: a ``.keras`` file with its ``.json`` beside it, or the shipped, verified one.

        Raises
        ------
        CheckpointError
            When a file is missing, altered or unreadable.
        """
        if path is None:
            weights, settings = checkpoint(f"fer/{NETWORK}.keras"), checkpoint(f"fer/{NETWORK}.json")
        else:
            weights, settings = Path(path), Path(path).with_suffix(".json")
        import keras

        try:
            temperature = float(json.loads(settings.read_text(encoding="utf-8"))["temperature"])
            network = keras.saving.load_model(weights, compile=False)
        except Exception as error:  # the zip, JSON and HDF5 readers raise nearly anything on a damaged file
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise CheckpointError(
                f"cannot read {weights} and {settings.name} beside it ({reason}): train them with "
                "`bengali-feedback train fer`."
            ) from None
        return cls(network, temperature)

    def recognize(self, photo) -> list[Face]:
        """Faces of a photo, the largest first; empty when there is none.

        Parameters
        ----------
        photo
            Path, bytes, ``PIL.Image`` or uint8 RGB array [H, W, 3].

        Raises
        ------
        ImageError
            When the photo cannot be read.
        """
        image = load_image(photo)
        boxes = self._detector.detect(image)
        if not boxes:
            return []
        probabilities = self.probabilities(np.stack([crop_face(image, box) for box in boxes]))
        return [
            Face(box, EMOTIONS[int(row.argmax())], dict(zip(EMOTIONS, map(float, row), strict=True)))
            for box, row in zip(boxes, probabilities, strict=True)
        ]

    def probabilities(self, faces: np.ndarray) -> np.ndarray:
        """Calibrated probabilities float32 [n, 7] of grey face crops uint8 [n, 48, 48]."""
        softmax = self._predict(network_input(faces)).numpy()
        tempered = np.maximum(softmax, 1e-8) ** (1.0 / self._temperature)
        return tempered / tempered.sum(axis=1, keepdims=True)
