"""FER2013: reading Kaggle's ``fer2013.csv``, dropping leaked copies, augmentation.

FER2013 (Goodfellow et al. 2013, arXiv:1307.0414) holds 35,887 grey 48×48 faces in three splits:
Training (28,709), PublicTest (3,589; we choose everything on it) and PrivateTest (3,589; scored once).
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError

SIDE = 48  # pixels, FER2013's faces are SIDE × SIDE
SPLITS = ("Training", "PublicTest", "PrivateTest")


@dataclass(frozen=True)
class Faces:
    """One split: ``images`` uint8 [n, 48, 48] and ``labels`` int64 [n], codes 0 (angry) to 6 (neutral)."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def read_fer2013(path: Path) -> dict[str, Faces]:
    """Read Kaggle's ``fer2013.csv`` (columns ``emotion,pixels,Usage``).

    Returns
    -------
    dict
        ``{"Training": Faces, "PublicTest": Faces, "PrivateTest": Faces}``, rows in file order.

    Raises
    ------
    DataError
        When the file is missing, has other columns, or a row does not hold 48 × 48 grey values; the
        message names the file and the line.
    """
    images: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    labels: dict[str, list[int]] = {split: [] for split in SPLITS}
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:  # a wrong byte fails in its own row
            rows = csv.DictReader(file)
            if rows.fieldnames is None or not {"emotion", "pixels", "Usage"} <= set(rows.fieldnames):
                raise DataError(f"{path}, line 1: the columns must be emotion,pixels,Usage as in Kaggle's fer2013.csv.")
            for row in rows:
                label, image = _parse(row, path, rows.line_num)
                images[row["Usage"]].append(image)
                labels[row["Usage"]].append(label)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; give the path of Kaggle's fer2013.csv.") from None
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.reader.line_num}: {error}; give the complete fer2013.csv.") from None
    for split in SPLITS:
        if not images[split]:
            raise DataError(f"{path} has no row with Usage {split}; give the complete fer2013.csv.")
    return {split: Faces(np.stack(images[split]), np.array(labels[split])) for split in SPLITS}


def _parse(row: dict[str, str], path: Path, line: int) -> tuple[int, np.ndarray]:
    if row["Usage"] not in SPLITS:
        raise DataError(f"{path}, line {line}: Usage is {row['Usage']!r} but must be one of {', '.join(SPLITS)}.")
    if row["emotion"] not in {"0", "1", "2", "3", "4", "5", "6"}:
        raise DataError(f"{path}, line {line}: emotion is {row['emotion']!r} but must be a code from 0 to 6.")
    try:
        pixels = np.array((row["pixels"] or "").split(), dtype=np.uint8)
    except (ValueError, OverflowError):
        raise DataError(f"{path}, line {line}: pixels must be numbers from 0 to 255.") from None
    if pixels.size != SIDE * SIDE:
        raise DataError(f"{path}, line {line}: {pixels.size} pixels instead of {SIDE * SIDE}.")
    return int(row["emotion"]), pixels.reshape(SIDE, SIDE)


def without_copies(faces: Faces, of: list[Faces]) -> Faces:
    """``faces`` without blank images and without those whose pixels stand in one of the splits ``of`` too.

    FER2013 leaks: 288 PrivateTest and 280 PublicTest faces have a pixel-identical copy in Training.
    """
    known = {image.tobytes() for split in of for image in split.images}
    keep = [image.min() != image.max() and image.tobytes() not in known for image in faces.images]
    return Faces(faces.images[keep], faces.labels[keep])


def network_input(images: np.ndarray) -> np.ndarray:
    """uint8 [n, 48, 48] → float32 [n, 48, 48, 1] in [-1, 1] (seed 000 §III.A)."""
    return images[..., np.newaxis].astype(np.float32) / 127.5 - 1.0


def training_batches(faces: Faces, batch_size: int, seed: int):
    """One shuffled, augmented pass as ``tf.data``: (float32 [b, 48, 48, 1] in [-1, 1], one-hot float32 [b, 7]).

    Augmentation as in seed 004 §5.1: rotation ±12°, shift ±10 %, zoom ±12 %, shear ±0.1, horizontal flip; and a
    contrast and brightness jitter, since webcams expose worse than FER2013's photos. Every pass draws anew; ``seed``
    alone decides what.
    """
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((network_input(faces.images), np.eye(7, dtype=np.float32)[faces.labels]))
    data = data.shuffle(len(faces), seed=seed).batch(batch_size, drop_remainder=len(faces) > batch_size)
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
    data = tf.data.Dataset.zip((data, seeds))
    return data.map(lambda pair, seed: (augment(pair[0], seed), pair[1]), num_parallel_calls=1).prefetch(2)


def augment(images, seed):
    """Randomly flip, rotate, zoom, shear, shift and re-expose a batch of faces.

    ``images`` float32 [b, 48, 48, 1] in [-1, 1]; ``seed`` two integers. Returns the same shape and range.
    """
    import tensorflow as tf

    batch = tf.shape(images)[0]
    draws = iter(tf.unstack(tf.random.stateless_uniform([9, batch], seed)))

    def uniform(low: float, high: float):
        return low + (high - low) * next(draws)

    angle, shear = uniform(-0.21, 0.21), uniform(-0.1, 0.1)  # radians (±12°), pixels a pixel
    zoom_x, zoom_y = uniform(0.88, 1.12), uniform(0.88, 1.12)
    zoom_x *= tf.sign(uniform(-1.0, 1.0))  # a negative zoom mirrors the face
    a, b = zoom_x * tf.cos(angle), zoom_y * (shear - tf.sin(angle))
    c, d = zoom_x * tf.sin(angle), zoom_y * tf.cos(angle)
    centre = (SIDE - 1) / 2
    shift_x = uniform(-0.1 * SIDE, 0.1 * SIDE) + centre - a * centre - b * centre
    shift_y = uniform(-0.1 * SIDE, 0.1 * SIDE) + centre - c * centre - d * centre
    zero = tf.zeros([batch])
    images = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, shift_x, c, d, shift_y, zero, zero], axis=1),
        output_shape=[SIDE, SIDE],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
    contrast, brightness = uniform(0.7, 1.3), uniform(-0.25, 0.25)
    images = images * contrast[:, None, None, None] + brightness[:, None, None, None]
    return tf.clip_by_value(images, -1.0, 1.0)
