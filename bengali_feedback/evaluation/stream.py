"""Emotion over time measured on clips: faces found, labels that flicker, time to react, frames per second.

The clips are not part of the repository; docs/face-detection.md names them, their source and licence.
"""

import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..emotion import Emotion
from ..errors import DataError
from ..fer.detector import Rectangle
from ..fer.recognizer import Face, FaceEmotionRecognizer
from ..fer.stream import MARGIN, TIME_CONSTANT, FaceTracker, TrackedFace, video_frames
from .detection import TALL, match
from .timing import cores

# Frame number: its faces, boxed by eye as in evaluation/detection.py, before the detector had run on these frames.
CLIPS: dict[str, dict[int, list[Rectangle]]] = {
    "intel_ccby4_asl_book.mkv": {
        0: [(276, 93, 54, 82)],
        27: [(276, 98, 53, 82)],  # hands before the chin
        54: [(277, 97, 53, 80)],
        81: [(271, 99, 54, 80)],
        108: [(280, 94, 54, 81)],
    },
    "intel_ccby4_asl_eat.mkv": {
        0: [(274, 92, 63, 90)],
        12: [(272, 95, 63, 91)],
        23: [(269, 97, 62, 90)],  # a hand before mouth and chin
        34: [(283, 94, 60, 89)],
        46: [(280, 91, 61, 90)],
    },
    "intel_ccby4_face-demographics-walking-and-pause.mp4": {
        0: [(100, 98, 31, 45), (206, 84, 38, 53), (306, 99, 38, 61)],
        10: [(79, 86, 42, 59), (199, 71, 50, 65), (337, 90, 47, 74)],
        20: [(59, 80, 48, 69), (202, 63, 54, 76), (346, 92, 51, 80)],
        30: [(58, 79, 48, 71), (200, 62, 55, 78), (347, 92, 52, 79)],
        40: [(53, 79, 48, 71), (200, 62, 55, 78), (347, 92, 52, 80)],
    },
    "intel_ccby4_head-pose-face-detection-male.mp4": {
        0: [(212, 40, 69, 104)],
        15: [(211, 40, 69, 104)],
        30: [(213, 40, 69, 105)],
        46: [(214, 40, 69, 104)],
        61: [(213, 41, 68, 105)],
    },
}
TIMED = (480, 640)  # height and width of the frames whose time counts
WINDOW = 5.0  # seconds: in any such span a still face may change its label once
LONG_ENOUGH = 2.0  # seconds in view from which a person is judged
RATES = (5, 10, 25)  # frames/s at which changes are played
SPLICE = 3.0  # seconds played before and after a change
CLEAR = 0.9  # share of a face's frames named alike from which a change to it has a moment at which it should be seen


@dataclass(frozen=True)
class Moment:
    """One person in one frame."""

    seconds: float
    raw: Face
    smoothed: TrackedFace


def evaluate_stream(clips: Path) -> dict:
    """Follow the people of every clip of :data:`CLIPS`, and play changes from one person's face to another's.

    Parameters
    ----------
    clips
        Folder that holds the files of :data:`CLIPS`.

    Returns
    -------
    dict
        ``clips``: a list of ``{name, frames, seconds, with_face, tall_faces, found_tall, false, people}``, where
        ``with_face`` is a share of the frames, the next three count on the frames boxed by eye, and ``people`` are
        those in view for more than 2 s (:func:`_person`); ``reactions``: by frame rate, see :func:`_reactions`;
        ``speed``: of detection and recognition, see :func:`_speed`; ``time_constant``, ``margin`` and ``cores``.

    Raises
    ------
    DataError
        When a clip is not in the folder.
    """
    missing = [name for name in CLIPS if not (clips / name).is_file()]
    if missing:
        raise DataError(f"{clips} lacks {', '.join(missing)}: give the folder that docs/face-detection.md describes.")
    recognizer = FaceEmotionRecognizer.load()
    films = {name: list(video_frames(clips / name)) for name in CLIPS}
    rows, expressions = [], {"astronaut": _astronaut(recognizer)}
    for name, film in films.items():
        seen = [(seconds, recognizer.recognize(frame)) for seconds, frame in film]
        people = _people(seen, recognizer.threshold)
        rows.append(_clip(name, seen, people))
        expressions |= {f"{name}, {number}": [moment.raw for moment in moments] for number, moments in people.items()}
    return {
        "clips": rows,
        "reactions": {str(rate): _reactions(expressions, rate) for rate in RATES},
        "speed": _speed(recognizer, [frame for film in films.values() for _, frame in film]),
        "time_constant": TIME_CONSTANT,
        "margin": MARGIN,
        "cores": cores(),
    }


