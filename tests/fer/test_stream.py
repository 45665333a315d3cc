"""Faces over time: who is who, labels that keep still and yet follow a change."""

import math
from itertools import pairwise

import cv2
import numpy as np
import pytest

from bengali_feedback.emotion import EMOTIONS, Emotion
from bengali_feedback.errors import ImageError
from bengali_feedback.fer import stream
from bengali_feedback.fer.detector import FaceBox
from bengali_feedback.fer.recognizer import Face, FaceEmotionRecognizer
from bengali_feedback.fer.stream import TIME_CONSTANT, FaceTracker, video_frames

NEUTRAL, HAPPY = {Emotion.NEUTRAL: 0.7, Emotion.SAD: 0.2}, {Emotion.HAPPY: 0.9}


def face(shares: dict[Emotion, float], x: int = 100, side: int = 80) -> Face:
    """A face at ``x`` with the given probabilities; the other emotions share the rest evenly."""
    rest = (1 - sum(shares.values())) / (len(EMOTIONS) - len(shares))
    probabilities = {emotion: shares.get(emotion, rest) for emotion in EMOTIONS}
    best = max(probabilities, key=probabilities.get)
    return Face(FaceBox(x, 50, side, side, 0.99), best, probabilities, True)


def follow(tracker: FaceTracker, shares: dict[Emotion, float], start: float, end: float, rate: float) -> list:
    """``(seconds, TrackedFace)`` of one face that looks the same from ``start`` to ``end``, the end included."""
    times = np.linspace(start, end, round((end - start) * rate) + 1)
    return [(seconds, tracker.update(seconds, [face(shares)])[0]) for seconds in times]


def changes(labels: list) -> int:
    return sum(a != b for a, b in pairwise(labels))


@pytest.mark.parametrize("rate", [10, 30])
def test_a_still_but_noisy_face_does_not_flicker(rate):
    noise = np.random.default_rng(0).normal(0, 0.6, (10 * rate, len(EMOTIONS)))
    logits = np.log([face({Emotion.NEUTRAL: 0.45, Emotion.SAD: 0.25}).probabilities[e] for e in EMOTIONS]) + noise
    tracker, raw, smoothed = FaceTracker(), [], []
    for frame, row in enumerate(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)):
        noisy = face(dict(zip(EMOTIONS[:-1], row[:-1], strict=True)))
        raw.append(noisy.emotion)
        smoothed.append(tracker.update(frame / rate, [noisy])[0].emotion)
    assert changes(raw) > 20
    assert changes(smoothed) <= 1 and smoothed[-1] is Emotion.NEUTRAL


@pytest.mark.parametrize("rate", [5, 30])
@pytest.mark.parametrize("before, after", [(NEUTRAL, HAPPY), (HAPPY, NEUTRAL)])
def test_a_change_is_followed_within_a_second_and_at_once_stays(rate, before, after):
    tracker = FaceTracker()
    follow(tracker, before, 0.0, 3.0, rate)
    labels = [(seconds - 3.0, tracked.emotion) for seconds, tracked in follow(tracker, after, 3 + 1 / rate, 6, rate)]
    reaction = next(seconds for seconds, emotion in labels if emotion is max(after, key=after.get))
    assert reaction < 1.0
    assert changes([emotion for _, emotion in labels]) <= 1


def test_the_first_frame_is_taken_as_it_is():
    seen = face(NEUTRAL)
    (tracked,) = FaceTracker().update(17.0, [seen])
    assert (tracked.track, tracked.box, tracked.emotion) == (0, seen.box, Emotion.NEUTRAL)
    assert tracked.probabilities == pytest.approx(seen.probabilities)
    assert tuple(tracked.probabilities) == EMOTIONS


def test_logarithms_are_averaged_with_weights_that_fade_by_the_time_constant():
    tracker = FaceTracker()
    tracker.update(0.0, [face(NEUTRAL)])
    (tracked,) = tracker.update(TIME_CONSTANT, [face(HAPPY)])
    old, new = math.exp(-1), 1 - math.exp(-1)
    shares = {e: face(NEUTRAL).probabilities[e] ** old * face(HAPPY).probabilities[e] ** new for e in EMOTIONS}
    assert tracked.probabilities == pytest.approx({e: share / sum(shares.values()) for e, share in shares.items()})


