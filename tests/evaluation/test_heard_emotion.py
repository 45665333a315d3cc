"""The classifier that hears which emotion a sentence answers."""

from dataclasses import dataclass

import numpy as np
import pytest

from bengali_feedback.emotion import EMOTIONS, Emotion
from bengali_feedback.errors import DataError
from bengali_feedback.evaluation.heard_emotion import EmotionHearer, guard_by_ear, heard_right, train_hearer
from bengali_feedback.nlg.dataset import Sample

PHRASES = {
    Emotion.HAPPY: ("হাসিটা", "খুশির", "আনন্দের"),
    Emotion.SAD: ("মনখারাপের", "কান্নার", "দুঃখের"),
    Emotion.FEAR: ("ভয়ের", "আতঙ্কের", "শঙ্কার"),
}
OBJECTS = ("গল্পটা", "কথাটা", "দিনটা", "ছবিটা", "গানটা", "চিঠিটা", "রাতটা", "পথটা", "সময়টা", "বইটা")


def sample(emotion, text, split="train"):
    return Sample("x-0001", emotion, "apni", "ask", "", text, split)


@pytest.fixture(scope="module")
def samples():
    """Three emotions, each with words of its own; the objects are anybody's."""
    rows = []
    for number, thing in enumerate(OBJECTS):
        split = {8: "val", 9: "test"}.get(number, "train")
        for emotion, words in PHRASES.items():
            rows += [sample(emotion, f"{word} {thing} শোনাবেন আমাকে?", split) for word in words]
    return rows


@pytest.fixture(scope="module")
def trained(samples):
    return train_hearer(samples)


@dataclass
class Answer:
    emotion: Emotion
    text: str


def test_it_hears_the_held_out_sentences(trained):
    _, scores = trained
    assert scores["val_accuracy"] == scores["test_accuracy"] == scores["test_second"] == 1
    assert scores["test_emotions"] == {"fear": 1, "happy": 1, "sad": 1}


def test_probabilities_are_of_all_seven_emotions_in_their_order(trained):
    hearer, _ = trained
    probabilities = hearer.probabilities(["ভয়ের পথটা শোনাবেন আমাকে?", "খুশির খবর আছে নাকি?"])
    assert probabilities.shape == (2, 7)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert [EMOTIONS[number] for number in probabilities.argmax(axis=1)] == [Emotion.FEAR, Emotion.HAPPY]
    assert probabilities[:, Emotion.ANGRY.index].tolist() == [0, 0]  # it never heard one
    assert hearer.probabilities([]).shape == (0, 7)


def test_the_settings_are_chosen_by_the_val_split_alone(samples, monkeypatch):
    asked = []
    fit = EmotionHearer.fit

    def spied(self, own):
        asked.append({sample.split for sample in own})
        return fit(self, own)

    monkeypatch.setattr(EmotionHearer, "fit", spied)
    shuffled = [
        sample(Emotion.SAD if s.emotion is Emotion.FEAR else Emotion.FEAR, s.text, "test") if s.split == "test" else s
        for s in samples
    ]
    (_, before), (_, after) = train_hearer(samples), train_hearer(shuffled)
    assert all(splits == {"train"} for splits in asked)
    assert (before["letters"], before["strength"]) == (after["letters"], after["strength"])
    assert after["test_accuracy"] == 0


def test_heard_right_counts_each_emotion(trained):
    hearer, _ = trained
    answers = [
        Answer(Emotion.HAPPY, "খুশির বইটা শোনাবেন আমাকে?"),
        Answer(Emotion.HAPPY, "ভয়ের বইটা শোনাবেন আমাকে?"),
        Answer(Emotion.FEAR, "আতঙ্কের বইটা শোনাবেন আমাকে?"),
        Answer(Emotion.SAD, "ভয়ের বইটা শোনাবেন আমাকে?"),
    ]
    heard = heard_right(hearer, answers)
    assert heard["right"] == 0.5
    assert heard["emotions"] == {"fear": 1, "happy": 0.5, "sad": 0}
    assert heard["right"] <= heard["among_two"] <= 1


def test_a_guard_by_ear_is_measured_on_answers_and_on_written_sentences(trained, samples):
    hearer, _ = trained
    answers = [Answer(samples[0].emotion, samples[0].text), Answer(Emotion.SAD, "ভয়ের আতঙ্কের বইটা শোনাবেন আমাকে?")]
    first, *limits = guard_by_ear(hearer, answers, samples)
    assert first == {
        "rule": "another emotion is likelier",
        "refused_answers": 0.5,
        "refused_new": 1.0,
        "refused_test": 0.0,
    }
    refused = [row["refused_answers"] for row in limits]
    assert refused == sorted(refused) and np.all(np.array(refused) <= 1)


def test_a_corpus_without_a_split_is_refused(samples):
    with pytest.raises(DataError, match="no val samples"):
        train_hearer([sample for sample in samples if sample.split != "val"])
