"""The generator's report."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from bengali_feedback.checkpoints import home
from bengali_feedback.emotion import EMOTIONS
from bengali_feedback.evaluation import plots
from bengali_feedback.evaluation.nlg import (
    distinct_2,
    evaluate_nlg,
    nlg_markdown,
    nlg_pictures,
    self_bleu,
    some_of_each,
    throughput,
)
from bengali_feedback.nlg.dataset import Sample, read_corpus
from bengali_feedback.nlg.generator import FeedbackGenerator

CORPUS = home() / "corpus" / "feedback.tsv"


@pytest.fixture(scope="module")
def generator():
    return FeedbackGenerator.load()


@pytest.fixture(scope="module")
def report(generator):
    return evaluate_nlg(generator, CORPUS, n_per_emotion=8, seed=0)


def said(emotion, *texts):
    return [Sample(f"{emotion}-0001", emotion, "apni", "ask", "", text, "train") for text in texts]


def test_shares_are_shares_and_no_answer_follows_itself(report):
    assert report["sentences"] == 56
    for name in ("generated", "not_in_corpus", "first_attempt", "repeated", "distinct_2"):
        assert 0 <= report[name] <= 1
    assert report["equal_in_a_row"] == 0
    assert report["register_right"] == 1
    assert list(report["emotions"]) == [emotion.value for emotion in EMOTIONS]


def test_the_test_split_is_scored(report):
    assert 0 < report["test"]["accuracy"] < report["test"]["padded_accuracy"] < 1
    assert 10 < report["test"]["perplexity"] < 500
    assert report["train"]["accuracy"] > report["test"]["accuracy"]


def test_every_answer_is_listed_so_that_it_can_be_read(report):
    answers = report["answers"]
    assert len(answers) == 56
    assert sum(answer["new"] for answer in answers) / 56 == pytest.approx(report["not_in_corpus"])
    texts = [answer["text"] for answer in answers]
    assert report["most_often"] == max(texts.count(text) for text in texts)


def test_the_report_is_repeatable_but_for_the_time(report):
    times = {"milliseconds": None, "sentences_a_second": None}
    assert evaluate_nlg(FeedbackGenerator.load(), CORPUS, n_per_emotion=8, seed=0) | times == report | times


def test_an_independent_classifier_hears_the_emotion_of_most_answers(report):
    assert report["hearer"]["test_accuracy"] > 0.7  # of seven emotions
    assert report["heard"]["right"] > 0.7
    assert report["heard"]["right"] == pytest.approx(
        np.mean([row["heard_right"] for row in report["emotions"].values()])
    )
    refusing = report["guard_by_ear"][0]
    assert refusing["refused_answers"] == pytest.approx(1 - report["heard"]["right"])
    assert refusing["refused_test"] == pytest.approx(1 - report["hearer"]["test_accuracy"])


def test_self_bleu_stands_beside_the_corpus_s(report):
    assert 0 < report["corpus_self_bleu"] < 0.5
    assert report["corpus_self_bleu"] < report["self_bleu"] < 1
    assert report["self_bleu_without_repeats"] <= report["self_bleu"]


def test_the_markdown_holds_the_figures(report):
    text = nlg_markdown(report)
    assert f"| said by the network | {report['generated']:.1%} |" in text
    assert "| surprise |" in text
    assert f"| emotion heard right | {report['heard']['right']:.1%};" in text
    assert f"| sentences a second in batches of 32 | {report['sentences_a_second']:.0f} |" in text
    assert "| another emotion is likelier |" in text


def test_distinct_2_counts_pairs_of_words():
    assert distinct_2(["এক দুই তিন", "এক দুই চার"]) == 3 / 4


def test_self_bleu_is_1_for_one_sentence_again_and_again_and_near_0_without_common_words():
    one = said("sad", *["মনটা আজ বেশ ভালো লাগছে।"] * 3)
    other = said("sad", "মনটা আজ বেশ ভালো লাগছে।", "চলুন একটু হেঁটে আসি এখন।", "গল্পটা শোনাবেন না কাউকে কখনো?")
    assert self_bleu(one) == pytest.approx(1)
    assert self_bleu(other) < 0.05
    assert self_bleu(other[:1]) == 0


def test_self_bleu_compares_within_an_emotion():
    text = "মনটা আজ বেশ ভালো লাগছে।"
    apart = said("sad", text, "চলুন একটু হেঁটে আসি এখন।") + said("happy", text, "গল্পটা শোনাবেন না কাউকে কখনো?")
    assert self_bleu(apart) < 0.05


def test_the_corpus_sentences_to_compare_with_are_as_many_of_each_emotion():
    samples = read_corpus(CORPUS)
    chosen = some_of_each(samples, 5, seed=1)
    assert Counter(sample.emotion for sample in chosen) == dict.fromkeys(EMOTIONS, 5)
    assert chosen == some_of_each(samples, 5, seed=1) != some_of_each(samples, 5, seed=2)


def test_throughput_is_told_in_sentences_a_second(generator):
    assert 5 < throughput(generator) < 5000  # the bar of 150 is for an idle machine


def test_pictures_of_training_and_attention_are_drawn(generator, tmp_path):
    nlg_pictures(generator, tmp_path)
    for name in ("curves", "attention-apni", "attention-tumi"):
        pixels = np.asarray(Image.open(tmp_path / f"{name}.png").convert("L"))
        assert pixels.shape[0] > 200 and pixels.min() < 100 < pixels.max()


def test_attention_bars_are_as_long_as_the_weights(tmp_path):
    def blue(path):
        pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
        return ((abs(pixels - [0x22, 0x66, 0xAA]).sum(axis=-1)) < 12).sum(axis=1)  # pixels of each row

    plots.attention_picture({"<sad>": 0.2, "মন": 0.6, "খারাপ": 0.2}, "attention", tmp_path / "attention.png")
    rows = blue(tmp_path / "attention.png")
    lengths = sorted({int(length) for length in rows if length > 20})
    assert max(lengths) == pytest.approx(3 * min(lengths), rel=0.15)


def test_curves_draw_what_the_history_holds(tmp_path):
    history = [{"loss": 3.0, "val_loss": 3.2, "val_accuracy": 0.2}, {"loss": 2.0, "val_loss": 3.0, "val_accuracy": 0.3}]
    plots.training_curves(history, "generator", tmp_path / "curves.png", ("train", "val"))
    assert Image.open(tmp_path / "curves.png").size[0] > 1000
