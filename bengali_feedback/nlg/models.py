"""The sentence generator of seed 004 §5.3, and its parts for drawing a sentence word by word."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from .text import CUE_TOKENS


@dataclass(frozen=True)
class GeneratorSize:
    """Widths and regularisation of :func:`feedback_generator`."""

    filters: int = 128
    """Feature maps of the convolution over the cue."""
    width: int = 3
    """Words that one filter spans, the paper's h."""
    pool: int = 2
    """Neighbouring positions of which the max-pooling keeps the larger."""
    encoder_units: int = 96
    """LSTM units in each direction of the encoder; h_t has twice as many values."""
    decoder_units: int = 256
    """LSTM units of the decoder's state s_t."""
    dropout: float = 0.5
    """Share of values dropped behind the embeddings, the encoder and the decoder."""


@keras.saving.register_keras_serializable("bengali_feedback")
class WordEmbedding(layers.Layer):
    """Word vectors, also used the other way round: ``reverse=True`` turns vectors into scores of all words.

    One matrix for reading and writing words (tied weights) keeps the Word2Vec geometry in the output: a word
    seen once in the corpus is scored by the company it keeps in four million words of other text.
    """

    def __init__(self, words: int, dimensions: int, **kwargs):
        super().__init__(**kwargs)
        self.words, self.dimensions = words, dimensions
        self.vectors = self.add_weight(shape=(words, dimensions), initializer="zeros", name="vectors")

    def call(self, inputs, reverse=False):
        if reverse:
            return ops.matmul(inputs, ops.transpose(self.vectors))
        return ops.take(self.vectors, inputs, axis=0)

    def get_config(self):
        return super().get_config() | {"words": self.words, "dimensions": self.dimensions}


@keras.saving.register_keras_serializable("bengali_feedback")
class Bias(layers.Layer):
    """Adds one learned number to each word's score."""

    def build(self, input_shape):
        self.bias = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="bias")

    def call(self, inputs):
        return inputs + self.bias


