"""Finding faces in a photo, and cropping them as FER2013's faces were cropped.

The detector is MTCNN (Zhang et al. 2016, arXiv:1604.02878): three small networks, each of which looks at what the
one before let pass. Their weights travel inside the ``mtcnn`` package (MIT); the cascade around them is written
here, because the package's own takes three times as long and loses faces once ``min_face_size`` is above 20.
docs/face-detection.md holds the comparison with the other detectors and every measured number below.
"""

import math
from dataclasses import dataclass
from importlib import resources

import cv2
import numpy as np

from ..errors import CheckpointError, ImageError
from ..images import load_image

LONGEST_SIDE = 640  # pixels; larger photos are scaled down to it before the search
MIN_FACE = 20  # pixels of the scaled photo: faces smaller than 1/32 of a large photo's longer side are not sought
PYRAMID_STEP = 0.709  # about sqrt(1/2), as in the authors' code: each level has half the pixels of the one before
PROPOSAL_WINDOW, PROPOSAL_STRIDE = 12, 2  # pixels: what one output of the first network sees, and the step to the next
PROPOSAL_THRESHOLD, REFINEMENT_THRESHOLD = 0.6, 0.7  # those of the authors' code
FACE_THRESHOLD = 0.85  # measured: faces in our photos and clips score 0.92 and more, the best non-face 0.77

SMALL_PHOTO = 160  # pixels, shorter side: a photo this small is often a bare face crop
SMALL_PHOTO_MARGIN = 0.25  # of the shorter side, added around it, for the networks want to see around a face

# Beyond its left and right edge a photo goes on mirrored, so that half a face there becomes a whole one.
MIRRORED_MARGIN = 0.1  # of the shorter side: of 0.08 to 0.2 the one that finds most cut faces without a false box
LEAST_INSIDE = 0.4  # share of a box's width inside the photo; mirror images lie outside
SAME_CUT_FACE = 0.5  # overlap, within the photo, from which a box is of the same face: a cut one is easily boxed twice

Rectangle = tuple[float, float, float, float]  # left, top, width, height in pixels

# FER2013's frame is a square about the middle of MTCNN's box; this is its side over the mean of the box's width and
# height. The median over 1,500 FER2013 faces is 1.06; photos, cropped so that eyes and mouth lie as far apart as
# FER2013's, want 1.08. The eyes then lie at 38 %, the corners of the mouth at 78 % of the height (FER2013: 39, 79).
FER2013_FRAME = 1.07
LEVEL_FROM = 15.0  # degrees; beyond it a levelled crop is named right more often, below it makes no difference


@dataclass(frozen=True)
class FaceBox:
    """Where a face is, in pixels of the original photo; may reach past its edges when the face does."""

    x: int
    """Left edge; 0 is the photo's left edge."""
    y: int
    """Upper edge, about the hairline; 0 is the photo's upper edge."""
    width: int
    """From cheek to cheek, without the ears."""
    height: int
    """From hairline to chin."""
    score: float
    """Probability that it is a face, from 0.85 to 1."""
    roll: float = 0.0
    """By how many degrees the line of the eyes is turned clockwise, as the viewer sees it; 0 is level."""

    @property
    def rectangle(self) -> Rectangle:
        """Left edge, upper edge, width and height in pixels."""
        return self.x, self.y, self.width, self.height


