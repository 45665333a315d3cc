"""The custom CNN of seed 000 §III.A."""

import numpy as np
import pytest

from bengali_feedback.fer.models import custom_cnn


@pytest.fixture(scope="module")
def network():
    return custom_cnn()


def kinds(network) -> list[str]:
    return [type(layer).__name__ for layer in network.layers]


def test_it_has_about_1_2_million_parameters(network):
    assert 1_100_000 <= network.count_params() <= 1_250_000


def test_it_has_the_papers_layers(network):
    count = {kind: kinds(network).count(kind) for kind in kinds(network)}
    assert count["AveragePooling2D"] == 3 and count["GlobalAveragePooling2D"] == 1
    assert count["BatchNormalization"] == count["Conv2D"] == 7
    assert "MaxPooling2D" not in count and "Flatten" not in count


def test_the_filters_grow_as_the_picture_shrinks(network):
    filters = [layer.filters for layer in network.layers if type(layer).__name__ == "Conv2D"]
    assert filters == sorted(filters) and filters[0] < filters[-1]
    sides = [layer.output.shape[1] for layer in network.layers if type(layer).__name__ == "AveragePooling2D"]
    assert sides == [24, 12, 6]


def test_half_is_dropped_between_global_average_pooling_and_softmax(network):
    assert kinds(network)[-3:] == ["GlobalAveragePooling2D", "Dropout", "Dense"]
    assert network.layers[-2].rate == 0.5
    assert network.layers[-1].activation.__name__ == "softmax"


def test_a_face_gives_seven_probabilities(network):
    faces = np.random.default_rng(0).uniform(-1, 1, (3, 48, 48, 1)).astype(np.float32)
    probabilities = np.asarray(network(faces, training=False))
    assert probabilities.shape == (3, 7) and probabilities.dtype == np.float32
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)


def test_dropout_rests_outside_training(network):
    faces = np.random.default_rng(0).uniform(-1, 1, (2, 48, 48, 1)).astype(np.float32)
    np.testing.assert_array_equal(network(faces, training=False), network(faces, training=False))
    assert not np.array_equal(network(faces, training=True), network(faces, training=True))
