"""What every test may use, and what none may do: reach the network."""

import os
import signal
import socket
import subprocess
import sys
import time

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


@pytest.fixture(scope="session")
def two_astronauts(astronaut: np.ndarray) -> np.ndarray:
    """The small face at the left, the large one at the right, uint8 [320, 640, 3]."""
    import cv2

    head = astronaut[:256, 90:346]
    scene = np.full((320, 640, 3), 128, np.uint8)
    scene[20:148, 30:158] = cv2.resize(head, (128, 128), interpolation=cv2.INTER_AREA)
    scene[40:296, 320:576] = head
    return scene


@pytest.fixture(scope="session")
def kill_when():
    """Run Python in a process of its own and ``kill -9`` it as soon as ``ready()`` holds."""

    def run_and_kill(arguments: list[str], ready) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL)
        while process.poll() is None and not ready():
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the training ended before it could be killed"

    return run_and_kill
