"""eSpeak NG as the voice's teacher: sound, and the moment at which each phoneme starts.

The command-line program gives sound only; the library (``libespeak-ng.so.1``, Debian's ``libespeak-ng1``) also
reports every phoneme as it is spoken.
"""

import ctypes
from functools import lru_cache

import numpy as np

from ..errors import MissingDependencyError
from .audio import SAMPLE_RATE

VOICE = "bn+f2"  # eSpeak NG's Bengali with its second female variant
SPEED = 150  # words a minute; eSpeak NG's default of 175 blurs Bengali conjuncts

_SYNCHRONOUS, _PHONEME_EVENTS = 2, 1  # espeak_Initialize's output mode and option
_UTF8, _PHONEMES, _END_PAUSE = 1, 0x100, 0x1000  # espeak_Synth's flags
_RATE, _PITCH = 1, 3  # espeak_PARAMETER
_PHONEME_EVENT = 7
_PAUSES = ("_:", "_", "_|", "")


class _Identifier(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identifier),
    ]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@lru_cache(maxsize=1)
def _library() -> tuple[ctypes.CDLL, int]:
    """The library, initialised once a process, and its sample rate in Hz."""
    try:
        library = ctypes.CDLL("libespeak-ng.so.1")
    except OSError:
        raise MissingDependencyError("eSpeak NG is not installed: run `apt-get install espeak-ng`.") from None
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS)
    if rate <= 0:
        raise MissingDependencyError("eSpeak NG finds no voices: run `apt-get install espeak-ng-data`.")
    return library, rate


def speak(
    mnemonics: str, voice: str = VOICE, speed: int = SPEED, pitch: int = 50
) -> tuple[np.ndarray, list[tuple[str, float]]]:
    """Speak eSpeak NG input (``[[…]]`` phonemes or text).

    Parameters
    ----------
    speed, pitch
        Words a minute; 0 to 99, 50 being the voice's own.

    Returns
    -------
    audio, phonemes
        float32 [n] at 16 kHz, untrimmed; and (mnemonic, start in seconds) of each phoneme, ``_`` for a pause.

    Raises
    ------
    MissingDependencyError
        When eSpeak NG is not installed.
    """
    import soxr

    library, rate = _library()
    sound: list[np.ndarray] = []
    phonemes: list[tuple[str, float]] = []

    def receive(samples, count, events) -> int:
        if samples and count:
            sound.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type:
            name = events[index].id.string.decode() if events[index].type == _PHONEME_EVENT else ";"
            if name != ";":  # a glide that eSpeak NG puts between two vowels belongs to the first
                phonemes.append(("_" if name in _PAUSES else name, events[index].sample / rate))
            index += 1
        return 0

    callback = _CALLBACK(receive)  # kept alive until the synthesis has ended
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetVoiceByName(voice.encode())
    library.espeak_SetParameter(_RATE, speed, 0)
    library.espeak_SetParameter(_PITCH, pitch, 0)
    text = mnemonics.encode() + b"\0"
    library.espeak_Synth(text, len(text), 0, 1, 0, _UTF8 | _PHONEMES | _END_PAUSE, None, None)
    library.espeak_Synchronize()
    audio = np.concatenate(sound).astype(np.float32) / 32768 if sound else np.zeros(0, np.float32)
    return soxr.resample(audio, rate, SAMPLE_RATE, quality="HQ"), phonemes


def token_starts(tokens: list[str], phonemes: list[tuple[str, float]]) -> list[float] | None:
    """When each token of a spoken sequence starts, in seconds, non-decreasing.

    Parameters
    ----------
    tokens
        What :class:`~bengali_feedback.tts.phonemize.Phonemizer` returned and eSpeak NG spoke.
    phonemes
        What :func:`speak` reported. A blank starts, and ends, with the phoneme behind it; a mark with the pause.

    Returns
    -------
    None when the two sequences do not belong together.
    """
    starts: list[float] = []
    events = iter([*phonemes, ("_", phonemes[-1][1] if phonemes else 0.0)])
    name, moment = next(events)
    waiting = 0  # blanks whose phoneme has not come yet
    for token in tokens:
        if token == " ":
            waiting += 1
            continue
        mark = token in ",.?!"
        while name == "_" and not mark:
            name, moment = next(events, (None, 0.0))
        if name is None or (mark and name != "_"):
            return None
        starts += [moment] * (waiting + 1)
        waiting = 0
        for _ in range(2 if token == "Dh" else 1):  # spoken as d. and h
            name, moment = next(events, (None, 0.0))
    leftover = [event for event in [(name, moment), *events] if event[0] not in (None, "_")]
    return None if leftover or waiting else starts
