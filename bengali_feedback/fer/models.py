"""The facial emotion networks, one function each, declared top to bottom."""


def custom_cnn():
    """The custom CNN of seed 000 §III.A: about 1.2 M parameters, trained from scratch.

    Stacked convolutions with growing filters, average pooling, batch normalisation, dropout, global average
    pooling, dense softmax. The paper gives the layers' kinds and the parameter count but not the widths: one 3×3
    convolution of 32 filters and two each of 64, 128 and 256 give 1.17 M. A second one at 48×48 would cost a third
    more time for 9 k parameters. Dropout is 0.5 before the softmax as in the paper and lighter between the blocks.

    Input float32 [b, 48, 48, 1] in [-1, 1]; output float32 [b, 7] probabilities in the order of ``EMOTIONS``.
    """
    import keras
    from keras import layers

    face = x = keras.Input((48, 48, 1), name="face")
    for filters, convolutions, dropout in ((32, 1, 0.0), (64, 2, 0.1), (128, 2, 0.2), (256, 2, 0.2)):
        for _ in range(convolutions):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
            x = layers.BatchNormalization()(x)
            x = layers.ReLU()(x)
        if filters < 256:
            x = layers.AveragePooling2D(2)(x)
        x = layers.Dropout(dropout)(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.5)(x)
    emotion = layers.Dense(7, activation="softmax", dtype="float32", name="emotion")(x)
    return keras.Model(face, emotion, name="custom_cnn")
