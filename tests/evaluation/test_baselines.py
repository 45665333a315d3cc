"""The three simpler models beside the generator."""

import numpy as np
import pytest

from bengali_feedback.checkpoints import home
from bengali_feedback.emotion import EMOTIONS
from bengali_feedback.errors import DataError
from bengali_feedback.evaluation.baselines import (
    KneserNeyTrigram,
    baselines_markdown,
    conditioned,
    evaluate_baselines,
    plain_lstm,
)
from bengali_feedback.nlg.dataset import read_corpus
from bengali_feedback.nlg.generator import FeedbackGenerator
from bengali_feedback.nlg.models import GeneratorSize, feedback_generator
from bengali_feedback.nlg.text import CUE_TOKENS, Vocabulary
from bengali_feedback.nlg.word2vec import corpus_vocabulary

SENTENCES = [[8, 9, 1, 2, 3], [8, 9, 1, 2, 4], [8, 9, 5, 2, 3], [8, 9, 1, 2, 3], [8, 9, 2, 1, 2, 6]]
SIZE = GeneratorSize(filters=8, encoder_units=6, decoder_units=12)


@pytest.fixture(scope="module")
def small_corpus(tmp_path_factory):
    """The first eight train, two val and two test samples of each emotion of the shipped corpus."""
    wanted = {"train": 8, "val": 2, "test": 2}
    header, *lines = (home() / "corpus" / "feedback.tsv").read_text(encoding="utf-8").splitlines()
    chosen = []
    for emotion in EMOTIONS:
        for split, count in wanted.items():
            own = [line for line in lines if line.split("\t")[1] == emotion and line.endswith(f"\t{split}")]
            chosen += own[:count]
    path = tmp_path_factory.mktemp("corpus") / "feedback.tsv"
    path.write_text("\n".join([header, *chosen]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def generator(small_corpus):
    """A small, untrained generator."""
    vocabulary = corpus_vocabulary(small_corpus)
    vectors = np.random.default_rng(0).normal(0, 0.1, (len(vocabulary), 16)).astype(np.float32)
    return FeedbackGenerator(feedback_generator(vectors, SIZE), vocabulary, read_corpus(small_corpus))


@pytest.fixture(scope="module")
def report(generator, small_corpus):
    return evaluate_baselines(generator, small_corpus, epochs=2, size=SIZE, progress=False)


def test_kneser_ney_is_nltks_where_nltk_gives_a_probability():
    from nltk.lm import KneserNeyInterpolated

    ours = KneserNeyTrigram(SENTENCES, 10, discounts=(0, 0.5, 0.5))
    trigrams = [tuple(row[place : place + 3]) for row in SENTENCES for place in range(len(row) - 2)]
    shorter = [trigram[start:] for trigram in trigrams for start in (1, 2)]
    names = lambda grams: [tuple(map(str, gram)) for gram in grams]  # noqa: E731
    theirs = KneserNeyInterpolated(order=3, discount=0.5)
    theirs.fit([names([*trigrams, *shorter])], vocabulary_text=[str(word) for word in range(1, 10)])
    for before in [(8, 9), (9, 1), (1, 2), (5, 2), (2, 1), (7, 2), (3, 3)]:
        expected = [theirs.score(str(word), list(map(str, before))) for word in range(1, 7)]
        assert ours.probabilities(before)[1:7] == pytest.approx(expected)


def test_kneser_ney_probabilities_sum_to_one_and_leave_something_for_every_word():
    model = KneserNeyTrigram(SENTENCES, 10)
    for before in [(8, 9), (1, 2), (7, 7), (0, 2)]:
        probabilities = model.probabilities(before)
        assert probabilities.sum() == pytest.approx(1)
        assert (probabilities > 0).all()
    assert model.probabilities((1, 2)).argmax() == 3


def test_a_word_counts_by_the_company_it_keeps_not_by_how_often_it_stands():
    """Kneser and Ney's point: 4 stands often but behind 3 alone, 5 more seldom but behind many."""
    rows = [[1, 3, 4]] * 9 + [[1, word, 5] for word in (2, 6, 7)]
    probabilities = KneserNeyTrigram(rows, 10).probabilities((9, 9))
    assert probabilities[5] > 2 * probabilities[4]


def test_kneser_ney_reads_emotion_and_register_before_the_first_word(small_corpus, generator):
    cues = np.array([[4, 6, 13, 20, 0], [5, 7, 13, 0, 0]])
    targets = np.array([[30, 31, 2, 0], [32, 2, 0, 0]])
    assert conditioned(cues, targets) == [[6, 4, 30, 31, 2], [7, 5, 32, 2]]
    model = KneserNeyTrigram(conditioned(cues, targets), 40)
    scores = model([cues, np.array([[1, 30, 31, 0], [1, 32, 0, 0]])])
    assert scores.shape == (2, 4, 40)
    assert np.exp(scores[0, :3]).sum(axis=-1) == pytest.approx(1, abs=1e-5)
    assert scores.argmax(axis=-1)[0, :3].tolist() == [30, 31, 2]
    assert scores.argmax(axis=-1)[1, :2].tolist() == [32, 2]


def test_the_plain_lstm_scores_the_next_word_of_the_sentence_from_what_is_before_it():
    model = plain_lstm(30, dimensions=6, units=5, dropout=0)
    cue = np.zeros((1, CUE_TOKENS), np.int32)
    cue[0, :2] = 4, 7
    before = model([cue, np.array([[1, 9, 8]])]).numpy()
    after = model([cue, np.array([[1, 9, 20]])]).numpy()
    assert before.shape == (1, 3, 30)
    assert after[:, :2] == pytest.approx(before[:, :2], abs=1e-6)
    assert not np.allclose(after[:, 2], before[:, 2])
    cue[0, 1] = 8
    assert not np.allclose(model([cue, np.array([[1, 9, 8]])]).numpy(), before)
    assert sum(layer.__class__.__name__ == "LSTM" for layer in model.layers) == 3


def test_all_four_are_scored_on_the_same_sentences(report, generator):
    assert list(report["models"]) == ["network", "kneser_ney", "plain_lstm", "random_embeddings"]
    assert report["samples"] == {"train": 56, "val": 14, "test": 14}
    assert report["words"] == len(generator.vocabulary)
    for row in report["models"].values():
        for split in ("train", "test"):
            assert row[split]["perplexity"] == pytest.approx(np.exp(row[split]["loss"]))
            assert 0 <= row[split]["accuracy"] <= row[split]["padded_accuracy"] <= 1
    untrained = report["models"]["network"]["test"]["perplexity"]
    assert untrained == pytest.approx(len(generator.vocabulary), rel=0.2)
    for name in ("kneser_ney", "plain_lstm", "random_embeddings"):
        assert report["models"][name]["train"]["perplexity"] < untrained
    for name in ("plain_lstm", "random_embeddings"):
        assert 1 <= report["models"][name]["best_epoch"] <= report["models"][name]["epochs"] <= 2


def test_the_markdown_has_a_row_for_each_model(report):
    text = baselines_markdown(report)
    perplexity = report["models"]["kneser_ney"]["test"]["perplexity"]
    assert f"| kneser_ney | {perplexity:.1f} |" in text
    assert "best epoch" in text and "no attention, no Word2Vec" in text


def test_words_that_the_network_does_not_know_are_refused(generator, small_corpus, monkeypatch):
    words = generator.vocabulary.tokens[generator.vocabulary.reserved :]
    monkeypatch.setattr(generator, "vocabulary", Vocabulary(words[:50]))
    with pytest.raises(DataError, match="words that the network does not know"):
        evaluate_baselines(generator, small_corpus, epochs=1, size=SIZE, progress=False)
