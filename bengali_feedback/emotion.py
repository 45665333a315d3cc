"""The seven emotions, their Bengali names, and how other data sets name them."""

from enum import Enum


class Emotion(str, Enum):
    """One of FER2013's seven emotions. Iteration order is the order of every network's output."""

    ANGRY = "angry"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISE = "surprise"
    NEUTRAL = "neutral"

    @property
    def index(self) -> int:
        """Position in a network's output, and FER2013's label code: 0 (angry) to 6 (neutral)."""
        return EMOTIONS.index(self)

    @property
    def bengali(self) -> str:
        """The emotion's Bengali name, for example ``আনন্দ``."""
        return BENGALI_NAMES[self]

    def __str__(self) -> str:
        return self.value


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)

BENGALI_NAMES: dict[Emotion, str] = {
    Emotion.ANGRY: "রাগ",
    Emotion.DISGUST: "ঘৃণা",
    Emotion.FEAR: "ভ\u09df",
    Emotion.HAPPY: "আনন্দ",
    Emotion.SAD: "দুঃখ",
    Emotion.SURPRISE: "বিস্ম\u09df",
    Emotion.NEUTRAL: "স্বাভাবিক",
}
