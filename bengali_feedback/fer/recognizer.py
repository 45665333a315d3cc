"""``FaceEmotionRecognizer``: faces in a photo, and seven emotion probabilities for each."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..checkpoints import checkpoint
from ..emotion import EMOTIONS, Emotion
from ..errors import CheckpointError
from ..images import ImageSource, load_image
from .dataset import network_input, temper, ten_views
from .detector import FaceBox, FaceDetector, crop_face
from .stream import FaceTracker, TrackedFace

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
    certain: bool
    """Whether the highest probability reaches the recognizer's ``threshold``; if not, the emotion is a guess."""


class FaceEmotionRecognizer:
    """Finds faces (MTCNN) and recognises their emotion (the custom CNN of seed 000 §III.A).

    ``threshold`` is the probability from which an emotion counts as certain. The shipped one was chosen so that five
    of six certain faces of FER2013's PublicTest are named as its labels have it; set another at any time.

    Examples
    --------
    >>> recognizer = FaceEmotionRecognizer.load()
    >>> [face.emotion for face in recognizer.recognize("photo.jpg")]  # largest face first
    [<Emotion.HAPPY: 'happy'>]
    """

    def __init__(self, network, temperature: float, threshold: float):
        import tensorflow as tf

        self.network, self.threshold = network, threshold
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
            values = json.loads(settings.read_text(encoding="utf-8"))
            temperature, threshold = float(values["temperature"]), float(values["threshold"])
            network = keras.saving.load_model(weights, compile=False)
        except Exception as error:  # the zip, JSON and HDF5 readers raise nearly anything on a damaged file
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise CheckpointError(
                f"cannot read {weights} and {settings.name} beside it ({reason}): train them with "
                "`bengali-feedback train fer`."
            ) from None
        return cls(network, temperature, threshold)

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
            Face(
                box,
                EMOTIONS[int(row.argmax())],
                dict(zip(EMOTIONS, map(float, row), strict=True)),
                bool(row.max() >= self.threshold),
            )
            for box, row in zip(boxes, probabilities, strict=True)
        ]

    def stream(self, frames: Iterable[tuple[float, ImageSource]]) -> Iterator[tuple[float, list[TrackedFace]]]:
        """Faces over time, followed and smoothed (:mod:`.stream`): ``(seconds, faces)`` for each frame, as it comes.

        Parameters
        ----------
        frames
            ``(seconds, frame)`` in the order of time, each frame as for :meth:`recognize`; for a camera or a video
            take :func:`~.stream.video_frames`.

        Raises
        ------
        ImageError
            When a frame cannot be read.
        """
        tracker = FaceTracker(self.threshold)
        for seconds, frame in frames:
            yield seconds, tracker.update(seconds, self.recognize(frame))

    def probabilities(self, faces: np.ndarray, augmented: bool = False) -> np.ndarray:
        """Calibrated probabilities float32 [n, 7] of grey face crops uint8 [n, 48, 48].

        With ``augmented`` the mean over ten views of each face (:func:`~.dataset.ten_views`): a little more
        right, ten times slower.
        """
        views = ten_views(faces) if augmented else faces[np.newaxis]
        softmax = np.mean([self._predict(network_input(view)).numpy() for view in views], axis=0)
        return temper(softmax, self._temperature)
