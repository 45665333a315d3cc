import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bengali_feedback.tts.models import tacotron2
from bengali_feedback.tts.train_tacotron2 import (
    SAVE_EVERY,
    Example,
    attention_window,
    batch_indices,
    collate,
    mel_statistics,
    teacher_forced_mel,
    train_tacotron2,
)


def make_examples() -> list[Example]:
    """Six made-up sentences of four tokens, each token a band that stays loud for eight frames."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(6):
        tokens = rng.integers(6, 45, 4)
        mel = np.full((80, 32), -8.0, np.float32)
        for place, token in enumerate(tokens):
            mel[token - 4 : token + 4, 8 * place : 8 * place + 8] = 0.0
        made.append(Example(tokens, mel))
    return made


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return make_examples()


def test_collate_pads_to_whole_decoder_steps_in_time_major_order(examples):
    short = Example(examples[0].tokens[:2], examples[0].mel[:, :13])
    tokens, token_lengths, mel, mel_lengths, window = collate([short, examples[1]], mean=-8.0, deviation=2.0)
    assert tokens.shape == (2, 4) and token_lengths.tolist() == [2, 4]
    assert mel.shape == (2, 80, 32) and mel_lengths.tolist() == [13, 32]
    assert mel.transpose(1, 2).is_contiguous() and window.shape == (2, 16, 4)
    assert mel[0, :, 13:].abs().max() == 0 and mel[1].max() == 4.0


def test_the_window_follows_known_starts_and_otherwise_the_diagonal():
    mel = np.zeros((80, 40), np.float32)  # 20 steps of 32 ms
    known = attention_window(Example(np.arange(4), mel, starts=np.array([0.0, 0.32, 0.4, 0.48])))
    assert known.shape == (20, 4)
    assert known.argmax(axis=1).tolist() == [0] * 10 + [1] * 2 + [2] * 3 + [3] * 5
    diagonal = attention_window(Example(np.arange(4), mel))
    assert diagonal.argmax(axis=1)[[0, 5, 10, 15]].tolist() == [0, 1, 2, 3]


def test_attention_inside_the_window_costs_less():
    """The loss is the negative logarithm of what lies inside: 0 for all of it."""
    example = Example(np.arange(4), np.zeros((80, 8), np.float32), starts=np.array([0.0, 0.032, 0.064, 0.096]))
    window = attention_window(example)
    inside, outside = (np.eye(4) * window).sum(1), (np.eye(4)[::-1] * window).sum(1)
    np.testing.assert_allclose(inside, 1.0)
    assert outside.max() < 0.2


def test_a_step_s_batch_is_repeatable_and_of_like_lengths():
    rng = np.random.default_rng(0)
    varied = [Example(np.arange(3), np.zeros((80, n), np.float32)) for n in rng.integers(20, 400, 600)]
    first, again = batch_indices(varied, 16, step=5, seed=1), batch_indices(varied, 16, step=5, seed=1)
    assert list(first) == list(again) and list(first) != list(batch_indices(varied, 16, step=6, seed=1))
    lengths = [varied[i].mel.shape[1] for i in first]
    assert max(lengths) - min(lengths) < 80


def test_training_overfits_a_handful_of_sentences_and_resumes(tmp_path, examples):
    def train(steps: int):
        torch.manual_seed(0)
        model = tacotron2(*mel_statistics(examples))
        return train_tacotron2(model, examples, tmp_path, steps=steps, batch_size=6, learning_rate=2e-3, quiet=True)

    batch = collate(examples, *mel_statistics(examples))

    def error(model) -> float:
        """Mean distance from the mel spectrograms under teacher forcing; the bands are 8 apart."""
        with torch.no_grad():
            mel = teacher_forced_mel(model, *batch)
        assert mel.shape == (6, 80, 32)
        return np.mean([np.abs(ours.numpy() - example.mel).mean() for ours, example in zip(mel, examples, strict=True)])

    before = error(train(6))
    assert torch.load(tmp_path / "tacotron2.pt", weights_only=True)["step"] == 6
    after = error(train(150))
    assert torch.load(tmp_path / "tacotron2.pt", weights_only=True)["step"] == 150
    assert after < 0.5 * before


def test_a_killed_training_goes_on_where_it_was_saved(goes_on_after_a_kill):
    goes_on_after_a_kill(__file__, "tacotron2", SAVE_EVERY, train_a_little)


def train_a_little(run: Path, steps: int):
    examples = make_examples()
    model = tacotron2(*mel_statistics(examples))
    return train_tacotron2(model, examples, run, steps=steps, batch_size=2, quiet=True)


if __name__ == "__main__":  # what test_a_killed_training_goes_on_where_it_was_saved kills
    train_a_little(Path(sys.argv[1]), steps=10_000)
