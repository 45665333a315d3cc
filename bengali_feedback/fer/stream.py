"""Facial emotion over time: faces followed from frame to frame, and labels that do not flicker.

Each frame's probabilities are noisy even when a face keeps still. A person's log-probabilities are averaged with
weights that fade exponentially in time: a logarithmic opinion pool of the last frames (Genest & Zidek 1986,
*Combining probability distributions*), which is the same as averaging the network's logits. The label is then held
until another is better by a margin (hysteresis, as in a Schmitt trigger).

Followed are the boxes alone, greedily by their overlap (Bochinski et al. 2017, *High-speed tracking-by-detection
without using image information*): the detector looks at every frame anyway, so nothing has to be predicted.
docs/face-detection.md tells how the numbers below were chosen.
"""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..emotion import EMOTIONS, Emotion
from ..errors import ImageError
from ..images import check_file
from .detector import FaceBox, Rectangle, intersection_over_union

if TYPE_CHECKING:
    from .recognizer import Face

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET: what is wrong with a video, ImageError says

TIME_CONSTANT = 0.4  # seconds in which a frame's weight falls to 1/e; 0.2 to 0.6 keep the clips still
MARGIN = 0.1  # of probability; at 0.05 the clips still flicker at some time constants, at 0.2 changes come after 1 s
SAME_PERSON = 0.3  # intersection over union with the last box, as in SORT (Bewley et al. 2016, arXiv:1602.00763)
LOST_AFTER = 1.0  # seconds unseen; whoever comes back later is somebody new
MILLISECOND = 0.001  # to which a video's times are rounded
FLOOR = 1e-8  # the least probability that the recognizer gives before tempering; log(0) would last for ever


@dataclass(frozen=True)
class TrackedFace:
    """One person's face in one frame of a stream."""

    track: int
    """The person's number, from 0 in the order of appearance; it stays while they are in view."""
    box: FaceBox
    """Where the face is, in pixels of this frame."""
    emotion: Emotion
    """The label held: the most probable emotion, or one that no other exceeds by ``MARGIN`` yet."""
    probabilities: dict[Emotion, float]
    """Probability of each emotion, averaged over time, in the order of ``EMOTIONS``; they add up to 1."""
    certain: bool
    """Whether the held emotion's probability reaches the recognizer's ``threshold``; if not, it is a guess."""


@dataclass
class _Track:
    """What is kept of one person between frames."""

    number: int
    seconds: float
    box: FaceBox
    logs: np.ndarray
    emotion: Emotion


class FaceTracker:
    """Follows faces through the frames of one camera or video, and smooths their emotions.

    Parameters
    ----------
    threshold
        Probability of the held emotion from which a face is ``certain``.
    time_constant
        Seconds in which a frame's weight falls to 1/e.
    margin
        Probability by which another emotion must exceed the one held to take its place.

    Examples
    --------
    >>> tracker = FaceTracker(recognizer.threshold)
    >>> tracker.update(0.04, recognizer.recognize(frame))
    """

    def __init__(self, threshold: float = 0.0, time_constant: float = TIME_CONSTANT, margin: float = MARGIN) -> None:
        self._threshold, self._time_constant, self._margin = threshold, time_constant, margin
        self._tracks: list[_Track] = []
        self._count = 0

    def update(self, seconds: float, faces: "list[Face]") -> list[TrackedFace]:
        """The faces of the next frame, smoothed; in the order in which they were given.

        Parameters
        ----------
        seconds
            When the frame was taken, from any start; not before the frame of the last call.
        faces
            The frame's faces from :meth:`FaceEmotionRecognizer.recognize`.
        """
        self._tracks = [track for track in self._tracks if seconds - track.seconds <= LOST_AFTER]
        known = _match([track.box.rectangle for track in self._tracks], [face.box.rectangle for face in faces])
        return [
            self._continue(self._tracks[known[i]], seconds, face) if i in known else self._begin(seconds, face)
            for i, face in enumerate(faces)
        ]

    def _begin(self, seconds: float, face: "Face") -> TrackedFace:
        track = _Track(self._count, seconds, face.box, _logs(face), face.emotion)
        self._count += 1
        self._tracks.append(track)
        return self._tracked(track)

    def _continue(self, track: _Track, seconds: float, face: "Face") -> TrackedFace:
        # By the time passed, not by the frame: a slow camera is smoothed over the same time as a fast one.
        weight = 1.0 - math.exp(-max(0.0, seconds - track.seconds) / self._time_constant)
        track.logs = track.logs + weight * (_logs(face) - track.logs)
        track.seconds, track.box = seconds, face.box
        return self._tracked(track)

    def _tracked(self, track: _Track) -> TrackedFace:
        shares = np.exp(track.logs)
        probabilities = dict(zip(EMOTIONS, map(float, shares / shares.sum()), strict=True))
        best = max(probabilities, key=probabilities.get)
        if probabilities[best] - probabilities[track.emotion] > self._margin:
            track.emotion = best
        certain = probabilities[track.emotion] >= self._threshold
        return TrackedFace(track.number, track.box, track.emotion, probabilities, certain)


