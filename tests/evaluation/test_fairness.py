"""The fairness report counts what it says it counts, and a faulty set is told by line and column."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bengali_feedback.emotion import EMOTIONS, Emotion
from bengali_feedback.errors import DataError
from bengali_feedback.evaluation.fairness import (
    LabelledPhoto,
    evaluate_fairness,
    fairness_markdown,
    fairness_picture,
    independence,
    read_labelled_photos,
    wilson_interval,
)
from bengali_feedback.fer.detector import FaceBox
from bengali_feedback.fer.recognizer import Face, FaceEmotionRecognizer


class ReadsGrey:
    """Stands in for the recognizer: the grey of a photo is what it answers, 10 times the emotion's code.

    Black (0) is a photo without a face; from 100 on the face is uncertain.
    """

    def recognize(self, image: np.ndarray) -> list[Face]:
        grey = int(image[0, 0, 0])
        if grey == 0:
            return []
        emotion = EMOTIONS[grey % 100 // 10]
        confidence = 0.4 if grey >= 100 else 0.8
        rest = dict.fromkeys(EMOTIONS, (1 - confidence) / 6)
        largest = Face(FaceBox(0, 0, 8, 8, 0.9), emotion, rest | {emotion: confidence}, grey < 100)
        smaller = Face(FaceBox(9, 9, 4, 4, 0.9), Emotion.ANGRY, rest, False)
        return [largest, smaller]


HAPPY, SAD, NO_FACE, UNSURE_HAPPY = 30, 40, 0, 130  # what a photo of this grey is taken for


@pytest.fixture
def photos(tmp_path):
    """Make labelled photos: for each group how often each (label, grey)."""

    def make(groups: dict[tuple[str, ...], dict], attributes=("age_group",)) -> list[LabelledPhoto]:
        made = []
        for names, counts in groups.items():
            for (label, grey), count in counts.items():
                path = tmp_path / f"{grey}.png"
                Image.fromarray(np.full((8, 8, 3), grey, np.uint8)).save(path)
                group = dict(zip(attributes, names, strict=True))
                made += [LabelledPhoto(path, Emotion(label), group, "set.csv, line 2")] * count
        return made

    return make


@pytest.fixture
def result(photos) -> dict:
    """Young: 40 of 50 right, all found. Old: 20 of 40 found right, 10 more not found. Few: 3 of 4."""
    groups = {
        ("young",): {("happy", HAPPY): 40, ("sad", HAPPY): 10},
        ("old",): {("happy", HAPPY): 15, ("sad", SAD): 5, ("happy", SAD): 20, ("sad", NO_FACE): 10},
        ("few",): {("happy", UNSURE_HAPPY): 2, ("happy", HAPPY): 1, ("sad", HAPPY): 1},
    }
    return evaluate_fairness(photos(groups), ReadsGrey())


def test_each_group_has_its_own_counts(result):
    groups = result["attributes"]["age_group"]["groups"]
    assert list(groups) == ["few", "old", "young"]
    assert [groups[name]["faces"] for name in groups] == [4, 50, 50]
    assert [groups[name]["found"] for name in groups] == [1.0, 0.8, 1.0]
    assert [groups[name]["accuracy"] for name in groups] == [0.75, 0.5, 0.8]
    assert [groups[name]["too_few"] for name in groups] == [True, False, False]
    assert result["all"]["faces"] == 104 and result["all"]["found"] == 94 / 104
    assert result["all"]["accuracy"] == pytest.approx((40 + 20 + 3) / 94)


def test_macro_recall_is_the_mean_over_the_emotions_that_the_group_shows(result):
    groups = result["attributes"]["age_group"]["groups"]
    assert groups["young"]["macro_recall"] == pytest.approx((1.0 + 0.0) / 2)
    assert groups["old"]["macro_recall"] == pytest.approx((15 / 35 + 5 / 5) / 2)


def test_confidence_and_certainty_are_those_of_the_faces_found(result):
    groups = result["attributes"]["age_group"]["groups"]
    assert groups["old"]["confidence"] == pytest.approx(0.8) and groups["old"]["certain"] == 1.0
    assert groups["few"]["confidence"] == pytest.approx(0.6) and groups["few"]["certain"] == 0.5


def test_the_gap_leaves_out_groups_that_are_too_few(result):
    gaps = result["attributes"]["age_group"]["gaps"]
    assert (gaps["accuracy"]["best"], gaps["accuracy"]["worst"]) == ("young", "old")
    assert gaps["accuracy"]["difference"] == pytest.approx(0.3)
    assert gaps["accuracy"]["test"] == "chi-square"
    # By hand: 60 of 90 right, so 33.3 and 26.7 expected; 6.67² (1/33.3 + 1/26.7 + 1/16.7 + 1/13.3) = 9.0.
    assert gaps["accuracy"]["p_value"] == pytest.approx(0.0026998, rel=1e-3)
    assert gaps["found"]["difference"] == pytest.approx(0.2) and gaps["found"]["p_value"] < 0.01
    assert (result["tests"], result["significance"]) == (2, 0.025)


def test_a_group_whose_faces_are_hardly_found_is_still_compared_for_that(photos):
    groups = {("a",): {("happy", HAPPY): 40}, ("b",): {("happy", HAPPY): 5, ("happy", NO_FACE): 35}}
    attribute = evaluate_fairness(photos(groups), ReadsGrey())["attributes"]["age_group"]
    assert attribute["groups"]["b"]["too_few"] and attribute["gaps"]["accuracy"]["p_value"] is None
    assert attribute["gaps"]["found"]["worst"] == "b" and attribute["gaps"]["found"]["p_value"] < 1e-9


def test_a_group_without_any_face_found_has_no_accuracy(photos, tmp_path):
    result = evaluate_fairness(photos({("a",): {("sad", NO_FACE): 2}, ("b",): {("sad", SAD): 3}}), ReadsGrey())
    score = result["attributes"]["age_group"]["groups"]["a"]
    assert score["found"] == 0 and score["accuracy"] is None and score["certain"] is None
    assert "| a | 2 | 0.0% | ? | ?–? | ? | ? | ? | too few |" in fairness_markdown(result)
    assert "too few faces to compare groups" in fairness_markdown(result)
    fairness_picture(result, tmp_path / "fairness.png")
    assert Image.open(tmp_path / "fairness.png").width > 500


def test_two_attributes_are_crossed(photos):
    groups = {("young", "woman"): {("sad", SAD): 2}, ("young", "man"): {("sad", HAPPY): 1}}
    result = evaluate_fairness(photos(groups, ("age_group", "gender")), ReadsGrey())
    assert list(result["attributes"]) == ["age_group", "gender"]
    crossed = result["intersections"]["age_group × gender"]["groups"]
    assert {name: (score["faces"], score["accuracy"]) for name, score in crossed.items()} == {
        "young × man": (1, 0.0),
        "young × woman": (2, 1.0),
    }


def test_the_wilson_interval_by_hand():
    # z = 1.95996: centre (0.8 + z²/100) / (1 + z²/50), half width z / (1 + z²/50) · sqrt(0.16/50 + z²/10000)
    assert wilson_interval(40, 50) == pytest.approx([0.66962, 0.88756], abs=1e-4)
    low, high = wilson_interval(5, 5)
    assert low == pytest.approx(0.56552, abs=1e-4) and high == pytest.approx(1.0)


@pytest.mark.parametrize(
    "table, p_value, test",
    [
        ([[40, 10], [20, 20]], 0.0026998, "chi-square"),
        ([[30, 0], [25, 5]], 2 * 0.026093, "Fisher"),  # C(30, 5) / C(60, 5) = 0.0261 at either end
        ([[30, 0], [40, 0]], 1.0, "none needed"),
        ([[0, 30], [0, 40]], 1.0, "none needed"),
    ],
)
def test_independence_by_hand(table, p_value, test):
    result = independence(np.array(table))
    assert result[0] == pytest.approx(p_value, rel=1e-3) and result[1] == test


def test_three_groups_with_rare_misses_are_compared_with_random_tables():
    p_value, test = independence(np.array([[30, 0], [30, 0], [26, 4]]))
    assert test == "chi-square, random tables"
    assert p_value == pytest.approx(0.0322, abs=0.006)  # all four misses in one group, 3 · C(30, 4) / C(90, 4)
    assert independence(np.array([[30, 0], [30, 0], [26, 4]]))[0] == p_value


def test_the_result_is_json_and_its_markdown_tells_group_and_judgement(result):
    assert json.loads(json.dumps(result)) == result
    text = fairness_markdown(result)
    assert "| old | 50 | 80.0% | 50.0% | 35.2%–64.8% | 71.4% | 80.0% | 100.0% |  |" in text
    assert (
        "- Accuracy: 30.0 points between young (best) and old (worst), p = 0.0027 (chi-square): beyond chance" in text
    )
    assert text.count("too few |") == 1


# --- The set


@pytest.fixture
def labels(tmp_path):
    """Write a labelled set; the photo face.png beside it is there."""
    Image.fromarray(np.full((8, 8, 3), HAPPY, np.uint8)).save(tmp_path / "face.png")

    def write(*lines: str, encoding: str = "utf-8"):
        (tmp_path / "set.csv").write_text("".join(line + "\n" for line in lines), encoding=encoding)
        return tmp_path / "set.csv"

    return write


def test_every_other_column_is_an_attribute_and_paths_are_relative_to_the_file(labels, tmp_path):
    path = labels("\ufeffskin_type,path,emotion,বয়স", "VI,face.png,happy,২০–২৯", "", '"II, III",face.png,sad,৩০–৩৯')
    first, second = read_labelled_photos(path)
    assert first.groups == {"skin_type": "VI", "বয়স": "২০–২৯"} and first.emotion is Emotion.HAPPY
    assert first.path == tmp_path / "face.png" and first.row == f"{path}, line 2"
    assert second.groups["skin_type"] == "II, III" and second.row == f"{path}, line 4"


@pytest.mark.parametrize(
    "lines, message",
    [
        ([], "line 1: the column 'path' is missing"),
        (["path,age_group", "face.png,old"], "line 1: the column 'emotion' is missing"),
        (["path,emotion", "face.png,happy"], "line 1: there is no demographic column"),
        (["path,emotion,age_group,age_group", "face.png,sad,old,old"], "line 1, column 4: 'age_group' stands there"),
        (["path,emotion,,age_group", "face.png,sad,old,old"], "line 1, column 3: the column has no name"),
        (["path,emotion,age_group"], "no row below its header"),
        (["path,emotion,age_group", "face.png,sad"], "line 2: 2 columns instead of the header's 3"),
        (
            ["path,emotion,age_group", "face.png,sad,old", "face.png,sad, "],
            "line 3, column age_group: the value is empty",
        ),
        (["path,emotion,age_group", ",sad,old"], "line 2, column path: the value is empty"),
        (["path,emotion,age_group", "face.png,joy,old"], "line 2, column emotion: 'joy' is not one of angry, disgust"),
        (["path,emotion,age_group", "gone.png,sad,old"], "line 2, column path: .*gone.png does not exist"),
        (["path,emotion,age_group", 'face.png,sad,"old'], "line 2: unexpected end of data"),
    ],
)
def test_a_faulty_set_is_told_by_line_and_column(labels, lines, message):
    with pytest.raises(DataError, match=f"set.csv.*{message}") as error:
        read_labelled_photos(labels(*lines))
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_a_set_that_is_missing_or_not_utf_8_is_told(labels, tmp_path):
    with pytest.raises(DataError, match="cannot read .*nowhere.csv: No such file"):
        read_labelled_photos(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match="set.csv, line 2: not UTF-8"):
        read_labelled_photos(labels("path,emotion,age_group", "face.png,happy,é", encoding="latin-1"))


def test_a_photo_that_cannot_be_read_is_told_by_its_row(labels, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no photo")
    photos = read_labelled_photos(labels("path,emotion,age_group", "face.png,sad,old", "broken.png,sad,old"))
    with pytest.raises(DataError, match="set.csv, line 3, column path: .*broken.png is not a photo that can be read"):
        evaluate_fairness(photos, ReadsGrey())
    with pytest.raises(DataError, match="no labelled photo"):
        evaluate_fairness([], ReadsGrey())


# --- The real network


def test_the_astronaut_goes_through_the_recognizer_as_a_users_photo(labels, astronaut, tmp_path):
    head = astronaut[:256, 90:346]
    for name, picture in {"photo": astronaut, "head": head, "dark": head // 3, "wall": np.full_like(head, 200)}.items():
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    rows = ("photo.png,happy,light", "head.png,happy,light", "dark.png,sad,dark", "wall.png,happy,dark")
    result = evaluate_fairness(read_labelled_photos(labels("path,emotion,light", *rows)), FaceEmotionRecognizer.load())
    light, dark = (result["attributes"]["light"]["groups"][name] for name in ("light", "dark"))
    assert (light["found"], light["accuracy"], light["faces"]) == (1.0, 1.0, 2)
    assert (dark["found"], dark["accuracy"], dark["faces"]) == (0.5, 0.0, 2)
    assert light["confidence"] > 0.5


def test_the_picture_shows_every_group(photos, tmp_path, result, monkeypatch):
    from matplotlib.figure import Figure

    shown = SimpleNamespace(labels=[], bars=0)
    save = Figure.savefig

    def look(figure, *arguments, **options):
        shown.labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        shown.bars = len(figure.axes[0].patches)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", look)
    fairness_picture(result, tmp_path / "fairness.png")
    assert shown.labels == ["age_group", "few (4)", "old (50)", "young (50)"] and shown.bars == 3
    assert [path.name for path in tmp_path.glob("*fairness*")] == ["fairness.png"]
