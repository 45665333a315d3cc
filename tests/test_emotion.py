"""The seven emotions: their order is every network's output order, so it is fixed here."""

import json

import pytest

from bengali_feedback.emotion import BENGALI_NAMES, EMOTIONS, Emotion
from bengali_feedback.text import normalize_bengali

FER2013_ORDER = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def test_the_order_is_that_of_fer2013():
    assert [emotion.value for emotion in EMOTIONS] == FER2013_ORDER
    assert list(Emotion) == list(EMOTIONS)


@pytest.mark.parametrize("index, name", enumerate(FER2013_ORDER))
def test_index_is_fer2013s_label_code(index, name):
    assert Emotion(name).index == index
    assert EMOTIONS[index] is Emotion(name)


def test_an_emotion_is_its_name_wherever_text_is_wanted():
    assert Emotion.HAPPY == "happy"
    assert str(Emotion.HAPPY) == f"{Emotion.HAPPY}" == "happy"
    assert json.dumps({"emotion": Emotion.SAD}) == '{"emotion": "sad"}'


def test_there_is_no_eighth():
    with pytest.raises(ValueError, match="calm"):
        Emotion("calm")


def test_the_bengali_names():
    names = ["রাগ", "ঘৃণা", "ভয়", "আনন্দ", "দুঃখ", "বিস্ময়", "স্বাভাবিক"]
    assert [emotion.bengali for emotion in EMOTIONS] == [normalize_bengali(name) for name in names]


def test_the_bengali_names_are_in_the_packages_unicode_form():
    assert all(name == normalize_bengali(name) for name in BENGALI_NAMES.values())