class FaceDetector:
    """MTCNN with the weights of the ``mtcnn`` package.

    Examples
    --------
    >>> image = load_image("photo.jpg")
    >>> faces = FaceDetector().detect(image)  # largest first
    >>> crop = crop_face(image, faces[0])  # uint8 [48, 48]

    Raises
    ------
    CheckpointError
        When the package's weight files are missing or unreadable.
    """

    def __init__(self) -> None:
        from mtcnn.network.onet import ONet
        from mtcnn.network.pnet import PNet
        from mtcnn.network.rnet import RNet

        self._propose = _compiled(PNet(), "pnet.lz4", (1, None, None, 3))
        self._refine = _compiled(RNet(), "rnet.lz4", (None, 24, 24, 3))
        self._output = _compiled(ONet(), "onet.lz4", (None, 48, 48, 3))

    def detect(self, image: np.ndarray) -> list[FaceBox]:
        """Find the faces in a photo.

        Parameters
        ----------
        image
            uint8 RGB [H, W, 3] or grey [H, W], of any size.

        Returns
        -------
        list of FaceBox
            The faces, the largest first; empty when there is none.

        Raises
        ------
        ImageError
            When ``image`` is an array of another type or shape.
        """
        boxes, scores, landmarks = self.find(load_image(image))
        across, down = (landmarks[:, 1] - landmarks[:, 0]).T  # from eye to eye
        rolls = np.degrees(np.arctan2(down, across))
        faces = [
            FaceBox(round(left), round(top), round(right - left), round(bottom - top), score, roll)
            for (left, top, right, bottom), score, roll in zip(
                boxes.tolist(), scores.tolist(), rolls.tolist(), strict=True
            )
        ]
        return sorted(faces, key=lambda face: face.width * face.height, reverse=True)

    def find(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The cascade's own result for a uint8 RGB photo [H, W, 3], in pixels of that photo.

        Returns
        -------
        boxes, scores, landmarks
            float [n, 4] (left, top, right, bottom), float [n], and float [n, 5, 2]: x and y of left eye, right eye,
            nose, left and right corner of the mouth, as the viewer sees them.
        """
        width, small = image.shape[1], min(image.shape[:2]) <= SMALL_PHOTO
        shrink = min(1.0, LONGEST_SIDE / max(image.shape[:2]))
        if shrink < 1.0:
            size = [max(1, round(side * shrink)) for side in image.shape[1::-1]]
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        image, margin = _framed(image) if small else _mirrored(image)
        boxes, scores, landmarks = self._cascade(image)
        boxes = (boxes - np.tile(margin, 2)) / shrink
        kept = _inside(boxes, width)
        return boxes[kept], scores[kept], (landmarks[kept] - margin) / shrink

    def _cascade(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        boxes = self._proposals(image)
        if len(boxes):
            offsets, probabilities = self._refine(_patches(image, boxes, 24))
            boxes, scores, _ = _keep(boxes, offsets.numpy(), probabilities.numpy()[:, 1], REFINEMENT_THRESHOLD)
            boxes = _squares(boxes[_suppress(boxes, scores, 0.7)])
        if not len(boxes):
            return np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2))
        offsets, points, probabilities = self._both_ways(_patches(image, boxes, 48))
        landmarks = boxes[:, None, :2] + points * (boxes[:, None, 2:] - boxes[:, None, :2])
        boxes, scores, kept = _keep(boxes, offsets, probabilities, FACE_THRESHOLD)
        final = _suppress(boxes, scores, 0.7, of_smaller=True)
        return boxes[final], scores[final], landmarks[kept][final]

    def _both_ways(self, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The last network's mean over each patch and its mirror image: offsets [n, 4], points [n, 5, 2], scores [n].

        By itself it sets boxes 4 % of their width too far left, and off-centre crops are not what FER2013 holds.
        """
        count = len(patches)
        results = self._output(np.concatenate([patches, patches[:, :, ::-1]]))
        offsets, points, probabilities = (result.numpy() for result in results)
        points = points.reshape(-1, 2, 5).transpose(0, 2, 1)  # five x, then five y, as fractions of the box
        # Mirrored back: left and right change places, so do the eyes and the corners of the mouth.
        offsets[count:] = offsets[count:, [2, 1, 0, 3]] * [-1, 1, -1, 1]
        points[count:] = points[count:, [1, 0, 2, 4, 3]] * [-1, 1] + [1, 0]
        return tuple((array[:count] + array[count:]) / 2 for array in (offsets, points, probabilities[:, 1]))

    def _proposals(self, image: np.ndarray) -> np.ndarray:
        """Square boxes [n, 4] in which the first network, run over a pyramid of the photo, suspects a face."""
        height, width = image.shape[:2]
        scale, level = PROPOSAL_WINDOW / MIN_FACE, image
        boxes, scores = [np.empty((0, 4))], [np.empty(0)]
        while min(height, width) * scale >= PROPOSAL_WINDOW:
            size = (round(width * scale), round(height * scale))
            level = cv2.resize(level, size, interpolation=cv2.INTER_AREA)  # from the level before: far fewer pixels
            offsets, probabilities = self._propose(_normalised(level)[np.newaxis])
            probabilities = probabilities.numpy()[0, :, :, 1]
            rows, columns = np.nonzero(probabilities >= PROPOSAL_THRESHOLD)
            corners = np.stack([columns, rows, columns, rows], axis=1) * float(PROPOSAL_STRIDE)
            corners[:, 2:] += PROPOSAL_WINDOW
            found = (corners + offsets.numpy()[0, rows, columns] * PROPOSAL_WINDOW) / scale
            kept = _suppress(found, probabilities[rows, columns], 0.5)
            boxes.append(found[kept])
            scores.append(probabilities[rows, columns][kept])
            scale *= PYRAMID_STEP
        boxes, scores = np.concatenate(boxes), np.concatenate(scores)
        return _squares(boxes[_suppress(boxes, scores, 0.7)])


def crop_face(image: np.ndarray, box: FaceBox, size: int = 48) -> np.ndarray:
    """Crop a face as FER2013 was cropped: eyes at 38 %, mouth at 78 % of the height, chin just inside.

    A head tilted by more than 15° is turned about the middle of its box until the eyes lie level.

    Parameters
    ----------
    image
        uint8 RGB [H, W, 3] or grey [H, W], the photo in which the box was found.
    box
        A face of :meth:`FaceDetector.detect`. Where its frame leaves the photo at a side, the photo is mirrored,
        which gives half a face its other half; above and below, the edge is repeated.
    size
        Side of the result, in pixels.

    Returns
    -------
    numpy.ndarray
        uint8 grey [size, size].

    Raises
    ------
    ImageError
        When the box is empty or lies outside the photo.
    """
    height, width = image.shape[:2]
    frame = max(1, round(FER2013_FRAME * (box.width + box.height) / 2))
    tilted = abs(box.roll) > LEVEL_FROM
    side = math.ceil(frame * math.sqrt(2)) if tilted else frame  # room for the corners of the turned square
    left = round(box.x + box.width / 2 - side / 2)
    top = round(box.y + box.height / 2 - side / 2)
    inside = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    if box.width <= 0 or box.height <= 0 or inside.size == 0:
        raise ImageError(f"{box} is empty or outside the photo of {width} × {height} pixels: use a box found in it.")
    grey = cv2.cvtColor(inside, cv2.COLOR_RGB2GRAY) if inside.ndim == 3 else inside
    beyond = max(-top, 0), max(top + side - height, 0), max(-left, 0), max(left + side - width, 0)
    grey = cv2.copyMakeBorder(grey, *beyond[:2], 0, 0, cv2.BORDER_REPLICATE)
    grey = cv2.copyMakeBorder(grey, 0, 0, *beyond[2:], cv2.BORDER_REFLECT)
    if tilted:
        grey = _levelled(grey, box.roll, frame)
    return cv2.resize(grey, (size, size), interpolation=cv2.INTER_AREA if frame > size else cv2.INTER_CUBIC)


def _levelled(grey: np.ndarray, roll: float, side: int) -> np.ndarray:
    """The middle of a grey square [n, n], turned back by ``roll`` degrees: uint8 [side, side]."""
    middle = (len(grey) - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), roll, 1.0)
    turn[:, 2] += (side - 1) / 2 - middle
    return cv2.warpAffine(grey, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)