def test_smoothing_does_not_depend_on_the_frame_rate():
    ends = []
    for rate in (5, 10, 30):
        tracker = FaceTracker()
        follow(tracker, NEUTRAL, 0.0, 1.0, rate)
        ends.append(follow(tracker, HAPPY, 1.0 + 1 / rate, 1.4, rate)[-1][1].probabilities)
    assert ends[0] == pytest.approx(ends[1]) and ends[1] == pytest.approx(ends[2])


def test_the_label_is_held_until_another_is_better_by_the_margin():
    tracker = FaceTracker(margin=0.2)
    follow(tracker, {Emotion.NEUTRAL: 0.5, Emotion.SAD: 0.3}, 0.0, 3.0, 10)
    held = follow(tracker, {Emotion.NEUTRAL: 0.35, Emotion.SAD: 0.5}, 3.1, 9.0, 10)[-1][1]
    assert held.emotion is Emotion.NEUTRAL and held.probabilities[Emotion.SAD] == pytest.approx(0.5, abs=0.001)
    assert follow(tracker, {Emotion.NEUTRAL: 0.3, Emotion.SAD: 0.6}, 9.1, 12.0, 10)[-1][1].emotion is Emotion.SAD


def test_certain_asks_for_the_held_emotions_own_probability():
    tracker = FaceTracker(threshold=0.6)
    assert tracker.update(0.0, [face(NEUTRAL)])[0].certain
    doubtful = follow(tracker, {Emotion.NEUTRAL: 0.5, Emotion.SAD: 0.4}, 0.1, 3.0, 10)[-1][1]
    assert doubtful.emotion is Emotion.NEUTRAL and not doubtful.certain


def test_a_certain_mistake_of_one_frame_does_not_change_the_label():
    tracker = FaceTracker()
    follow(tracker, NEUTRAL, 0.0, 1.0, 25)
    assert tracker.update(1.04, [face({Emotion.HAPPY: 1.0})])[0].emotion is Emotion.NEUTRAL


def test_two_people_keep_their_numbers_when_the_smaller_becomes_the_larger():
    tracker = FaceTracker()
    for seconds, left, right in [(0.0, 100, 80), (0.1, 95, 85), (0.2, 88, 92), (0.3, 80, 100)]:
        both = [face(HAPPY, x=50, side=left), face(NEUTRAL, x=400, side=right)]
        largest_first = sorted(both, key=lambda one: -one.box.width)
        tracked = tracker.update(seconds, largest_first)
        assert [one.box for one in tracked] == [one.box for one in largest_first]
        assert {one.track: one.emotion for one in tracked} == {0: Emotion.HAPPY, 1: Emotion.NEUTRAL}


def test_the_better_overlap_goes_first_when_two_boxes_lie_on_one():
    tracker = FaceTracker()
    tracker.update(0.0, [face(NEUTRAL, x=100)])
    tracked = tracker.update(0.1, [face(NEUTRAL, x=130), face(NEUTRAL, x=105)])
    assert [one.track for one in tracked] == [1, 0]


def test_a_face_that_was_missed_for_a_moment_keeps_its_number_and_a_lost_one_does_not():
    tracker = FaceTracker()
    assert tracker.update(0.0, [face(NEUTRAL)])[0].track == 0
    assert tracker.update(0.4, []) == []
    assert tracker.update(0.8, [face(NEUTRAL)])[0].track == 0
    assert tracker.update(2.0, [face(HAPPY)])[0].track == 1


def test_a_lost_face_leaves_nothing_behind_for_whoever_comes_next():
    tracker = FaceTracker()
    follow(tracker, NEUTRAL, 0.0, 3.0, 10)
    (tracked,) = tracker.update(4.5, [face(HAPPY)])
    assert tracked.probabilities == pytest.approx(face(HAPPY).probabilities)


class Scripted(FaceEmotionRecognizer):
    """Sees in a "frame" the faces that the frame is made of."""

    def __init__(self):
        self.threshold = 0.5

    def recognize(self, photo):
        return photo


