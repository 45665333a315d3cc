"""Face detectors compared: faces found, false boxes and milliseconds, on photos whose faces were boxed by eye.

The photos themselves are not part of the repository; docs/face-detection.md names them, their sources and licences.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..fer.dataset import SIDE, read_fer2013
from ..fer.detector import FaceDetector, Rectangle, crop_face, intersection_over_union
from ..images import load_image
from .timing import cores

Detect = Callable[[np.ndarray], list[Rectangle]]

# Boxed by eye on an enlarged photo under a 10-pixel grid, before any detector had run: hairline to chin, cheek to
# cheek without the ears, only what is visible of a face that the photo's edge cuts.
FACES: dict[str, list[Rectangle]] = {
    "ibm_max_bryan_cc0.png": [(37, 22, 36, 55)],
    "ibm_max_luciano_cc0.png": [(138, 48, 130, 177)],
    "intel_ccby4_asl_again.png": [(291, 71, 64, 87)],  # and a skull printed on the shirt, which is no face
    "intel_ccby4_asl_bird.png": [(274, 52, 64, 80), (592, 108, 48, 152)],  # a fist before the mouth; cut in half
    "intel_ccby4_asl_book.png": [(275, 98, 54, 78)],
    "intel_ccby4_asl_eat.png": [(277, 95, 58, 85)],
    "intel_ccby4_asl_hungry.png": [(284, 18, 64, 87)],
    "intel_ccby4_classroom_f5.png": [(67, 152, 20, 24), (127, 127, 14, 20), (233, 131, 13, 19), (306, 150, 21, 31)],
    "intel_ccby4_face-demographics-walking-and-pause_f5.png": [(80, 89, 37, 50), (206, 74, 49, 60), (309, 88, 49, 69)],
    "intel_ccby4_head-pose-face-detection-female_f2.png": [(178, 57, 50, 93)],  # in profile
    "intel_ccby4_head-pose-face-detection-male_f2.png": [(212, 40, 70, 102)],
    "nasa_astronaut_collins.png": [(183, 78, 84, 102)],
}
TIMED = "intel_ccby4_asl_again.png"  # 640 × 480
TALL = 60  # pixels: the faces of somebody who stands before a kiosk are at least this tall
SAME_FACE = 0.4  # intersection over union from which a box counts as this face; the least of a true box is 0.44

# Pictures inside scikit-image without a human face; a cat, a horse, wheels, text and textures are among them.
FACELESS = (
    "brick.png cell.png chelsea.png chessboard_GRAY.png clock_motion.png coffee.png grass.png gravel.png horse.png "
    "hubble_deep_field.jpg ihc.png logo.png microaneurysms.png moon.png motorcycle_left.png motorcycle_right.png "
    "page.png phantom.png retina.jpg rocket.jpg text.png"
).split()


def evaluate_detection(photos: Path) -> dict:
    """Run every candidate over the photos of :data:`FACES` and the pictures of :data:`FACELESS`.

    Parameters
    ----------
    photos
        Folder that holds the files of :data:`FACES`.

    Returns
    -------
    dict
        ``photos``, ``faces``, ``tall_faces``, ``faceless`` (counts), ``cores`` this process may use, ``versions``,
        and ``detectors``: a list of ``{name, found, found_tall, false, false_faceless, milliseconds,
        processor_milliseconds}``, the last two by :func:`fastest` at 640 × 480.

    Raises
    ------
    DataError
        When a photo is not in the folder.
    """
    missing = [name for name in FACES if not (photos / name).is_file()]
    if missing:
        raise DataError(f"{photos} lacks {', '.join(missing)}: give the folder that docs/face-detection.md describes.")
    import skimage.data

    images = {name: load_image(photos / name) for name in FACES}
    faceless = [load_image(Path(skimage.data.__file__).parent / name) for name in FACELESS]
    rows = []
    for name, detect in candidates().items():
        elapsed, worked = fastest(detect, images[TIMED])
        matched = {photo: match(detect(image), FACES[photo]) for photo, image in images.items()}
        rows.append(
            {
                "name": name,
                "found": sum(len(found) for found, _ in matched.values()),
                "found_tall": sum(face[3] >= TALL for found, _ in matched.values() for face in found),
                "false": sum(false for _, false in matched.values()),
                "false_faceless": sum(len(detect(image)) for image in faceless),
                "milliseconds": round(elapsed, 1),
                "processor_milliseconds": round(worked, 1),
            }
        )
    return {
        "photos": len(FACES),
        "faces": sum(len(faces) for faces in FACES.values()),
        "tall_faces": sum(face[3] >= TALL for faces in FACES.values() for face in faces),
        "faceless": len(FACELESS),
        "cores": cores(),
        "versions": {package: version(package) for package in ("mtcnn", "opencv-python-headless", "scikit-image")},
        "detectors": rows,
    }


def detection_markdown(report: dict) -> str:
    """The report of :func:`evaluate_detection` as a Markdown table."""
    lines = [
        f"| detector | faces found of {report['faces']} | of {report['tall_faces']} faces ≥ {TALL} px tall "
        f"| false boxes, {report['photos']} photos | false boxes, {report['faceless']} faceless pictures "
        f"| ms at 640×480, {report['cores']} core{'s' * (report['cores'] > 1)} | of processor time |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['name']} | {row['found']} | {row['found_tall']} | {row['false']} | {row['false_faceless']} "
        f"| {row['milliseconds']:.0f} | {row['processor_milliseconds']:.0f} |"
        for row in report["detectors"]
    ]
    lines += ["", ", ".join(f"{package} {number}" for package, number in report["versions"].items())]
    return "\n".join(lines) + "\n"


def candidates() -> dict[str, Detect]:
    """The detectors compared, by name; each takes a uint8 RGB photo [H, W, 3]. Their weights are in the packages."""
    from mtcnn import MTCNN

    detector, package = FaceDetector(), MTCNN()
    return {
        "MTCNN, our cascade": lambda image: [face.rectangle for face in detector.detect(image)],
        "MTCNN, the package's cascade": lambda image: [tuple(face["box"]) for face in package.detect_faces(image)],
        "Haar frontalface_default, step 1.05, 5 neighbours": _haar("haarcascade_frontalface_default.xml", 1.05, 5),
        "Haar frontalface_default, step 1.1, 5 neighbours": _haar("haarcascade_frontalface_default.xml", 1.1, 5),
        "Haar frontalface_alt2, step 1.05, 5 neighbours": _haar("haarcascade_frontalface_alt2.xml", 1.05, 5),
        "Haar frontalface_alt2, step 1.1, 3 neighbours": _haar("haarcascade_frontalface_alt2.xml", 1.1, 3),
        "LBP cascade of scikit-image, step 1.1, 4 neighbours": _local_binary_patterns(),
    }


def _haar(file: str, step: float, neighbours: int) -> Detect:
    import cv2

    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + file)

    def detect(image: np.ndarray) -> list[Rectangle]:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return [tuple(box) for box in cascade.detectMultiScale(grey, step, neighbours, minSize=(24, 24))]

    return detect


def _local_binary_patterns() -> Detect:
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    cascade = Cascade(lbp_frontal_face_cascade_filename())

    def detect(image: np.ndarray) -> list[Rectangle]:
        found = cascade.detect_multi_scale(image, 1.1, 1, (24, 24), image.shape[:2], min_neighbor_number=4)
        return [(face["c"], face["r"], face["width"], face["height"]) for face in found]

    return detect


def match(boxes: list[Rectangle], faces: list[Rectangle]) -> tuple[list[Rectangle], int]:
    """The faces that a box overlaps enough (each box one face, each face once), and the number of boxes left over."""
    found: list[Rectangle] = []
    for box in boxes:
        face = max(faces, key=lambda face: intersection_over_union(box, face))
        if face not in found and intersection_over_union(box, face) >= SAME_FACE:
            found.append(face)
    return found, len(boxes) - len(found)


def fastest(detect: Detect, image: np.ndarray, seconds: float = 4.0) -> tuple[float, float]:
    """Milliseconds of the fastest run and of the run with the least processor time, all threads together.

    The runs fill ``seconds`` and are at least 10. Other work on the machine disturbs the second much less.
    """
    elapsed, worked = [], []
    while sum(elapsed) < seconds or len(elapsed) < 10:
        start, start_work = time.perf_counter(), time.process_time()
        detect(image)
        elapsed.append(time.perf_counter() - start)
        worked.append(time.process_time() - start_work)
    return 1000 * min(elapsed), 1000 * min(worked)


def measure_framing(fer2013: Path, count: int = 1500, seed: int = 0) -> dict:
    """How FER2013 frames a face, measured with MTCNN on its Training faces: the source of ``FER2013_FRAME``.

    Parameters
    ----------
    fer2013
        Kaggle's ``fer2013.csv``.
    count, seed
        How many faces are drawn, and the seed of the draw.

    Returns
    -------
    dict
        ``found`` (share of the faces that MTCNN finds in the bare crop) and medians, in sides of FER2013's frame:
        ``frame`` (the frame's side over the mean of the box's width and height), ``shift_x``, ``shift_y`` (the
        frame's middle minus the box's), ``eyes_y``, ``mouth_y``, ``eyes_apart``.
    """
    import cv2

    detector = FaceDetector()
    images = read_fer2013(fer2013)["Training"].images
    chosen = np.random.default_rng(seed).choice(len(images), count, replace=False)
    measures = []
    for grey in images[chosen]:
        enlarged = cv2.resize(grey, (4 * SIDE, 4 * SIDE), interpolation=cv2.INTER_CUBIC)
        boxes, _, landmarks = detector.find(load_image(cv2.copyMakeBorder(enlarged, *[SIDE] * 4, cv2.BORDER_REPLICATE)))
        if not len(boxes):
            continue
        largest = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).argmax()
        left, top, right, bottom = (boxes[largest] - SIDE) / (4 * SIDE)
        (eye1, eye2, _, mouth1, mouth2) = (landmarks[largest] - SIDE) / (4 * SIDE)
        measures.append(
            {
                "frame": 2 / (right - left + bottom - top),
                "shift_x": 0.5 - (left + right) / 2,
                "shift_y": 0.5 - (top + bottom) / 2,
                "eyes_y": (eye1[1] + eye2[1]) / 2,
                "mouth_y": (mouth1[1] + mouth2[1]) / 2,
                "eyes_apart": np.hypot(*(eye2 - eye1)),
            }
        )
    medians = {key: round(float(np.median([row[key] for row in measures])), 3) for key in measures[0]}
    return {"found": len(measures) / count} | medians


def measure_levelling(fer2013: Path, count: int = 300, seed: int = 0) -> list[dict]:
    """Whether levelled crops of tilted faces are named better: the source of ``LEVEL_FROM``.

    Parameters
    ----------
    fer2013
        Kaggle's ``fer2013.csv``, of which PublicTest faces are taken, enlarged to 240 pixels and turned.
    count, seed
        How many faces are drawn, and the seed of the draw.

    Returns
    -------
    list of dict
        For each turn of ``degrees`` (clockwise): ``found`` (share of the faces), and the shares of those that are
        named right ``levelled`` (beyond ``LEVEL_FROM``, as :func:`crop_face` does) and ``as_it_is``.
    """
    import cv2

    from ..fer.recognizer import FaceEmotionRecognizer

    detector, recognizer = FaceDetector(), FaceEmotionRecognizer.load()
    faces = read_fer2013(fer2013)["PublicTest"]
    faces = faces[np.random.default_rng(seed).choice(len(faces), count, replace=False)]
    rows = []
    for degrees in (0, -15, 15, -25, 25):
        turn = cv2.getRotationMatrix2D((180, 180), -degrees, 1.0)
        crops, labels = [], []
        for grey, label in zip(faces.images, faces.labels, strict=True):
            enlarged = cv2.resize(grey, (240, 240), interpolation=cv2.INTER_CUBIC)
            photo = cv2.copyMakeBorder(enlarged, *[60] * 4, cv2.BORDER_REPLICATE)
            photo = cv2.warpAffine(photo, turn, (360, 360), borderMode=cv2.BORDER_REPLICATE)
            for box in detector.detect(photo)[:1]:
                crops.append((crop_face(photo, box), crop_face(photo, replace(box, roll=0.0))))
                labels.append(label)
        levelled, as_it_is = (
            float(np.mean(recognizer.probabilities(np.stack(kind)).argmax(axis=1) == labels))
            for kind in zip(*crops, strict=True)
        )
        rows.append({"degrees": degrees, "found": len(labels) / count, "levelled": levelled, "as_it_is": as_it_is})
    return rows
