"""FER2013: reading Kaggle's ``fer2013.csv`` and FER+'s votes, dropping leaked copies, augmentation.

FER2013 (Goodfellow et al. 2013, arXiv:1307.0414) holds 35,887 grey 48×48 faces in three splits:
Training (28,709), PublicTest (3,589; we choose everything on it) and PrivateTest (3,589; scored once).
FER+ (Barsoum et al. 2016, arXiv:1608.01041) has the votes of ten people on the same faces, row by row.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError

SIDE = 48  # pixels, FER2013's faces are SIDE × SIDE
NOISE = 0.12  # largest standard deviation of the noise in training; the range is -1 to 1, so 15 of 255 grey values
VIEW_SHIFT = 3  # pixels; custom_cnn on PublicTest: 1 gives 68.3 %, 2 67.6, 3 68.0, 4 67.4, 5 67.8; without views 67.6
SPLITS = ("Training", "PublicTest", "PrivateTest")
FERPLUS_CLASSES = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip


@dataclass(frozen=True)
class Faces:
    """One split of FER2013."""

    images: np.ndarray
    """uint8 [n, 48, 48]."""
    labels: np.ndarray
    """int64 [n], codes 0 (angry) to 6 (neutral)."""
    votes: np.ndarray | None = None
    """FER+: share of the votes for each of ``FERPLUS_CLASSES``, float32 [n, 10]; a row of zeros where there is none."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows) -> "Faces":
        """The faces that a slice, a mask or an index array chooses."""
        return Faces(self.images[rows], self.labels[rows], None if self.votes is None else self.votes[rows])