def test_stream_gives_each_frames_faces_as_soon_as_the_frame_is_there():
    taken = []

    def frames():
        for number in range(3):
            taken.append(number)
            yield number / 10, [face(HAPPY)] if number else []

    moments = Scripted().stream(frames())
    assert taken == []
    assert next(moments) == (0.0, []) and taken == [0]
    seconds, (tracked,) = next(moments)
    assert seconds == 0.1 and tracked.track == 0 and tracked.certain and taken == [0, 1]


def test_two_streams_of_one_recognizer_do_not_mix():
    recognizer = Scripted()
    first, second = (recognizer.stream([(0.0, [face(shares)]), (0.1, [])]) for shares in (NEUTRAL, HAPPY))
    assert next(first)[1][0].emotion is Emotion.NEUTRAL
    assert next(second)[1][0].probabilities == pytest.approx(face(HAPPY).probabilities)


@pytest.fixture(scope="module")
def film(astronaut, tmp_path_factory):
    """Six frames at 10 frames/s in which the astronaut drifts to the right, an AVI file."""
    path = tmp_path_factory.mktemp("film") / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (320, 240))
    for frame in range(6):
        writer.write(cv2.cvtColor(astronaut[:240, 100 - 5 * frame : 420 - 5 * frame], cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def test_the_astronaut_of_a_film_is_one_happy_person(film):
    moments = list(FaceEmotionRecognizer.load().stream(video_frames(film)))
    assert [seconds for seconds, _ in moments] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], abs=0.001)
    assert all([(one.track, one.emotion) for one in faces] == [(0, Emotion.HAPPY)] for _, faces in moments)
    assert moments[-1][1][0].box.x == pytest.approx(moments[0][1][0].box.x + 25, abs=4)


def test_frames_of_a_film_are_rgb_and_timed(film, astronaut):
    frames = list(video_frames(film))
    assert len(frames) == 6 and all(frame.shape == (240, 320, 3) and frame.dtype == np.uint8 for _, frame in frames)
    np.testing.assert_allclose(frames[0][1].mean(axis=(0, 1)), astronaut[:240, 100:420].mean(axis=(0, 1)), atol=3)


@pytest.mark.parametrize("every, times", [(0.1, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]), (0.15, [0.0, 0.2, 0.4]), (9, [0.0])])
def test_frames_come_no_closer_than_asked(film, every, times):
    assert [seconds for seconds, _ in video_frames(str(film), every)] == pytest.approx(times, abs=0.001)


def test_a_film_can_be_left_before_its_end(film):
    frames = video_frames(film)
    next(frames)
    frames.close()


@pytest.mark.parametrize(
    "source, reason",
    [
        ("nowhere.mp4", "does not exist"),
        ("http://localhost/film.mp4", "does not exist"),
        ("", "is not a regular file"),
        ("empty.mp4", r"is empty \(0 bytes\)"),
        ("text.mp4", "is not a video that can be read"),
        ("x" * 300, "cannot be opened"),
        (99, "camera 99 cannot be opened"),
    ],
)
def test_a_bad_source_is_one_clear_error_at_once(source, reason, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no film " * 100)
    with pytest.raises(ImageError, match=reason) as caught:
        video_frames(source)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 320
    assert capfd.readouterr().err == ""


class Camera:
    """Gives two pictures, then none, like one that is pulled out."""

    left = 2

    def __init__(self, *arguments):
        pass

    def isOpened(self):
        return True

    def set(self, *arguments):
        pass

    def grab(self):
        self.left -= 1
        return self.left >= 0

    def retrieve(self):
        return True, np.full((4, 6, 3), (255, 0, 0), np.uint8)  # blue in OpenCV's order

    def release(self):
        pass


def test_a_camera_is_timed_by_the_clock_and_its_end_is_an_error(monkeypatch):
    clock = iter([50.0, 50.5, 50.75])
    monkeypatch.setattr(stream.cv2, "VideoCapture", Camera)
    monkeypatch.setattr(stream.time, "monotonic", lambda: next(clock))
    frames = video_frames(0)
    (first, picture), (second, _) = next(frames), next(frames)
    assert (first, second) == (0.5, 0.75) and picture[0, 0].tolist() == [0, 0, 255]
    with pytest.raises(ImageError, match="camera 0 gives no more pictures"):
        next(frames)