def _logs(face: "Face") -> np.ndarray:
    """Natural logarithms of a face's probabilities, float [7]."""
    return np.log(np.maximum([face.probabilities[emotion] for emotion in EMOTIONS], FLOOR))


def _match(before: list[Rectangle], now: list[Rectangle]) -> dict[int, int]:
    """Which box of the frame before each box of now continues, as ``{index now: index before}``; best overlap first."""
    overlaps = [(intersection_over_union(a, b), j, i) for j, a in enumerate(before) for i, b in enumerate(now)]
    matched: dict[int, int] = {}
    for overlap, j, i in sorted(overlaps, reverse=True):
        if overlap >= SAME_PERSON and i not in matched and j not in matched.values():
            matched[i] = j
    return matched


def video_frames(source: Path | str | int, every: float = 0.0) -> Iterator[tuple[float, np.ndarray]]:
    """Read a video file or a camera, frame by frame.

    Parameters
    ----------
    source
        Path of a video file, or a camera's number (0 is the first).
    every
        Least time between two frames, in seconds; 0 gives every frame.

    Yields
    ------
    seconds, frame
        Time since the video's start or since the camera was opened, and a uint8 RGB array [H, W, 3].

    Raises
    ------
    ImageError
        At once, when the file or camera cannot be opened; later, when a file turns out to hold no picture or a
        camera stops giving any.
    """
    if not isinstance(source, int):  # OpenCV takes a name like http://… for something to fetch
        check_file(Path(source), "video", "a video, or a camera's number")
    capture = _open(source)
    if not capture.isOpened():
        if isinstance(source, int):
            raise ImageError(f"camera {source} cannot be opened: connect it, close what else uses it, or try another.")
        raise ImageError(f"{source} is not a video that can be read: give an MP4, MKV, AVI or WebM file.")
    return _frames(capture, source, every)


def _open(source: Path | str | int) -> cv2.VideoCapture:
    """The opened source, or one that says it is not; without OpenCV's own lines about it on stderr."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(source) if isinstance(source, int) else cv2.VideoCapture(str(source), cv2.CAP_FFMPEG)
    finally:
        cv2.utils.logging.setLogLevel(level)


def _frames(capture, source: Path | str | int, every: float) -> Iterator[tuple[float, np.ndarray]]:
    live, start, due, seen = isinstance(source, int), time.monotonic(), 0.0, False
    if live:
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # or a slow reader sees frames of seconds ago
    try:
        while capture.grab():
            seconds = time.monotonic() - start if live else capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if seconds < due:
                continue
            decoded, frame = capture.retrieve()
            if not decoded:
                break
            seen, due = True, seconds + every - MILLISECOND
            yield seconds, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    finally:
        capture.release()
    if live:
        raise ImageError(f"camera {source} gives no more pictures: connect it again.")
    if not seen:
        raise ImageError(f"{source} holds no picture that can be read: give another video.")