def read_fer2013(path: Path, ferplus: Path | None = None) -> dict[str, Faces]:
    """Read Kaggle's ``fer2013.csv`` (columns ``emotion,pixels,Usage``).

    Parameters
    ----------
    path
        The CSV file.
    ferplus
        FER+'s ``fer2013new.csv``, whose rows are those of ``path``; without it ``votes`` are None.

    Returns
    -------
    dict
        ``{"Training": Faces, "PublicTest": Faces, "PrivateTest": Faces}``, rows in file order.

    Raises
    ------
    DataError
        When the file is missing, has other columns, or a row does not hold 48 × 48 grey values; the
        message names the file and the line; or when ``ferplus`` is not of the same faces.
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
    votes = {split: None for split in SPLITS} if ferplus is None else _read_ferplus(ferplus)
    for split in SPLITS:
        if votes[split] is not None and len(votes[split]) != len(labels[split]):
            raise DataError(
                f"{ferplus} has {len(votes[split])} rows of {split} and {path} has {len(labels[split])}: "
                "give the fer2013new.csv that belongs to it."
            )
    return {split: Faces(np.stack(images[split]), np.array(labels[split]), votes[split]) for split in SPLITS}


def _read_ferplus(path: Path) -> dict[str, np.ndarray]:
    """Shares of the votes by split, each float32 [n, 10]; zeros where FER+ names no picture."""
    votes: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            rows = csv.DictReader(file)
            if rows.fieldnames is None or not {"Usage", "Image name", *FERPLUS_CLASSES} <= set(rows.fieldnames):
                raise DataError(f"{path}, line 1: the columns must be those of FER+'s fer2013new.csv.")
            for row in rows:
                try:
                    counts = np.array([float(row[name]) for name in FERPLUS_CLASSES], dtype=np.float32)
                    votes[row["Usage"]].append(counts / max(counts.sum(), 1.0) * bool(row["Image name"]))
                except (KeyError, TypeError, ValueError):
                    line = rows.line_num
                    raise DataError(f"{path}, line {line}: expected a Usage and ten counts of votes.") from None
    except (OSError, csv.Error) as error:
        raise DataError(f"cannot read {path} ({error}): give the path of FER+'s fer2013new.csv.") from None
    return {split: np.array(rows, dtype=np.float32).reshape(-1, len(FERPLUS_CLASSES)) for split, rows in votes.items()}


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
    return faces[np.array(keep, dtype=bool)]


def network_input(images: np.ndarray) -> np.ndarray:
    """uint8 [n, 48, 48] → float32 [n, 48, 48, 1] in [-1, 1] (seed 000 §III.A)."""
    return images[..., np.newaxis].astype(np.float32) / 127.5 - 1.0


def temper(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """``softmax(log(p) / temperature)`` of float [n, 7] (Guo et al. 2017, arXiv:1706.04599); rows add up to 1."""
    tempered = np.maximum(probabilities, 1e-8) ** (1.0 / temperature)
    return tempered / tempered.sum(axis=1, keepdims=True)


def ten_views(images: np.ndarray) -> np.ndarray:
    """Ten views of each face to average over: itself and its four shifts by ``VIEW_SHIFT`` in both axes, mirrored too.

    uint8 [n, 48, 48] → uint8 [10, n, 48, 48]; the edge is repeated where a shift uncovers it.
    """
    margin = VIEW_SHIFT
    wide = np.pad(images, ((0, 0), (margin, margin), (margin, margin)), mode="edge")
    corners = [(margin, margin), (0, 0), (0, 2 * margin), (2 * margin, 0), (2 * margin, 2 * margin)]
    views = [wide[:, y : y + SIDE, x : x + SIDE] for y, x in corners]
    return np.stack([*views, *(view[:, :, ::-1] for view in views)])


def training_batches(
    faces: Faces, batch_size: int, seed: int, augmented: bool = True, erasing: float = 0.0, mixup: float = 0.0
):
    """One shuffled pass as ``tf.data``: (float32 [b, 48, 48, 1] in [-1, 1], targets).

    Targets are float32 [b, 7], the emotion one-hot, or with FER+ votes a dictionary ``emotion`` [b, 7] and
    ``ferplus`` [b, 10]. Every pass draws anew; ``seed`` alone decides what.

    Parameters
    ----------
    augmented
        Augmentation as in seed 004 §5.1: rotation ±12°, shift ±10 %, zoom ±12 %, shear ±0.1, horizontal flip; and a
        contrast and brightness jitter and noise, since webcams see worse than FER2013's cameras.
    erasing
        Probability that a rectangle of the face is covered (Zhong et al. 2017, arXiv:1708.04896).
    mixup
        Parameter of the beta distribution by which pairs of faces and their targets are mixed (Zhang et al. 2017,
        arXiv:1710.09412); 0 mixes none.
    """
    import tensorflow as tf

    targets = {"emotion": np.eye(7, dtype=np.float32)[faces.labels]}
    if faces.votes is not None:
        targets["ferplus"] = faces.votes
    data = tf.data.Dataset.from_tensor_slices((faces.images[..., np.newaxis], targets))
    data = data.shuffle(len(faces), seed=seed).batch(batch_size, drop_remainder=len(faces) > batch_size)
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)

    def prepare(batch, seed):
        images, targets = tf.cast(batch[0], tf.float32) / 127.5 - 1.0, batch[1]
        if augmented:
            images = augment(images, seed)
        if erasing:
            images = erase(images, erasing, seed + 1)
        if mixup:
            images, targets = mix(images, targets, mixup, seed + 2)
        return images, targets if "ferplus" in targets else targets["emotion"]

    return tf.data.Dataset.zip((data, seeds)).map(prepare, num_parallel_calls=1).prefetch(2)


def augment(images, seed):
    """Randomly flip, rotate, zoom, shear, shift and re-expose a batch of faces, and add a sensor's noise.

    ``images`` float32 [b, 48, 48, 1] in [-1, 1]; ``seed`` two integers. Returns the same shape and range.
    """
    import tensorflow as tf

    batch = tf.shape(images)[0]
    draws = iter(tf.unstack(tf.random.stateless_uniform([10, batch], seed)))

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
    deviation = tf.maximum(uniform(-NOISE, NOISE), 0.0)  # none in half of the faces
    images += deviation[:, None, None, None] * tf.random.stateless_normal(tf.shape(images), tf.add(seed, 3))
    return tf.clip_by_value(images, -1.0, 1.0)


def erase(images, probability: float, seed):
    """Cover a rectangle of 2 to 30 % of the area with one random grey, in a share of the faces.

    ``images`` float32 [b, 48, 48, 1] in [-1, 1]; ``seed`` two integers. Returns the same shape and range.
    """
    import tensorflow as tf

    chance, area, ratio, x, y, grey = tf.unstack(tf.random.stateless_uniform([6, tf.shape(images)[0], 1], seed))
    area, ratio = 0.02 + 0.28 * area, tf.exp((2.0 * ratio - 1.0) * np.log(3.0))  # height over width 1/3 to 3
    height, width = SIDE * tf.sqrt(area * ratio), SIDE * tf.sqrt(area / ratio)
    place = tf.range(SIDE, dtype=tf.float32)[tf.newaxis]
    rows = tf.abs(place - x * (SIDE - 1)) < height / 2  # bool [b, 48]
    columns = tf.abs(place - y * (SIDE - 1)) < width / 2
    covered = rows[:, :, tf.newaxis] & columns[:, tf.newaxis] & (chance < probability)[:, tf.newaxis]
    return tf.where(covered[..., tf.newaxis], 2.0 * grey[:, tf.newaxis, tf.newaxis] - 1.0, images)


def mix(images, targets: dict, alpha: float, seed):
    """Mixup: each face becomes ``λ`` of itself and ``1 - λ`` of another of its batch, its targets likewise.

    ``λ`` is drawn from Beta(``alpha``, ``alpha``) and is at least a half, so that a face keeps its own character.
    """
    import tensorflow as tf

    gammas = tf.random.stateless_gamma([2, tf.shape(images)[0]], seed, alpha=alpha)
    share = gammas[0] / tf.maximum(tf.reduce_sum(gammas, axis=0), 1e-12)
    share = tf.maximum(share, 1.0 - share)[:, tf.newaxis]

    def mixed(values, share):
        return share * values + (1.0 - share) * tf.reverse(values, axis=[0])

    return mixed(images, share[..., tf.newaxis, tf.newaxis]), {name: mixed(t, share) for name, t in targets.items()}
