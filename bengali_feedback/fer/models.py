"""The facial emotion networks, one function each, declared top to bottom.

Every network takes grey faces float32 [b, 48, 48, 1] in [-1, 1] and gives float32 [b, 7], the probabilities in the
order of ``EMOTIONS``. A paper that wants another range or size of input gets it from the network's first layers.
"""


def bengali_fer():
    """Our own: the plan of :func:`custom_cnn` with a third convolution at 12×12 and at 6×6.

    1.9 M parameters, 138 M multiplications a face: the depth stands where the picture is small and a multiplication is
    cheap. In training a second output tells FER+'s votes from the same features (:func:`with_ferplus`).
    """
    return _stages("bengali_fer", ((32, 1, 0.0), (64, 2, 0.1), (128, 3, 0.2), (256, 3, 0.2)))


def with_ferplus(network):
    """``network`` with a second output ``ferplus`` float32 [b, 10]: FER+'s votes, told from the same features."""
    import keras
    from keras import layers

    features = network.get_layer("emotion").input
    votes = layers.Dense(10, activation="softmax", dtype="float32", name="ferplus")(features)
    return keras.Model(network.input, {"emotion": network.output, "ferplus": votes}, name=network.name)


def custom_cnn():
    """The custom CNN of seed 000 §III.A: about 1.2 M parameters, trained from scratch.

    Stacked convolutions with growing filters, average pooling, batch normalisation, dropout, global average
    pooling, dense softmax. The paper gives the layers' kinds and the parameter count but not the widths: one 3×3
    convolution of 32 filters and two each of 64, 128 and 256 give 1.17 M. A second one at 48×48 would cost a third
    more time for 9 k parameters. Dropout is 0.5 before the softmax as in the paper and lighter between the blocks.
    """
    return _stages("custom_cnn", ((32, 1, 0.0), (64, 2, 0.1), (128, 2, 0.2), (256, 2, 0.2)))


def _stages(name: str, stages):
    """Stages of (filters, 3×3 convolutions, dropout), each with more filters and half the side of the one before."""
    import keras
    from keras import layers

    face = x = keras.Input((48, 48, 1), name="face")
    for filters, convolutions, dropout in stages:
        for _ in range(convolutions):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
            x = layers.BatchNormalization()(x)
            x = layers.ReLU()(x)
        if filters < stages[-1][0]:
            x = layers.AveragePooling2D(2)(x)
        x = layers.Dropout(dropout)(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.5)(x)
    emotion = layers.Dense(7, activation="softmax", dtype="float32", name="emotion")(x)
    return keras.Model(face, emotion, name=name)


def lightweight_cnn():
    """The lightweight CNN of seed 004 §5.2: three blocks of convolution, ReLU, max pooling and dropout, then dense.

    Dropout rises from 0.2 to 0.5 as the paper allows; widths are ours. 0.7 M parameters.
    """
    import keras
    from keras import layers

    face = keras.Input((48, 48, 1), name="face")
    x = layers.Rescaling(0.5, 0.5)(face)  # [0, 1], seed 004 §5.1
    for filters, dropout in ((32, 0.2), (64, 0.25), (128, 0.3)):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.Dropout(dropout)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    emotion = layers.Dense(7, activation="softmax", dtype="float32", name="emotion")(x)
    return keras.Model(face, emotion, name="lightweight_cnn")


def best_fer():
    """Best_FER of seed 004 §6.2: a hybrid CNN–RNN with a dilated first convolution, batch normalisation, dropout 0.25.

    A still face has no time; the recurrent part (a bidirectional LSTM, the RNN of seed 004 §5.3) reads the rows of
    the feature map from forehead to chin. The paper names the layers' kinds only, the sizes are ours. 0.8 M parameters.
    """
    import keras
    from keras import layers

    face = keras.Input((48, 48, 1), name="face")
    x = layers.Rescaling(0.5, 0.5)(face)  # [0, 1], seed 004 §5.1
    for filters, dilation in ((32, 2), (64, 1), (128, 1)):
        x = layers.Conv2D(filters, 3, padding="same", dilation_rate=dilation, use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.Dropout(0.25)(x)
    x = layers.Reshape((6, 6 * 128))(x)
    x = layers.Bidirectional(layers.LSTM(96))(x)
    x = layers.Dropout(0.25)(x)
    emotion = layers.Dense(7, activation="softmax", dtype="float32", name="emotion")(x)
    return keras.Model(face, emotion, name="best_fer")


def vgg13():
    """VGG13 as seed 000's Table III compares with (about 9 M parameters): that of Barsoum et al. 2016, §4.

    Ten convolutions in four blocks with dropout, two dense layers of 1,024. Barsoum et al. enlarge FER2013's faces to
    64×64; here they stay at 48×48. 6.9 M parameters.
    """
    import keras
    from keras import layers

    face = x = keras.Input((48, 48, 1), name="face")
    for filters, convolutions in ((64, 2), (128, 2), (256, 3), (256, 3)):
        for _ in range(convolutions):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
            x = layers.BatchNormalization()(x)  # not in the paper; without it ten layers hardly start to learn
            x = layers.ReLU()(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dense(1024, activation="relu")(x)
        x = layers.Dropout(0.5)(x)
    emotion = layers.Dense(7, activation="softmax", dtype="float32", name="emotion")(x)
    return keras.Model(face, emotion, name="vgg13")


def resnet50(side: int = 48, weights: str | None = None):
    """ResNet-50 (seed 004 §6.1.1, seed 000 Table III), 23.6 M parameters.

    Parameters
    ----------
    side
        Pixels to which the faces are scaled; the paper takes 224.
    weights
        A file with ImageNet weights without the top, as ``keras.applications`` has them; None starts from scratch.
    """
    import keras

    return _application(keras.applications.ResNet50, "resnet50", side, weights)


def mobilenetv2(side: int = 48, weights: str | None = None):
    """MobileNetV2 (seed 004 §6.1.2), 2.3 M parameters; parameters as for :func:`resnet50`."""
    import keras

    return _application(keras.applications.MobileNetV2, "mobilenetv2", side, weights)


def _application(build, name: str, side: int, weights: str | None):
    """A network of ``keras.applications`` between our input and a softmax over seven."""
    import keras
    from keras import layers

    face = keras.Input((48, 48, 1), name="face")
    x = layers.Resizing(side, side)(face) if side != 48 else face
    x = layers.Concatenate()([x, x, x])
    x = build(include_top=False, weights=weights, input_shape=(side, side, 3), pooling="avg")(x)
    x = layers.Dropout(0.25)(x)
    emotion = layers.Dense(7, activation="softmax", dtype="float32", name="emotion")(x)
    return keras.Model(face, emotion, name=name)
