"""A corpus of a handful of samples and word vectors for it, made here."""

from pathlib import Path

import numpy as np
import pytest

from bengali_feedback.nlg.dataset import COLUMNS

HANDFUL = [
    ("happy", "apni", "acknowledge", "আনন্দ দেখে ভালো লাগা", "আপনার হাসিটা দেখে খুব ভালো লাগল।"),
    ("happy", "tumi", "ask", "আনন্দ জানতে চাওয়া গল্প", "তোমার খুশির গল্পটা শোনাবে নাকি?"),
    ("sad", "apni", "comfort", "মন খারাপ সান্ত্বনা পাশে থাকা", "মনটা ভারী লাগছে বুঝি, একটু জিরিয়ে নিন।"),
    ("sad", "tumi", "suggest", "মন খারাপ পরামর্শ গান", "চলো, পছন্দের একটা গান শুনে দেখি!"),
    ("fear", "apni", "encourage", "ভয় সাহস ধীরে শ্বাস", "বুক ভরে শ্বাস নিন, আপনি পারবেন।"),
    ("angry", "tumi", "suggest", "রাগ পরামর্শ পানি খাওয়া", "এক গ্লাস ঠান্ডা পানি খেয়ে এসো।"),
]


@pytest.fixture(scope="session")
def handful_corpus(tmp_path_factory) -> Path:
    """Six train samples, and the same six again as val, so that learning them by heart lowers both losses."""
    from bengali_feedback.text import normalize_bengali

    lines = ["\t".join(COLUMNS)]
    for split in ("train", "val"):
        for number, (emotion, *fields) in enumerate(HANDFUL, 1 if split == "train" else 101):
            lines.append("\t".join([f"{emotion}-{number:04d}", emotion, *map(normalize_bengali, fields), split]))
    path = tmp_path_factory.mktemp("corpus") / "feedback.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def handful_vectors(handful_corpus, tmp_path_factory) -> Path:
    """Random word vectors of 16 dimensions for the handful's words."""
    from gensim.models import KeyedVectors

    from bengali_feedback.nlg.word2vec import corpus_vocabulary

    vocabulary = corpus_vocabulary(handful_corpus)
    words = vocabulary.tokens[vocabulary.reserved :]
    vectors = KeyedVectors(16)
    vectors.add_vectors(words, np.random.default_rng(0).normal(size=(len(words), 16)).astype(np.float32))
    path = tmp_path_factory.mktemp("vectors") / "word2vec.kv"
    vectors.save(str(path))
    return path


@pytest.fixture(scope="session")
def shipped():
    """The shipped generator. Tests that change it undo what they change."""
    from bengali_feedback.nlg.generator import FeedbackGenerator

    return FeedbackGenerator.load()
