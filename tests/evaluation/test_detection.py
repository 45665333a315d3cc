"""The comparison of face detectors counts what it says it counts."""

import numpy as np
import pytest
from PIL import Image

from bengali_feedback.errors import DataError
from bengali_feedback.evaluation import detection


def test_intersection_over_union():
    assert detection.intersection_over_union((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert detection.intersection_over_union((0, 0, 10, 10), (5, 0, 10, 10)) == pytest.approx(50 / 150)
    assert detection.intersection_over_union((0, 0, 10, 10), (20, 20, 10, 10)) == 0


def test_a_face_is_found_once_and_every_other_box_is_false():
    faces = [(0, 0, 10, 10), (100, 100, 20, 20)]
    boxes = [(1, 1, 10, 10), (0, 0, 9, 9), (50, 50, 10, 10), (100, 100, 60, 60)]
    assert detection.match(boxes, faces) == ([(0, 0, 10, 10)], 3)
    assert detection.match([], faces) == ([], 0)


def test_report_counts_tall_faces_false_boxes_and_faceless_pictures(tmp_path, monkeypatch):
    Image.fromarray(np.zeros((480, 640, 3), np.uint8)).save(tmp_path / "two.png")
    monkeypatch.setattr(detection, "FACES", {"two.png": [(10, 10, 60, 80), (300, 300, 20, 30)]})
    monkeypatch.setattr(detection, "FACELESS", ["moon.png", "page.png"])
    monkeypatch.setattr(detection, "TIMED", "two.png")
    monkeypatch.setattr(detection, "fastest", lambda detect, image: (12.34, 56.78))
    detectors = {"blind": lambda image: [], "eager": lambda image: [(10, 10, 60, 80), (500, 10, 60, 80)]}
    monkeypatch.setattr(detection, "candidates", lambda: detectors)
    report = detection.evaluate_detection(tmp_path)
    assert (report["photos"], report["faces"], report["tall_faces"], report["faceless"]) == (1, 2, 1, 2)
    blind, eager = report["detectors"]
    assert blind["name"] == "blind" and eager["name"] == "eager"
    assert (blind["milliseconds"], blind["processor_milliseconds"]) == (12.3, 56.8)
    assert [blind[key] for key in ("found", "found_tall", "false", "false_faceless")] == [0, 0, 0, 0]
    assert (eager["found"], eager["found_tall"], eager["false"], eager["false_faceless"]) == (1, 1, 1, 4)
    assert "| eager | 1 | 1 | 1 | 4 | 12 | 57 |" in detection.detection_markdown(report)


def test_missing_photos_are_named(tmp_path):
    with pytest.raises(DataError, match="lacks .*nasa_astronaut_collins.png"):
        detection.evaluate_detection(tmp_path)