def intersection_over_union(a: Rectangle, b: Rectangle) -> float:
    """Shared area of two boxes as a share of the area they cover together, from 0 to 1."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def _compiled(network, weights: str, shape: tuple[int | None, ...]):
    """The network with its weights as one graph: a call costs a third of what it costs layer by layer."""
    import joblib
    import tensorflow as tf

    network.build()
    # Not by mtcnn's own loader: that one unpickles a file of this name from the working folder first.
    path = resources.files("mtcnn") / "assets" / "weights" / weights
    try:
        network.set_weights(joblib.load(path))
    except Exception as error:  # missing, truncated, altered: joblib and lz4 raise many types
        raise CheckpointError(f"{path} cannot be read ({error}): reinstall it with `pip install mtcnn`.") from None
    return tf.function(network.call, input_signature=[tf.TensorSpec(shape, tf.float32)])


def _normalised(pixels: np.ndarray) -> np.ndarray:
    """uint8 0 to 255 → float32 about -1 to 1, as MTCNN was trained."""
    return (pixels.astype(np.float32) - 127.5) / 128.0


def _patches(image: np.ndarray, boxes: np.ndarray, size: int) -> np.ndarray:
    """The photo inside each square box, float32 [n, size, size, 3]; mid grey where a box leaves the photo."""
    height, width = image.shape[:2]
    patches = np.full((len(boxes), size, size, 3), 127, np.uint8)
    for patch, (left, top, right, bottom) in zip(patches, np.rint(boxes).astype(int), strict=True):
        inside = image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        if inside.size == 0:
            continue
        beyond = max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)
        inside = cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_CONSTANT, value=(127, 127, 127))
        patch[:] = cv2.resize(inside, (size, size), interpolation=cv2.INTER_AREA)
    return _normalised(patches)


def _keep(
    boxes: np.ndarray, offsets: np.ndarray, scores: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes moved by the network's offsets (fractions of their sides), their scores, and which passed the threshold."""
    kept = np.nonzero(scores >= threshold)[0]
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return (boxes + offsets * sides)[kept], scores[kept], kept


