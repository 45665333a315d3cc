"""Word vectors."""

import gzip

import numpy as np
import pytest

from bengali_feedback.checkpoints import checkpoint
from bengali_feedback.errors import CheckpointError, DataError
from bengali_feedback.nlg import word2vec
from bengali_feedback.nlg.dataset import read_corpus
from bengali_feedback.nlg.text import SPECIAL_TOKENS
from bengali_feedback.nlg.word2vec import (
    corpus_vocabulary,
    embedding_matrix,
    generator_vocabulary,
    load_word2vec,
    neighbours,
    train_word2vec,
)
from bengali_feedback.text import read_texts


def test_the_vocabulary_holds_every_word_of_texts_and_cues(handful_corpus):
    vocabulary = corpus_vocabulary(handful_corpus)
    for sample in read_corpus(handful_corpus):
        assert all(word in vocabulary for word in sample.cue.split())
    assert "হাসিটা" in vocabulary and "।" in vocabulary


def test_words_in_the_same_company_become_neighbours(handful_corpus, tmp_path):
    lines = ["হাসিটা দেখে মনটা হালকা লাগছে"] * 300 + ["গল্পটা দেখে মনটা হালকা লাগছে"] * 300
    lines += ["পানি খেয়ে বুক ভরে শ্বাস নিন"] * 300
    (tmp_path / "texts.txt").write_text("\n".join(lines), encoding="utf-8")
    vectors = train_word2vec(
        [tmp_path / "texts.txt"], handful_corpus, tmp_path / "word2vec.kv", vector_size=16, progress=False
    )
    assert vectors.similarity("হাসিটা", "গল্পটা") > vectors.similarity("হাসিটা", "পানি")
    again = train_word2vec(
        [tmp_path / "texts.txt"], handful_corpus, tmp_path / "again.kv", vector_size=16, progress=False
    )
    assert np.array_equal(vectors.vectors, again.vectors)
    read = load_word2vec(tmp_path / "word2vec.kv")
    assert read.index_to_key == vectors.index_to_key
    assert "হালকা" in read  # in the texts alone, but often
    assert str(tmp_path).encode() not in (tmp_path / "word2vec.kv").read_bytes()


def test_the_vocabulary_is_filled_up_with_common_words_of_the_texts_that_may_be_said(
    handful_corpus, tmp_path, monkeypatch
):
    lines = ["নদীর ধারে বাতাস"] * 9 + ["নদীর ধারে abc ৫টা"] * 9 + ["নদীর"] * 9 + ["আত্মহত্যা"] * 50
    (tmp_path / "texts.txt").write_text("\n".join(lines), encoding="utf-8")
    own = corpus_vocabulary(handful_corpus)
    monkeypatch.setattr(word2vec, "VOCABULARY_SIZE", len(own) + 3)
    vectors = train_word2vec(
        [tmp_path / "texts.txt"], handful_corpus, tmp_path / "word2vec.kv", vector_size=16, progress=False
    )
    vocabulary = generator_vocabulary(handful_corpus, vectors)
    assert vocabulary.tokens[: len(own)] == own.tokens
    assert vocabulary.tokens[len(own) :] == ["নদীর", "ধারে", "বাতাস"]


def test_texts_come_from_plain_gzip_and_table_files(tmp_path):
    (tmp_path / "a.txt").write_text("এক\nদুই\n", encoding="utf-8")
    with gzip.open(tmp_path / "b.txt.gz", "wt", encoding="utf-8") as file:
        file.write("তিন\n")
    (tmp_path / "c.tsv").write_text("en\tbn\nfour\tচার\n", encoding="utf-8")
    (tmp_path / "d.tsv").write_text("id\ttext\n5\tপাঁচ\n", encoding="utf-8")
    texts = read_texts([tmp_path / name for name in ("a.txt", "b.txt.gz", "c.tsv", "d.tsv")])
    assert [text.strip() for text in texts] == ["এক", "দুই", "তিন", "চার", "পাঁচ"]


def test_unreadable_texts_are_errors(tmp_path):
    (tmp_path / "a.tsv").write_text("x\ty\n", encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(b"\xff")
    for name, message in (("a.tsv", "no column"), ("b.txt", "cannot be read"), ("none.txt", "cannot be read")):
        with pytest.raises(DataError, match=message):
            list(read_texts([tmp_path / name]))


def test_a_missing_or_broken_file_is_a_checkpoint_error(tmp_path):
    (tmp_path / "broken.kv").write_bytes(b"no pickle")
    for name in ("broken.kv", "none.kv"):
        with pytest.raises(CheckpointError, match="cannot be read"):
            load_word2vec(tmp_path / name)


def test_rows_of_the_embedding_follow_the_vocabulary(handful_corpus, handful_vectors):
    vocabulary, vectors = corpus_vocabulary(handful_corpus), load_word2vec(handful_vectors)
    matrix = embedding_matrix(vocabulary, vectors)
    assert matrix.shape == (len(vocabulary), 16) and matrix.dtype == np.float32
    word = vocabulary.ids["গান"]
    cosine = matrix[word] @ vectors["গান"] / np.linalg.norm(matrix[word]) / np.linalg.norm(vectors["গান"])
    assert cosine == pytest.approx(1)
    assert np.linalg.norm(matrix[len(SPECIAL_TOKENS) + 14 :], axis=1).mean() == pytest.approx(1, abs=0.01)


def test_shipped_vectors_know_what_belongs_together():
    vectors = load_word2vec(checkpoint("nlg/word2vec.kv"))
    assert "হাসিমুখ" in [word for word, _ in neighbours(vectors, "হাসি", 10)]
    assert "তোমার" in [word for word, _ in neighbours(vectors, "তুমি", 10)]
    with pytest.raises(DataError, match="has no vector"):
        neighbours(vectors, "অজানাশব্দ")
