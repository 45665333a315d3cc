"""Training the generator."""

import json
import sys

import numpy as np
import pytest

from bengali_feedback import cli
from bengali_feedback.checkpoints import sha256
from bengali_feedback.errors import CheckpointError, DataError
from bengali_feedback.nlg import train as training
from bengali_feedback.nlg.dataset import read_corpus
from bengali_feedback.nlg.generator import FeedbackGenerator
from bengali_feedback.nlg.models import GeneratorSize
from bengali_feedback.nlg.text import END, PAD, START, UNKNOWN, tokenize
from bengali_feedback.nlg.word2vec import corpus_vocabulary, generator_vocabulary, load_word2vec

SMALL = GeneratorSize(filters=24, encoder_units=16, decoder_units=48, dropout=0.0)


def train(corpus, vectors, folder, **options):
    options = {"size": SMALL, "learning_rate": 0.01, "patience": 1000, "progress": False} | options
    return training.train_generator(corpus, vectors, folder / "checkpoints", run_dir=folder / "run", **options)


@pytest.fixture(scope="module")
def learned(handful_corpus, handful_vectors, tmp_path_factory):
    folder = tmp_path_factory.mktemp("learned")
    return folder / "checkpoints", train(handful_corpus, handful_vectors, folder, epochs=70, learning_rate=0.02)


def test_it_learns_a_handful_by_heart(learned):
    _, history = learned
    assert history["epochs"][-1]["val_accuracy"] > 0.98  # val holds the same sentences
    assert history["epochs"][-1]["val_loss"] < 0.2 * history["epochs"][0]["val_loss"]


def test_a_learned_sentence_is_said(learned, handful_corpus):
    generator = FeedbackGenerator.load(learned[0] / "nlg", handful_corpus)
    answer = generator.generate("sad", "tumi", "suggest", seed=0)
    assert (answer.text, answer.source) == ("চলো, পছন্দের একটা গান শুনে দেখি!", "generated")


def test_checkpoints_are_written_whole_and_registered(learned):
    root, history = learned
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest) == {"nlg/generator.keras", "nlg/vocabulary.json"}
    assert manifest["nlg/generator.keras"]["sha256"] == sha256(root / "nlg" / "generator.keras")
    assert json.loads((root / "nlg" / "history.json").read_text()) == history
    assert sorted(path.name for path in (root / "nlg").iterdir()) == [
        "generator.keras",
        "history.json",
        "vocabulary.json",
    ]


