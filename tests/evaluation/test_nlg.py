"""The generator's report."""

import pytest

from bengali_feedback.checkpoints import home
from bengali_feedback.emotion import EMOTIONS
from bengali_feedback.evaluation.nlg import distinct_2, evaluate_nlg, nlg_markdown
from bengali_feedback.nlg.generator import FeedbackGenerator

CORPUS = home() / "corpus" / "feedback.tsv"


@pytest.fixture(scope="module")
def report():
    return evaluate_nlg(FeedbackGenerator.load(), CORPUS, n_per_emotion=8, seed=0)


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
    again = evaluate_nlg(FeedbackGenerator.load(), CORPUS, n_per_emotion=8, seed=0)
    assert again | {"milliseconds": None} == report | {"milliseconds": None}


def test_the_markdown_holds_the_figures(report):
    text = nlg_markdown(report)
    assert f"| said by the network | {report['generated']:.1%} |" in text
    assert "| surprise |" in text


def test_distinct_2_counts_pairs_of_words():
    assert distinct_2(["এক দুই তিন", "এক দুই চার"]) == 3 / 4
