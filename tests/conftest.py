"""What every test may use, and what none may do: reach the network."""

import os
import socket

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

LOCAL = ("localhost", "127.0.0.1", "::1")


@pytest.fixture(scope="session", autouse=True)
def no_network():
    """Let a connection to anything but this machine fail: the package promises that nothing leaves it."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOCAL:
            raise AssertionError(f"a test tried to reach {address[0]}")
        return connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A real, smiling face: the NASA portrait inside scikit-image, uint8 RGB [512, 512, 3], public domain."""
    import skimage.data

    return skimage.data.astronaut()


@pytest.fixture(scope="session")
def pipeline():
    """The pipeline with the shipped checkpoints, loaded once for all tests."""
    from bengali_feedback import FeedbackPipeline

    return FeedbackPipeline.load()
