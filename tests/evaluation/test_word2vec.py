"""The report on the word vectors."""

import numpy as np
import pytest

from bengali_feedback.checkpoints import checkpoint, home
from bengali_feedback.evaluation.word2vec import EMOTION_WORDS, evaluate_word2vec, word2vec_markdown
from bengali_feedback.nlg.dataset import COLUMNS


@pytest.fixture
def corpus(tmp_path):
    rows = [
        ("happy-0001", "happy", "apni", "ask", "আনন্দ গল্প", "আনন্দ আর হাসি, হাসি আর আনন্দ।", "train"),
        ("sad-0001", "sad", "apni", "ask", "কান্না", "মন ভার করে আছেন?", "test"),
    ]
    path = tmp_path / "feedback.tsv"
    path.write_text("\n".join("\t".join(row) for row in (COLUMNS, *rows)) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def vectors(tmp_path):
    from gensim.models import KeyedVectors

    known = KeyedVectors(3)
    known.add_vectors(
        ["আনন্দ", "হাসি", "মন", "আর", "গল্প"],
        np.array([[1, 0, 0], [1, 0.2, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]], np.float32),
    )
    known.save(str(tmp_path / "word2vec.kv"))
    return tmp_path / "word2vec.kv"


def test_coverage_counts_words_and_running_words(vectors, corpus):
    report = evaluate_word2vec(vectors, corpus)
    assert (report["vectors"], report["dimensions"]) == (5, 3)
    assert report["corpus_words"] == 9  # আনন্দ আর হাসি মন ভার করে আছেন গল্প কান্না
    assert report["coverage"] == pytest.approx(5 / 9)
    assert report["coverage_of_running_words"] == pytest.approx(1 - 3 / 10)
    assert set(report["without_vector"]) == {"ভার", "করে", "আছেন", "কান্না"}


def test_thirty_emotion_words_have_their_neighbours_or_none(vectors, corpus):
    report = evaluate_word2vec(vectors, corpus)
    assert len(report["neighbours"]) == len(EMOTION_WORDS) == 30
    assert report["neighbours"]["আনন্দ"]["nearest"][0] == ("হাসি", pytest.approx(0.981, abs=1e-3))
    assert report["neighbours"]["দুঃখ"]["nearest"] == []
    text = word2vec_markdown(report)
    assert "| আনন্দ | joy | হাসি 0.98," in text and "| দুঃখ | sorrow | no vector |" in text
    assert "coverage: 55.56%" in text


def test_the_shipped_vectors_cover_the_corpus_and_know_most_emotion_words():
    report = evaluate_word2vec(checkpoint("nlg/word2vec.kv"), home() / "corpus" / "feedback.tsv")
    assert report["coverage"] >= 0.98
    assert sum(bool(row["nearest"]) for row in report["neighbours"].values()) >= 28
