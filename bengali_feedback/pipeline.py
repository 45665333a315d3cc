"""``FeedbackPipeline``: photo → emotion → Bengali sentence → speech (seed 004 §5.4).

Three stages, each usable alone and each replaceable: ``FeedbackPipeline(recognizer, generator, speech)`` takes any
objects with the same verbs. The recognizer owns faces and emotions, the generator owns words, the speech owns
sound; this module only hands results on.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .emotion import Emotion
from .errors import MissingDependencyError, NoFaceError
from .images import load_image


@dataclass(frozen=True)
class Feedback:
    """The answer to one photo."""

    photo: np.ndarray
    """uint8 RGB [H, W, 3], upright."""
    faces: list
    """Every face found (:class:`~bengali_feedback.fer.recognizer.Face`), the largest first."""
    emotion: Emotion
    """Of the largest face."""
    probabilities: dict[Emotion, float]
    """Of the largest face, in the order of ``EMOTIONS``; they add up to 1."""
    certain: bool
    """False when the emotion is a guess: its probability is below the recognizer's ``threshold``."""
    text: str
    """The Bengali sentence."""
    source: str
    """``generated`` by the network, or ``corpus`` when the network's sentences were refused."""
    register: str
    """``apni`` (respectful) or ``tumi`` (familiar)."""
    intent: str
    """What the sentence does: acknowledge, comfort, encourage, suggest or ask."""
    audio: np.ndarray
    """float32 [n] in [-1, 1]."""
    sample_rate: int
    """Hz."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds in ``fer``, ``nlg``, ``tacotron2`` and ``waveglow``."""

    def save(self, path: Path | str) -> None:
        """Write the speech as 16-bit WAV; the file appears complete or not at all."""
        from .tts.dataset import write_wav

        write_wav(Path(path), self.audio)

    def play(self) -> None:
        """Play the speech and wait until it ends; needs the extra ``audio`` (PyAudio)."""
        try:
            import pyaudio
        except ImportError:
            raise MissingDependencyError(
                "playing sound needs PyAudio: run `apt-get install portaudio19-dev` and "
                "`pip install bengali-feedback[audio]`, or save the speech to a file instead."
            ) from None
        device = pyaudio.PyAudio()
        try:
            stream = device.open(self.sample_rate, 1, pyaudio.paFloat32, output=True)
            stream.write(self.audio.astype(np.float32).tobytes())
            stream.stop_stream()
            stream.close()
        except OSError as error:
            raise MissingDependencyError(f"no loudspeaker to play on ({error}): save the speech instead.") from None
        finally:
            device.terminate()

    def to_dict(self) -> dict:
        """Everything but picture and sound, ready for JSON."""
        return {
            "emotion": str(self.emotion),
            "probabilities": {str(emotion): round(p, 4) for emotion, p in self.probabilities.items()},
            "certain": self.certain,
            "faces": [face_to_dict(face) for face in self.faces],
            "text": self.text,
            "source": self.source,
            "register": self.register,
            "intent": self.intent,
            "sample_rate": self.sample_rate,
            "seconds": round(len(self.audio) / self.sample_rate, 3),
            "timings": {stage: round(seconds, 4) for stage, seconds in self.timings.items()},
        }


def face_to_dict(face) -> dict:
    """One face, ready for JSON: its box in pixels, its probabilities and whether they name an emotion for certain."""
    box = face.box
    return {
        "box": {"x": box.x, "y": box.y, "width": box.width, "height": box.height},
        "emotion": str(face.emotion),
        "probabilities": {str(emotion): round(p, 4) for emotion, p in face.probabilities.items()},
        "certain": face.certain,
    }


class FeedbackPipeline:
    """Answers photos with spoken Bengali.

    Examples
    --------
    >>> pipeline = FeedbackPipeline.load()
    >>> feedback = pipeline("photo.jpg", register="tumi", seed=1)
    >>> feedback.save("reply.wav")
    """

    def __init__(self, recognizer, generator, speech):
        self.recognizer = recognizer
        self.generator = generator
        self.speech = speech

    @classmethod
    def load(cls) -> "FeedbackPipeline":
        """Load the shipped checkpoints (about 15 s); nothing is fetched from a network.

        Raises
        ------
        CheckpointError
            When a checkpoint is missing or altered.
        """
        from .fer.recognizer import FaceEmotionRecognizer
        from .nlg.generator import FeedbackGenerator
        from .tts.synthesizer import BengaliSpeech

        return cls(FaceEmotionRecognizer.load(), FeedbackGenerator.load(), BengaliSpeech.load())

    def __call__(self, photo, register: str = "apni", intent: str | None = None, seed: int | None = None) -> Feedback:
        """Answer the largest face of ``photo``.

        Parameters
        ----------
        photo
            Path, bytes, ``PIL.Image`` or uint8 RGB array [H, W, 3].
        register
            ``apni`` (respectful) or ``tumi`` (familiar).
        intent
            acknowledge, comfort, encourage, suggest or ask; by default any.
        seed
            The same photo and seed give the same sentence and sound, except right after it, for no sentence follows
            itself; by default every answer is new.

        Raises
        ------
        ImageError
            When the photo cannot be read.
        NoFaceError
            When it shows no face.
        TextError
            When ``register`` or ``intent`` is not one of those above.
        """
        started = time.perf_counter()
        image = load_image(photo)
        faces = self.recognizer.recognize(image)
        if not faces:
            name = f"{photo}" if isinstance(photo, (str, Path)) else "the photo"
            raise NoFaceError(f"no face found in {name}: use a photo with an upright face, not too small or dark.")
        fer_seconds = time.perf_counter() - started

        face = faces[0]
        started = time.perf_counter()
        sentence = self.generator.generate(face.emotion, register=register, intent=intent, seed=seed)
        nlg_seconds = time.perf_counter() - started

        speech = self.speech.synthesize(sentence.text, seed=seed or 0)
        return Feedback(
            photo=image,
            faces=faces,
            emotion=face.emotion,
            probabilities=face.probabilities,
            certain=face.certain,
            text=sentence.text,
            source=sentence.source,
            register=sentence.register,
            intent=sentence.intent,
            audio=speech.audio,
            sample_rate=speech.sample_rate,
            timings={"fer": fer_seconds, "nlg": nlg_seconds, **speech.timings},
        )
