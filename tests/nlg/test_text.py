"""Cleaning, tokens and the vocabulary."""

import subprocess
import sys

import numpy as np
import pytest

from bengali_feedback.checkpoints import home
from bengali_feedback.errors import CheckpointError, TextError
from bengali_feedback.nlg.dataset import read_corpus
from bengali_feedback.nlg.text import (
    CUE_TOKENS,
    END,
    PAD,
    TEXT_TOKENS,
    UNKNOWN,
    VOCABULARY_SIZE,
    Vocabulary,
    clean_text,
    cue_tokens,
    detokenize,
    tokenize,
)

SHIPPED = home() / "corpus" / "feedback.tsv"


def test_tokenizing_the_whole_corpus_can_be_undone():
    for sample in read_corpus(SHIPPED):
        assert detokenize(tokenize(sample.text)) == sample.text


def test_every_text_and_cue_of_the_corpus_fits_whole():
    for sample in read_corpus(SHIPPED):
        assert len(tokenize(sample.text)) + 1 <= TEXT_TOKENS
        assert len(cue_tokens(sample.cue, sample.register, sample.emotion, sample.intent)) <= CUE_TOKENS


def test_words_and_marks_are_tokens():
    assert tokenize("চমকে গেছেন বুঝি? থামুন, বলুন।") == ["চমকে", "গেছেন", "বুঝি", "?", "থামুন", ",", "বলুন", "।"]


def test_cleaning_keeps_visarga_and_removes_noise():
    assert clean_text("দুঃখ  \u200bপাবেন না 😊 https://example.org") == "দুঃখ পাবেন না"
    assert clean_text("সময\u09bc") == "সম\u09df"


def test_bnlp_is_imported_without_a_word_and_without_the_network():
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise SystemExit('tried the network')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "from bengali_feedback.nlg.text import tokenize\n"
        "assert tokenize('ভালো।') == ['ভালো', '।']\n"
    )
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONPATH": str(SHIPPED.parents[1])}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_cue_tokens_are_optional():
    assert cue_tokens("মন খারাপ", "apni", "sad", "comfort") == ["<apni>", "<sad>", "<comfort>", "মন", "খারাপ"]
    assert cue_tokens("মন খারাপ") == ["মন", "খারাপ"]
    assert cue_tokens(register="tumi") == ["<tumi>"]


def test_a_vocabulary_encodes_pads_and_decodes():
    vocabulary = Vocabulary.from_texts(["ভালো লাগছে।", "ভালো আছি।"])
    assert vocabulary.tokens[vocabulary.reserved :] == ["।", "ভালো", "আছি", "লাগছে"]
    numbers = vocabulary.encode(["ভালো", "নেই", "।", END], 6)
    assert numbers.dtype == np.int32
    assert [vocabulary.tokens[n] for n in numbers] == ["ভালো", UNKNOWN, "।", END, PAD, PAD]
    assert vocabulary.decode(numbers) == ["ভালো", UNKNOWN, "।"]


def test_nothing_is_cut_in_silence():
    with pytest.raises(TextError, match="3 tokens do not fit into 2"):
        Vocabulary(["ভালো"]).encode(["ভালো", "ভালো", "ভালো"], 2)


def test_a_vocabulary_holds_seven_thousand_tokens_and_no_more():
    letters = "কখগঘচছজঝটঠডঢতথদধনপফবভম"
    many = [a + b + c for a in letters for b in letters for c in letters]
    assert len(Vocabulary.from_texts([" ".join(many)])) == VOCABULARY_SIZE == 7000


def test_a_vocabulary_survives_saving(tmp_path):
    vocabulary = Vocabulary(["ভালো", "।"])
    vocabulary.save(tmp_path / "vocabulary.json")
    assert Vocabulary.load(tmp_path / "vocabulary.json").tokens == vocabulary.tokens


@pytest.mark.parametrize("content", ["", "[]", '{"words": 3}'])
def test_a_broken_vocabulary_is_a_checkpoint_error(tmp_path, content):
    (tmp_path / "vocabulary.json").write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match="is not a vocabulary"):
        Vocabulary.load(tmp_path / "vocabulary.json")
    with pytest.raises(CheckpointError, match="is missing"):
        Vocabulary.load(tmp_path / "none.json")