def _squares(boxes: np.ndarray) -> np.ndarray:
    """Each box widened to a square about its middle."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def _framed(image: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """A small photo with its edge repeated around it, and how wide the frame is (x, y)."""
    margin = math.ceil(SMALL_PHOTO_MARGIN * min(image.shape[:2]))
    return cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REPLICATE), (margin, margin)


def _mirrored(image: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """A photo that goes on mirrored at its left and right edges, and how far (x, y)."""
    margin = round(MIRRORED_MARGIN * min(image.shape[:2]))
    return cv2.copyMakeBorder(image, 0, 0, margin, margin, cv2.BORDER_REFLECT), (margin, 0)


def _inside(boxes: np.ndarray, width: int) -> np.ndarray:
    """Indices of the boxes that lie in a photo so wide, those of mirror images and doubles of cut faces left out."""
    visible = boxes.copy()
    visible[:, [0, 2]] = np.clip(visible[:, [0, 2]], 0, width)
    share = (visible[:, 2] - visible[:, 0]) / (boxes[:, 2] - boxes[:, 0])
    candidates = np.nonzero(share >= LEAST_INSIDE)[0]
    return candidates[_suppress(visible[candidates], share[candidates], SAME_CUT_FACE, of_smaller=True)]


def _suppress(boxes: np.ndarray, scores: np.ndarray, threshold: float, of_smaller: bool = False) -> np.ndarray:
    """Indices of the boxes that no better box overlaps by more than ``threshold``, best first.

    The overlap is a share of the union of both boxes, or with ``of_smaller`` of the smaller box.
    """
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        corner = np.minimum(boxes[best, 2:], boxes[rest, 2:]) - np.maximum(boxes[best, :2], boxes[rest, :2])
        shared = np.prod(np.maximum(corner, 0), axis=1)
        whole = np.minimum(areas[best], areas[rest]) if of_smaller else areas[best] + areas[rest] - shared
        order = rest[shared <= threshold * whole]
    return np.array(kept, dtype=int)
