"""The generator's network: attention, masks, and the decoder step by step."""

import keras
import numpy as np
import pytest

from bengali_feedback.nlg.models import GeneratorSize, WordDecoder, cue_encoder, feedback_generator
from bengali_feedback.nlg.text import CUE_TOKENS

WORDS, DIMENSIONS = 60, 12
SIZE = GeneratorSize(filters=10, encoder_units=7, decoder_units=11)


@pytest.fixture(scope="module")
def model():
    vectors = np.random.default_rng(0).normal(size=(WORDS, DIMENSIONS)).astype(np.float32)
    keras.utils.set_random_seed(0)
    return feedback_generator(vectors, SIZE)


def cues(*rows):
    return np.array([[*row, *[0] * (CUE_TOKENS - len(row))] for row in rows], np.int32)


def test_it_scores_every_word_at_every_place(model):
    scores = model([cues([5, 6, 7]), np.array([[1, 9, 8, 7]])])
    assert scores.shape == (1, 4, WORDS)


def test_attention_weights_sum_to_one_over_the_cue_and_are_zero_behind_it(model):
    context, weights = cue_encoder(model)(cues([5, 6, 7], [5, 6, 7, 8, 9, 10, 11, 12, 13]))
    assert context.shape == (2, 14)
    assert weights.numpy().sum(axis=1) == pytest.approx(1)
    assert (weights.numpy()[0, 3:] == 0).all() and (weights.numpy()[:, :3] > 0).all()


def test_attention_is_the_papers(model):
    """e_t = tanh(W_a h_t + b_a); alpha = softmax(e); c = sum alpha_t h_t."""
    layer = model.get_layer("attention")
    states = np.random.default_rng(1).normal(size=(1, 4, 14)).astype(np.float32)
    present = np.array([[True, True, True, False]])
    context, weights = layer(states, present)
    kernel, bias = layer.get_weights()
    e = np.tanh(states[0, :3] @ kernel + bias)
    alpha = np.exp(e) / np.exp(e).sum()
    assert weights.numpy()[0, :3] == pytest.approx(alpha, abs=1e-6)
    assert context.numpy()[0] == pytest.approx(alpha @ states[0, :3], abs=1e-5)


def test_padding_changes_nothing(model):
    """What stands in a longer batch beside a short cue does not leak into its context."""
    encode = cue_encoder(model)
    alone, _ = encode(cues([5, 6, 7]))
    beside, _ = encode(cues([5, 6, 7], range(10, 19)))
    assert alone.numpy()[0] == pytest.approx(beside.numpy()[0], abs=1e-6)
    weights = [weight.copy() for weight in model.get_weights()]
    words = weights[0].copy()
    words[0] += 100  # the pad token's vector
    model.set_weights([words, *weights[1:]])
    moved, _ = encode(cues([5, 6, 7]))
    model.set_weights(weights)
    assert moved.numpy() == pytest.approx(alone.numpy(), abs=1e-6)


def test_a_later_word_does_not_change_an_earlier_score(model):
    before = model([cues([5, 6]), np.array([[1, 9, 8]])]).numpy()
    after = model([cues([5, 6]), np.array([[1, 9, 30]])]).numpy()
    assert after[:, :2] == pytest.approx(before[:, :2], abs=1e-6)
    assert not np.allclose(after[:, 2], before[:, 2])


def test_the_numpy_decoder_is_the_keras_decoder(model):
    previous = np.random.default_rng(2).integers(1, WORDS, (3, 6))
    cue = cues([5, 6, 7], [8, 9], [10, 11, 12, 13])
    expected = model([cue, previous]).numpy()
    context = cue_encoder(model)(cue)[0].numpy()
    decoder = WordDecoder(model)
    state = decoder.start(context)
    for place in range(6):
        vectors, state = decoder.step(previous[:, place], state)
        assert decoder.scores(vectors) == pytest.approx(expected[:, place], abs=1e-4)
        assert decoder.scores(vectors, [5, 9]) == pytest.approx(expected[:, place, [5, 9]], abs=1e-4)
        totals = np.log(np.exp(expected[:, place]).sum(axis=-1))
        assert decoder.log_totals(vectors) == pytest.approx(totals, abs=1e-4)
        assert (decoder.log_totals(vectors, slice(10)) < totals).all()


def test_it_survives_saving(model, tmp_path):
    model.save(tmp_path / "generator.keras")
    again = keras.models.load_model(tmp_path / "generator.keras", compile=False)
    inputs = [cues([5, 6, 7]), np.array([[1, 9, 8, 7]])]
    assert again(inputs).numpy() == pytest.approx(model(inputs).numpy(), abs=1e-6)
