"""One reply from beginning to end: the astronaut of scikit-image in, ``demo/reply.wav`` and ``demo/reply.png`` out.

The portrait (NASA, public domain) comes with scikit-image, so nothing is downloaded.
"""

import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "demo"


def main() -> None:
    import skimage.data
    from PIL import Image

    from bengali_feedback import FeedbackPipeline
    from bengali_feedback.evaluation.picture import STAGES, reply_picture

    FOLDER.mkdir(exist_ok=True)
    photo, sound, picture = (FOLDER / name for name in ("astronaut.png", "reply.wav", "reply.png"))
    Image.fromarray(skimage.data.astronaut()).save(photo)

    started = time.perf_counter()
    pipeline = FeedbackPipeline.load()
    load_seconds = time.perf_counter() - started
    feedback = pipeline(photo)
    feedback.save(sound)
    reply_picture(feedback, picture)

    print(f"emotion    {feedback.emotion} ({feedback.emotion.bengali})")
    for emotion, probability in feedback.probabilities.items():
        print(f"           {emotion!s:<9}{100 * probability:5.1f} %  {'█' * round(40 * probability)}")
    print(f"sentence   {feedback.text}")
    print(f"time       {1000 * load_seconds:7.0f} ms  load")
    for stage, seconds in feedback.timings.items():
        print(f"           {1000 * seconds:7.0f} ms  {STAGES.get(stage, stage)}")
    print(f"sound      {shown(sound)} ({len(feedback.audio) / feedback.sample_rate:.1f} s)")
    print(f"picture    {shown(picture)}")


def shown(path: Path) -> Path:
    """A path as short as it can be from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    from bengali_feedback.errors import BengaliFeedbackError

    try:
        main()
    except BengaliFeedbackError as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(2)
