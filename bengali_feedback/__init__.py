"""Bengali Feedback: a face in, a fitting spoken Bengali sentence out; offline, on an ordinary computer.

>>> from bengali_feedback import FeedbackPipeline
>>> pipeline = FeedbackPipeline.load()
>>> feedback = pipeline("photo.jpg")
>>> feedback.emotion, feedback.text
>>> feedback.save("reply.wav")

The public names are imported when they are first used, so that ``import bengali_feedback`` loads neither
TensorFlow nor torch.
"""

import os
from importlib import import_module

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's notes on the CPU, if it is imported later

__version__ = "0.1.0"

_MODULES = {
    "BengaliFeedbackError": "errors",
    "BengaliSpeech": "tts.synthesizer",
    "Emotion": "emotion",
    "FaceEmotionRecognizer": "fer.recognizer",
    "Feedback": "pipeline",
    "FeedbackGenerator": "nlg.generator",
    "FeedbackPipeline": "pipeline",
}
__all__ = ["__version__", *_MODULES]


def __getattr__(name: str):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