def test_an_interrupted_run_ends_like_an_uninterrupted_one(handful_corpus, handful_vectors, tmp_path, monkeypatch):
    options = {"epochs": 5, "size": GeneratorSize(filters=8, encoder_units=4, decoder_units=8, dropout=0.3)}
    whole = train(handful_corpus, handful_vectors, tmp_path / "whole", **options)

    finish = training._Run.finish_epoch

    def killed(run, **scores):
        if len(run.epochs) == 2:
            raise KeyboardInterrupt
        finish(run, **scores)

    monkeypatch.setattr(training._Run, "finish_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        train(handful_corpus, handful_vectors, tmp_path / "cut", **options)
    assert not (tmp_path / "cut" / "checkpoints").exists()
    monkeypatch.setattr(training._Run, "finish_epoch", finish)

    resumed = train(handful_corpus, handful_vectors, tmp_path / "cut", **options)
    assert len(resumed["epochs"]) == len(whole["epochs"]) == 5
    for one, other in zip(resumed["epochs"], whole["epochs"], strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    again = train(handful_corpus, handful_vectors, tmp_path / "cut", **options)  # nothing is left to do
    assert again == resumed


def test_a_killed_training_goes_on_with_the_same_command(
    handful_corpus, handful_vectors, tmp_path, monkeypatch, kill_when, capfd
):
    run, out = tmp_path / "run", tmp_path / "checkpoints"
    command = ["train", "nlg", "--corpus", handful_corpus, "--vectors", handful_vectors, "--out", out, "--run", run]
    command = [*map(str, command), "--epochs", "4"]
    kill_when(["-m", "bengali_feedback.cli", *command], (run / "state.npz").exists)
    with np.load(run / "state.npz") as saved:
        before = json.loads(str(saved["meta"]))["epochs"]
    assert 1 <= len(before) < 4 and not out.exists()

    monkeypatch.setattr(sys, "argv", ["bengali-feedback", *command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    history = json.loads((out / "nlg" / "history.json").read_text(encoding="utf-8"))
    assert history["epochs"][: len(before)] == before and len(history["epochs"]) == 4
    FeedbackGenerator.load(out / "nlg", handful_corpus)


# --- Pre-training on open text


@pytest.fixture(scope="module")
def open_text(tmp_path_factory):
    """Sentences of the handful's words, one with an unknown word, one with two, one too short, one twice."""
    lines = ["মনটা খুব ভালো লাগল।", "তোমার গল্পটা দেখে ভালো লাগছে!", "ঠান্ডা পানি খেয়ে বসো।", 'বুক ভরে শ্বাস নিন, "দেখে" চলো।']
    lines += ["ঘোড়াটা খুব ভালো লাগল।", "ঘোড়াটা খুব দৌড়াল কাল।", "ভালো লাগল।", "মনটা খুব ভালো লাগল।"]
    path = tmp_path_factory.mktemp("open") / "text.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def vocabulary(handful_corpus, handful_vectors):
    return generator_vocabulary(handful_corpus, load_word2vec(handful_vectors))


def test_open_sentences_fit_the_vocabulary_and_stand_once(vocabulary, open_text):
    sentences = training.open_sentences(vocabulary, [open_text])
    spoken = [vocabulary.decode(row) for row in sentences]
    assert spoken[0] == ["মনটা", "খুব", "ভালো", "লাগল", "।"] and len(spoken) == 5
    assert "দেখে" in spoken[3] and '"' not in spoken[3]
    assert spoken[4][0] == UNKNOWN
    assert all(vocabulary.ids[END] in row for row in sentences)


def test_a_cue_of_pre_training_is_made_of_the_sentence_s_own_words(vocabulary, open_text):
    sentences = training.open_sentences(vocabulary, [open_text])
    for seed in range(20):
        cues = training.own_words(sentences, vocabulary, np.random.default_rng(seed))
        for cue, sentence in zip(cues, sentences, strict=True):
            chosen = [vocabulary.tokens[number] for number in cue if number]
            assert 1 <= len(chosen) <= 4 and len(set(chosen)) == len(chosen)
            assert set(chosen) <= set(vocabulary.decode(sentence)) - {UNKNOWN, "।", "!", ","}


def test_pre_training_learns_resumes_and_changes_where_training_starts(
    handful_corpus, handful_vectors, open_text, tmp_path
):
    options = {"texts": [open_text], "size": GeneratorSize(filters=8, encoder_units=4, decoder_units=24, dropout=0.3)}
    options |= {"epochs": 1}
    train(handful_corpus, handful_vectors, tmp_path, rounds=2, **options)
    state = tmp_path / "run" / "pretraining" / "state.npz"
    with np.load(state) as saved:
        first = json.loads(str(saved["meta"]))["epochs"]
    (tmp_path / "run" / "state.npz").unlink()
    history = train(handful_corpus, handful_vectors, tmp_path, rounds=40, **options)
    with np.load(state) as saved:
        losses = [row["loss"] for row in json.loads(str(saved["meta"]))["epochs"]]
    assert losses[:2] == [row["loss"] for row in first] and len(losses) == 40
    assert losses[-1] < 0.85 * losses[0]
    plain = train(handful_corpus, handful_vectors, tmp_path / "plain", **(options | {"texts": ()}))
    assert history["epochs"][0]["loss"] != plain["epochs"][0]["loss"]


def test_open_text_that_never_fits_is_refused(handful_corpus, handful_vectors, tmp_path):
    (tmp_path / "text.txt").write_text("অচেনা কথার একটা বাক্য\n", encoding="utf-8")
    with pytest.raises(DataError, match="no sentence of .*text.txt fits"):
        train(handful_corpus, handful_vectors, tmp_path, texts=[tmp_path / "text.txt"])


def test_training_stops_when_the_validation_loss_stays(handful_corpus, handful_vectors, tmp_path, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.4, 2.3, 1.0])
    monkeypatch.setattr(training, "teacher_forced_scores", lambda *_: {"loss": next(losses), "accuracy": 0.5})
    history = train(handful_corpus, handful_vectors, tmp_path, epochs=6, patience=3)
    assert len(history["epochs"]) == 5 and history["best_epoch"] == 2


def test_another_runs_state_is_refused(handful_corpus, handful_vectors, tmp_path):
    train(handful_corpus, handful_vectors, tmp_path, epochs=1)
    with pytest.raises(DataError, match="other settings"):
        train(handful_corpus, handful_vectors, tmp_path, epochs=1, seed=7)
    edited = tmp_path / "edited.tsv"  # as many samples, as many words
    edited.write_text(handful_corpus.read_text(encoding="utf-8").replace("।\t", "!\t"), encoding="utf-8")
    with pytest.raises(DataError, match="or data"):
        train(edited, handful_vectors, tmp_path, epochs=1)
    (tmp_path / "run" / "state.npz").write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match="delete it"):
        train(handful_corpus, handful_vectors, tmp_path, epochs=1)


def test_a_corpus_without_val_samples_is_refused(handful_corpus, handful_vectors, tmp_path):
    path = tmp_path / "feedback.tsv"
    path.write_text(handful_corpus.read_text(encoding="utf-8").replace("\tval\n", "\ttrain\n"), encoding="utf-8")
    with pytest.raises(DataError, match="12 train and 0 val"):
        train(path, handful_vectors, tmp_path)


def test_decoder_inputs_are_the_targets_one_step_earlier(handful_corpus):
    vocabulary = corpus_vocabulary(handful_corpus)
    sample = read_corpus(handful_corpus)[0]
    inputs, targets = training.encode_texts(vocabulary, [sample])
    tokens = tokenize(sample.text)
    assert [vocabulary.tokens[n] for n in inputs[0][: len(tokens) + 2]] == [START, *tokens, PAD]
    assert [vocabulary.tokens[n] for n in targets[0][: len(tokens) + 2]] == [*tokens, END, PAD]


def test_teacher_forced_scores_of_a_network_that_knows_and_one_that_guesses():
    targets = np.array([[4, 2, 0, 0]])

    class Fixed:
        def __init__(self, scores):
            self.scores = scores

        def __call__(self, inputs, training):
            import tensorflow as tf

            return tf.constant(self.scores)

    known = np.full((1, 4, 6), -30.0, np.float32)
    known[0, 0, 4] = known[0, 1, 2] = 30.0
    scores = training.teacher_forced_scores(Fixed(known), targets, targets, targets)
    assert scores["loss"] == pytest.approx(0, abs=1e-6) and scores["accuracy"] == scores["padded_accuracy"] == 1
    guess = np.zeros((1, 4, 6), np.float32)
    scores = training.teacher_forced_scores(Fixed(guess), targets, targets, targets)
    assert scores["perplexity"] == pytest.approx(6)
    assert (scores["accuracy"], scores["padded_accuracy"]) == (0, 0.5)
    assert scores["padded_loss"] == pytest.approx(scores["loss"] / 2)


def test_cue_dropout_leaves_some_of_the_cue(handful_corpus):
    vocabulary, samples = corpus_vocabulary(handful_corpus), read_corpus(handful_corpus)
    full = training.encode_cues(vocabulary, samples)
    dropped = training.encode_cues(vocabulary, samples * 20, np.random.default_rng(0))
    share = (dropped > 0).sum() / (20 * (full > 0).sum())
    assert share == pytest.approx(1 - training.CUE_DROPOUT, abs=0.03)
    assert (dropped[:, 0] > 0).all()
