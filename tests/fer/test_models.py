"""The facial emotion networks have the layers that their papers name."""

import numpy as np
import pytest

from bengali_feedback.fer import models
from bengali_feedback.fer.train import NETWORKS


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    return getattr(models, request.param)()


@pytest.fixture(scope="module")
def custom_cnn():
    return models.custom_cnn()


def kinds(network) -> list[str]:
    return [type(layer).__name__ for layer in network.layers]


def of_kind(network, kind: str) -> list:
    return [layer for layer in network.layers if type(layer).__name__ == kind]


# --- Every network


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


def test_its_votes_are_told_from_the_features_of_the_emotion(network):
    doubled = models.with_ferplus(network)
    faces = np.zeros((2, 48, 48, 1), np.float32)
    outputs = doubled(faces, training=False)
    assert outputs["ferplus"].shape == (2, 10)
    np.testing.assert_allclose(outputs["ferplus"].numpy().sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(outputs["emotion"], network(faces, training=False))


@pytest.mark.parametrize(
    "name, millions",
    [
        ("bengali_fer", 1.91),
        ("custom_cnn", 1.17),  # seed 000 Table III: about 1.2
        ("lightweight_cnn", 0.68),
        ("best_fer", 0.76),
        ("vgg13", 6.93),  # seed 000 Table III: about 9
        ("resnet50", 23.6),  # about 23
        ("mobilenetv2", 2.27),
    ],
)
def test_the_number_of_parameters_is_the_one_written_down(name, millions):
    assert getattr(models, name)().count_params() == pytest.approx(millions * 1e6, rel=0.01)


# --- The custom CNN of seed 000 §III.A


def test_it_has_the_papers_layers(custom_cnn):
    count = {kind: kinds(custom_cnn).count(kind) for kind in kinds(custom_cnn)}
    assert count["AveragePooling2D"] == 3 and count["GlobalAveragePooling2D"] == 1
    assert count["BatchNormalization"] == count["Conv2D"] == 7
    assert "MaxPooling2D" not in count and "Flatten" not in count


def test_the_filters_grow_as_the_picture_shrinks(custom_cnn):
    filters = [layer.filters for layer in of_kind(custom_cnn, "Conv2D")]
    assert filters == sorted(filters) and filters[0] < filters[-1]
    assert [layer.output.shape[1] for layer in of_kind(custom_cnn, "AveragePooling2D")] == [24, 12, 6]


def test_half_is_dropped_between_global_average_pooling_and_softmax(custom_cnn):
    assert kinds(custom_cnn)[-3:] == ["GlobalAveragePooling2D", "Dropout", "Dense"]
    assert custom_cnn.layers[-2].rate == 0.5
    assert custom_cnn.layers[-1].activation.__name__ == "softmax"


# --- The networks of seed 004


def test_the_lightweight_cnn_is_three_blocks_then_dense_and_sees_0_to_1():
    network = models.lightweight_cnn()
    assert kinds(network)[2:-1] == ["Conv2D", "MaxPooling2D", "Dropout"] * 3 + ["Flatten", "Dense", "Dropout"]
    assert all(0.2 <= layer.rate <= 0.5 for layer in of_kind(network, "Dropout"))
    rescaling = of_kind(network, "Rescaling")[0]
    np.testing.assert_allclose(rescaling(np.array([-1.0, 1.0], np.float32)), [0.0, 1.0])


def test_best_fer_is_a_cnn_and_an_rnn_with_a_dilated_first_convolution():
    network = models.best_fer()
    convolutions = of_kind(network, "Conv2D")
    assert [layer.dilation_rate for layer in convolutions] == [(2, 2), (1, 1), (1, 1)]
    assert {layer.rate for layer in of_kind(network, "Dropout")} == {0.25}
    assert len(of_kind(network, "BatchNormalization")) == 3 and len(of_kind(network, "Bidirectional")) == 1


def test_vgg13_has_ten_convolutions_and_three_dense_layers():
    network = models.vgg13()
    assert len(of_kind(network, "Conv2D")) == 10 and len(of_kind(network, "Dense")) == 3


@pytest.mark.parametrize("build", [models.resnet50, models.mobilenetv2])
def test_the_baselines_take_the_papers_input_size(build):
    network = build(side=224)
    assert of_kind(network, "Resizing")[0].output.shape == (None, 224, 224, 1)
    assert network.input.shape == (None, 48, 48, 1) and network.output.shape == (None, 7)