def _astronaut(recognizer: FaceEmotionRecognizer) -> list[Face]:
    """A smiling photo as one more expression to change to."""
    import skimage.data

    return recognizer.recognize(skimage.data.astronaut())[:1]


def _people(seen: list[tuple[float, list[Face]]], threshold: float) -> dict[int, list[Moment]]:
    """The moments of each person who is in view for more than 2 s, by their number."""
    tracker, people = FaceTracker(threshold), defaultdict(list)
    for seconds, faces in seen:
        for raw, smoothed in zip(faces, tracker.update(seconds, faces), strict=True):
            people[smoothed.track].append(Moment(seconds, raw, smoothed))
    return {number: row for number, row in people.items() if row[-1].seconds - row[0].seconds > LONG_ENOUGH}


def _clip(name: str, seen: list[tuple[float, list[Face]]], people: dict[int, list[Moment]]) -> dict:
    """What one clip shows: counts of frames and faces, and its people."""
    tall, found_tall, false = 0, 0, 0
    for frame, boxes in CLIPS[name].items():
        found, others = match([face.box.rectangle for face in seen[frame][1]], boxes)
        tall += sum(box[3] >= TALL for box in boxes)
        found_tall += sum(box[3] >= TALL for box in found)
        false += others
    return {
        "name": name,
        "frames": len(seen),
        "seconds": round(seen[-1][0], 2),
        "with_face": sum(bool(faces) for _, faces in seen) / len(seen),
        "tall_faces": tall,
        "found_tall": found_tall,
        "false": false,
        "people": [_person(number, moments) for number, moments in people.items()],
    }


def _person(number: int, moments: list[Moment]) -> dict:
    """One person's ``track``, ``seconds`` in view, ``emotion`` held longest, and the most label changes in any 5 s."""
    times = [moment.seconds for moment in moments]
    raw, smoothed = ([getattr(moment, kind).emotion for moment in moments] for kind in ("raw", "smoothed"))
    return {
        "track": number,
        "seconds": round(times[-1] - times[0], 2),
        "emotion": str(max(smoothed, key=smoothed.count)),
        "raw_changes": most_changes(times, raw),
        "changes": most_changes(times, smoothed),
    }


def most_changes(times: list[float], labels: list[Emotion], window: float = WINDOW) -> int:
    """The most label changes within any ``window`` seconds; ``times`` in seconds, rising, one for each label."""
    changed = [times[i] for i in range(1, len(labels)) if labels[i] != labels[i - 1]]
    return max((sum(start <= other < start + window for other in changed) for start in changed), default=0)


def _reactions(expressions: dict[str, list[Face]], rate: float) -> dict:
    """Every change to a clear expression from one that the network names differently, played at ``rate`` frames/s.

    Returns ``changes``, ``within_1s`` (counts), ``median`` and ``slowest`` (seconds; None when a change was not
    followed within 3 s).
    """
    usual = {name: _usual(faces) for name, faces in expressions.items()}
    clear = [name for name, faces in expressions.items() if _share(faces, usual[name]) >= CLEAR]
    pairs = [(before, after) for after in clear for before in usual if usual[before] is not usual[after]]
    seconds = [reaction(expressions[before], expressions[after], rate) for before, after in pairs]
    return {
        "changes": len(seconds),
        "within_1s": sum(value < 1.0 for value in seconds),
        "median": _finite(np.median(seconds)) if seconds else None,
        "slowest": _finite(max(seconds)) if seconds else None,
    }


