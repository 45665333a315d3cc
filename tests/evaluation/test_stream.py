"""The measurement of emotion over time counts what it says it counts."""

import cv2
import numpy as np
import pytest

from bengali_feedback.emotion import EMOTIONS, Emotion
from bengali_feedback.errors import DataError
from bengali_feedback.evaluation import stream
from bengali_feedback.fer.detector import FaceBox
from bengali_feedback.fer.recognizer import Face

HAPPY, NEUTRAL, SAD = Emotion.HAPPY, Emotion.NEUTRAL, Emotion.SAD


def face(emotion: Emotion, share: float = 0.94, x: int = 10, height: int = 80) -> Face:
    probabilities = {other: share if other is emotion else (1 - share) / 6 for other in EMOTIONS}
    return Face(FaceBox(x, 10, 60, height, 0.99), emotion, probabilities, True)


def test_changes_are_counted_in_the_worst_five_seconds():
    labels = [HAPPY, SAD, SAD, HAPPY, HAPPY, SAD]
    assert stream.most_changes([0, 1, 2, 3, 4, 5], labels) == 3
    assert stream.most_changes([0, 1, 2, 6, 7, 8], labels) == 2  # at 1 and 6 s it is five seconds apart: 6 and 8 count
    assert stream.most_changes([0, 10, 20, 30, 40, 50], labels) == 1
    assert stream.most_changes([0, 1, 2], [HAPPY] * 3) == stream.most_changes([], []) == 0


def test_the_reaction_is_counted_from_the_change_to_the_new_label():
    # Both equally sure: the new one has the greater part of the average after ln 2 × 0.4 s = 0.28 s.
    assert stream.reaction([face(NEUTRAL)], [face(HAPPY)], rate=50) == pytest.approx(0.28, abs=0.03)
    assert stream.reaction([face(NEUTRAL)], [face(HAPPY)], rate=10) == pytest.approx(0.25, abs=0.06)
    assert stream.reaction([face(HAPPY)], [face(HAPPY)], rate=10) == 0
    hesitant = [face(HAPPY, 0.34), face(HAPPY, 0.34), face(NEUTRAL, 0.9)]
    assert stream.reaction([face(NEUTRAL)], hesitant, rate=10) == float("inf")


def test_only_changes_to_a_clear_and_different_expression_are_played():
    wavering = [face(SAD), face(SAD), face(HAPPY)]
    row = stream._reactions({"a": [face(NEUTRAL)], "b": [face(HAPPY)], "c": [face(HAPPY)], "d": wavering}, 10)
    assert row["changes"] == 7  # to a from b, c and d; to b from a and d; to c from a and d
    assert stream._reactions({"a": [face(NEUTRAL)]}, 10) == dict(changes=0, within_1s=0, median=None, slowest=None)


def film(path, frames, size):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, size)
    for frame in range(frames):
        writer.write(np.full((size[1], size[0], 3), frame, np.uint8))
    writer.release()


class Recognizer:
    """Sees one person who stays, and a false box, too short to be judged, in the frame of number 1."""

    threshold = 0.5

    def __init__(self):
        self.frame = -1

    @classmethod
    def load(cls):
        return cls()

    def recognize(self, photo):
        if photo.shape[:2] == (512, 512):  # the astronaut
            return [face(HAPPY)]
        self.frame += 1
        flickering = SAD if self.frame % 5 == 0 else NEUTRAL
        return [face(flickering)] + [face(SAD, x=200)] * (self.frame == 1) if self.frame != 2 else []


def test_report_counts_faces_flicker_and_reactions(tmp_path, monkeypatch):
    film(tmp_path / "kiosk.avi", 30, (640, 480))
    boxes = {0: [(10, 10, 60, 80)], 1: [(10, 10, 60, 80), (400, 10, 30, 40)], 2: [(10, 10, 60, 80)]}
    monkeypatch.setattr(stream, "CLIPS", {"kiosk.avi": boxes})
    monkeypatch.setattr(stream, "FaceEmotionRecognizer", Recognizer)
    report = stream.evaluate_stream(tmp_path)
    (clip,) = report["clips"]
    assert (clip["frames"], clip["seconds"], clip["with_face"]) == (30, 2.9, pytest.approx(29 / 30))
    assert (clip["tall_faces"], clip["found_tall"], clip["false"]) == (3, 2, 1)
    (person,) = clip["people"]
    assert person["emotion"] == "neutral" and person["track"] == 0 and person["seconds"] == 2.9
    assert person["raw_changes"] == 11 and person["changes"] == 1
    assert report["reactions"]["10"]["changes"] == 1 == report["reactions"]["10"]["within_1s"]
    assert report["speed"]["frames"] == 30 and report["speed"]["frames_per_second"] > 0
    markdown = stream.stream_markdown(report)
    assert "**2 of 3**, 1 false boxes" in markdown
    assert "| kiosk.avi | 30 | 2.9 | 97% | 0 | 2.9 | neutral | 11 | 1 |" in markdown


def test_a_clip_in_which_nobody_stays_is_told(tmp_path, monkeypatch):
    film(tmp_path / "empty.avi", 10, (320, 240))
    monkeypatch.setattr(stream, "CLIPS", {"empty.avi": {0: [(10, 10, 60, 80)]}})
    monkeypatch.setattr(stream, "FaceEmotionRecognizer", Recognizer)
    report = stream.evaluate_stream(tmp_path)
    assert report["clips"][0]["people"] == [] and report["speed"]["frames_per_second"] is None
    assert "| empty.avi | 10 | 0.9 | 90% | none for more than 2 s |" in stream.stream_markdown(report)


def test_missing_clips_are_named(tmp_path):
    with pytest.raises(DataError, match="lacks .*intel_ccby4_asl_book.mkv"):
        stream.evaluate_stream(tmp_path)