@keras.saving.register_keras_serializable("bengali_feedback")
class Attention(layers.Layer):
    """Attention of seed 004 §5.3 over the encoder's states.

    ``e_t = tanh(W_a h_t + b_a)``, ``alpha = softmax(e)`` over the positions that hold a word, and the context
    ``c = sum_t alpha_t h_t``.

    Inputs are the states h, float [batch, T, d], and which positions hold a word, bool [batch, T]. Outputs are
    the context, [batch, d], and the weights alpha, [batch, T], which sum to 1 and are 0 behind the last word.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, inputs, previous_mask):
        return None  # one vector a sentence is left

    def build(self, states_shape, present_shape):
        self.kernel = self.add_weight(shape=(states_shape[-1],), initializer="glorot_uniform", name="W_a")
        self.bias = self.add_weight(shape=(), initializer="zeros", name="b_a")

    def call(self, states, present):
        energies = ops.tanh(ops.sum(states * self.kernel, axis=-1) + self.bias)
        weights = ops.softmax(ops.where(present, energies, -1e9), axis=-1)
        return ops.sum(weights[..., None] * states, axis=1), weights

    def compute_output_shape(self, states_shape, present_shape):
        return (states_shape[0], states_shape[-1]), tuple(states_shape[:2])


def feedback_generator(vectors: np.ndarray, size: GeneratorSize | None = None) -> keras.Model:
    """The network of seed 004 §5.3, untrained apart from its word vectors.

    Cue words → Word2Vec embedding → Conv1D with ReLU → max-pooling → BiLSTM → attention → context c, and from
    it word after word: ``y_t = Decoder(y_{t-1}, c, s_{t-1})``.

    Parameters
    ----------
    vectors
        Word vectors, float32 [words, d]; row 0 is the pad token.

    Returns
    -------
    keras.Model
        Inputs ``cue``, int32 [batch, CUE_TOKENS], and ``previous``, int32 [batch, N], the words so far,
        shifted by one (teacher forcing). Output: scores of each next word before the softmax, float32
        [batch, N, words].
    """
    size = size or GeneratorSize()
    words, dimensions = vectors.shape
    embed = WordEmbedding(words, dimensions, name="words")

    cue = keras.Input((CUE_TOKENS,), dtype="int32", name="cue")
    mask = ops.not_equal(cue, 0)
    present = ops.expand_dims(ops.cast(mask, "float32"), -1)
    encoded = layers.Dropout(size.dropout)(embed(cue))
    encoded = encoded * present
    encoded = layers.Conv1D(size.filters, size.width, padding="same", activation="relu", name="convolution")(encoded)
    # After the ReLU nothing is below 0, so a 0 behind the last word never wins a maximum. A stride of 1 keeps a
    # position for each word, for the attention to point at.
    encoded = encoded * present
    encoded = layers.MaxPooling1D(size.pool, strides=1, padding="same", name="pooling")(encoded)
    encoded = layers.Bidirectional(layers.LSTM(size.encoder_units, return_sequences=True), name="encoder")(
        encoded, mask=mask
    )
    context, weights = Attention(name="attention")(layers.Dropout(size.dropout)(encoded), mask)

    previous = keras.Input((None,), dtype="int32", name="previous")
    spoken = layers.Dropout(size.dropout)(embed(previous))
    everywhere = ops.expand_dims(context, 1) * ops.ones_like(spoken[..., :1])
    inputs = layers.Concatenate()([spoken, everywhere])
    state = layers.LSTM(size.decoder_units, return_sequences=True, name="decoder")(inputs)
    state = layers.Dense(dimensions, name="state_to_word")(layers.Dropout(size.dropout)(state))
    scores = Bias(name="word_bias")(embed(state, reverse=True))

    model = keras.Model([cue, previous], scores, name="feedback_generator")
    embed.set_weights([vectors])
    return model


def cue_encoder(model: keras.Model) -> keras.Model:
    """The first half of a generator: cue → context, [batch, d], and attention weights, [batch, CUE_TOKENS]."""
    return keras.Model(model.inputs[0], model.get_layer("attention").output, name="cue_encoder")


class WordDecoder:
    """The second half of a generator, one word at a time, in NumPy.

    A sentence takes a dozen steps with a dozen candidates each; a Keras call costs milliseconds even when there
    is next to nothing to compute, the same step in NumPy a fraction of one.

    Parameters
    ----------
    model
        A trained :func:`feedback_generator`; its weights are copied.
    """

    def __init__(self, model: keras.Model):
        (self.words,) = (np.asarray(weight) for weight in model.get_layer("words").get_weights())
        self.kernel, self.recurrent, self.bias = model.get_layer("decoder").get_weights()
        self.state_to_word, self.word_offset = model.get_layer("state_to_word").get_weights()
        (self.word_bias,) = model.get_layer("word_bias").get_weights()

    def start(self, contexts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The decoder's state before the first word, each part [candidates, ...].

        Output and cell, all zero, and what the contexts, float32 [candidates, d] from :func:`cue_encoder`, add to the
        gates at every step: it stays the same, so it is computed once.
        """
        zero = np.zeros((len(contexts), self.recurrent.shape[0]), np.float32)
        return zero, zero, contexts @ self.kernel[self.words.shape[1] :] + self.bias

    def step(self, previous: Sequence[int], state: tuple[np.ndarray, np.ndarray, np.ndarray]):
        """One word further.

        Parameters
        ----------
        previous
            The last words, int [candidates].
        state
            From :meth:`start` or the last step.

        Returns
        -------
        vectors, state
            What :meth:`scores` compares with the words' vectors, float32 [candidates, dimensions], and the new state.
        """
        output, cell, of_context = state
        gates = self.words[previous] @ self.kernel[: self.words.shape[1]] + output @ self.recurrent + of_context
        write, keep, new, show = np.split(gates, 4, axis=-1)  # Keras's order: input, forget, cell, output
        cell = _sigmoid(keep) * cell + _sigmoid(write) * np.tanh(new)
        output = _sigmoid(show) * np.tanh(cell)
        return output @ self.state_to_word + self.word_offset, (output, cell, of_context)

    def scores(self, vectors: np.ndarray, words: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Scores of the next word before the softmax, float32 [..., words]: of all words, or of those numbered.

        Apart from :meth:`step`, because scoring 7,000 words takes three times as long, and only a few may follow.
        """
        return vectors @ self.words[words].T + self.word_bias[words]

    def log_totals(self, vectors: np.ndarray, words: slice = slice(None)) -> np.ndarray:
        """What a score must be lessened by to become a log-probability in nats, float32 [candidates].

        Over some ``words`` only it is too small, and the log-probability an upper bound.
        """
        scores = self.scores(vectors, words)
        highest = scores.max(axis=-1, keepdims=True)
        return highest[:, 0] + np.log(np.exp(scores - highest).sum(axis=-1))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))