def _finite(value: float) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


def _usual(faces: list[Face]) -> Emotion:
    """What the network calls most of these faces, frame by frame."""
    labels = [face.emotion for face in faces]
    return max(labels, key=labels.count)


def _share(faces: list[Face], emotion: Emotion) -> float:
    return sum(face.emotion is emotion for face in faces) / len(faces)


def reaction(before: list[Face], after: list[Face], rate: float) -> float:
    """Seconds from a change of face until the label is the usual one of ``after``; infinite if it does not come in 3 s.

    The faces, one a frame, are shown at ``rate`` frames/s, from the start again when they end, all in one place.
    """
    tracker, target, count = FaceTracker(), _usual(after), round(SPLICE * rate)
    faces = [before[i % len(before)] for i in range(count)] + [after[i % len(after)] for i in range(count)]
    for frame, face in enumerate(faces):
        (tracked,) = tracker.update(frame / rate, [replace(face, box=before[0].box)])
        if frame >= count and tracked.emotion is target:
            return (frame - count) / rate
    return float("inf")


def _speed(recognizer: FaceEmotionRecognizer, frames: list[np.ndarray]) -> dict:
    """Detection and recognition of all frames of 640 × 480.

    Returns ``frames``, ``frames_per_second`` (time that passed) and ``processor_milliseconds`` a frame, all threads
    together, which other work on the machine disturbs less; the last two None when no frame has that size.
    """
    frames = [frame for frame in frames if frame.shape[:2] == TIMED]
    start, start_work = time.perf_counter(), time.process_time()
    for frame in frames:
        recognizer.recognize(frame)
    elapsed, worked = time.perf_counter() - start, time.process_time() - start_work
    return {
        "frames": len(frames),
        "frames_per_second": round(len(frames) / elapsed, 1) if frames else None,
        "processor_milliseconds": round(1000 * worked / len(frames), 1) if frames else None,
    }


def stream_markdown(report: dict) -> str:
    """The report of :func:`evaluate_stream` as Markdown tables."""
    tall, found = (sum(clip[key] for clip in report["clips"]) for key in ("tall_faces", "found_tall"))
    speed = report["speed"]
    lines = [
        "# Emotion over time",
        "",
        f"- faces ≥ {TALL} px tall found on the frames boxed by eye: **{found} of {tall}**, "
        f"{sum(clip['false'] for clip in report['clips'])} false boxes",
        f"- detection and recognition of {speed['frames']} frames of 640×480: "
        f"**{speed['frames_per_second']} frames/s** on {report['cores']} core{'s' * (report['cores'] > 1)}, "
        f"{speed['processor_milliseconds']} ms of processor time a frame",
        f"- smoothed over {report['time_constant']} s; another label needs {report['margin']} more probability",
        "",
        "| clip | frames | seconds | frames with a face | person | seconds in view | label held longest "
        "| most label changes in any 5 s, raw | smoothed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for clip in report["clips"]:
        start = f"| {clip['name']} | {clip['frames']} | {clip['seconds']} | {clip['with_face']:.0%} |"
        lines += [
            f"{start} {one['track']} | {one['seconds']} | {one['emotion']} | {one['raw_changes']} | {one['changes']} |"
            for one in clip["people"]
        ] or [f"{start} none for more than {LONG_ENOUGH:.0f} s | | | | |"]
    lines += ["", "| changes of face played at | changes | followed within 1 s | median s | slowest s |"]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| {rate} frames/s | {row['changes']} | {row['within_1s']} | {row['median']} | {row['slowest']} |"
        for rate, row in report["reactions"].items()
    ]
    return "\n".join(lines) + "\n"
