"""Reading a photo from wherever it comes, always to the same thing: an upright uint8 RGB array."""

import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .errors import ImageError

MAX_PIXELS = 64_000_000  # lets the 50-megapixel photos of today's phones pass (8160 × 6144) and refuses bombs
# Only raster formats that Pillow decodes by itself: no EPS, which would start Ghostscript on a stranger's file.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000")

ImageSource = str | os.PathLike | bytes | bytearray | memoryview | Image.Image | np.ndarray


def load_image(source: ImageSource) -> np.ndarray:
    """Read a photo.

    The rotation noted in EXIF is applied; transparency is laid on white; grey, palette, CMYK and 16-bit photos
    become 8-bit RGB; of an animation the first frame is taken.

    Parameters
    ----------
    source
        Path of an image file; the bytes of one; a ``PIL.Image``; or a uint8 array [H, W, 3] (RGB) or [H, W] (grey).

    Returns
    -------
    numpy.ndarray
        uint8 RGB [H, W, 3]. An array given as RGB is returned as it is, not copied.

    Raises
    ------
    ImageError
        When the source is missing, empty, not a photo, truncated, corrupt or larger than 64 megapixels, or an
        array of another shape or type.
    """
    if isinstance(source, np.ndarray):
        return _check_array(source)
    if isinstance(source, Image.Image):
        return _decode(source, "the image")
    if isinstance(source, (bytes, bytearray, memoryview)):
        if len(source) == 0:
            raise ImageError("the image is empty (0 bytes): give the bytes of a whole JPEG or PNG file.")
        return _open(io.BytesIO(source), "the image")
    if isinstance(source, (str, os.PathLike)):
        if os.path.isdir(source):
            raise ImageError(f"{source} is a folder: give the path of one photo in it.")
        return _open(check_file(Path(source), "photo", "a photo"), str(source))
    raise ImageError(
        f"a photo cannot be read from {type(source).__name__}: give a path, bytes, a PIL.Image or a uint8 array."
    )


def _check_array(array: np.ndarray) -> np.ndarray:
    if array.dtype != np.uint8:
        raise ImageError(f"the image array has type {array.dtype} but must be uint8 with values from 0 to 255.")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3) or array.size == 0:
        raise ImageError(f"the image array has shape {list(array.shape)} but must be [H, W, 3] (RGB) or [H, W] (grey).")
    _check_size(array.shape[1], array.shape[0], "the image")
    return array if array.ndim == 3 else np.repeat(array[:, :, np.newaxis], 3, axis=2)


def check_file(path: Path, kind: str, wanted: str) -> Path:
    """``path``, if it is a regular file with content.

    Parameters
    ----------
    kind, wanted
        For the message: what the file should be (``photo``), and what to give the path of (``a photo``).

    Raises
    ------
    ImageError
        When it is not.
    """
    try:
        if not path.exists():
            raise ImageError(f"{path} does not exist: give the path of {wanted}.")
        if not path.is_file():
            raise ImageError(f"{path} is not a regular file: give the path of {wanted}.")
        if path.stat().st_size == 0:
            raise ImageError(f"{path} is empty (0 bytes): give another {kind}.")
    except OSError as error:  # a name too long, or in a folder that may not be entered
        reason = f"cannot be opened ({error.strerror})"
        raise ImageError(f"{str(path)[:200]} {reason}: give the path of {wanted}.") from None
    return path


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        limit = f"{MAX_PIXELS // 1_000_000} megapixels"
        raise ImageError(f"{name} has {width} × {height} pixels, more than {limit}: scale it down first.")


def _open(file: Path | io.BytesIO, name: str) -> np.ndarray:
    Image.init()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is checked right after
            image = Image.open(file, formats=[format for format in FORMATS if format in Image.OPEN])
    except Image.DecompressionBombError:
        raise ImageError(f"{name} has more than {MAX_PIXELS // 1_000_000} megapixels: scale it down first.") from None
    except PermissionError:
        raise ImageError(f"{name} may not be read: change its permissions or give another photo.") from None
    except Exception:  # a damaged header raises nearly anything in Pillow's readers
        raise ImageError(f"{name} is not a photo that can be read: give a JPEG, PNG, WebP, GIF, BMP or TIFF.") from None
    with image:
        return _decode(image, name)


def _decode(image: Image.Image, name: str) -> np.ndarray:
    _check_size(image.width, image.height, name)  # the header told the size; nothing is decoded yet
    if image.width * image.height == 0:
        raise ImageError(f"{name} has no pixels: give another photo.")
    try:
        image.load()
        return np.array(_rgb(_upright(image)))
    except Exception:  # Pillow's decoders raise OSError, SyntaxError, struct.error, zlib.error and more
        raise ImageError(f"{name} is truncated or corrupt: copy it again or give another photo.") from None


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # broken EXIF is common in edited photos and says nothing about the pixels
        return image


def _rgb(image: Image.Image) -> Image.Image:
    """An 8-bit RGB image of the same size: deep grey scaled to 8 bits, transparency laid on white."""
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_eight_bits(np.asarray(image), image.mode)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _eight_bits(deep: np.ndarray, mode: str) -> np.ndarray:
    """Scale grey of more than 8 bits (Pillow's modes I;16, I and F) to uint8, black staying black.

    16-bit integers say their white: 65535. Modes I and F do not, so it is the smallest usual one that holds the
    brightest pixel: 1 (F only), 255, 65535, else that pixel itself.
    """
    deep = np.clip(np.nan_to_num(deep.astype(np.float64), posinf=0.0), 0.0, None)
    whites = (65535.0,) if mode.startswith("I;16") else (255.0, 65535.0) if mode == "I" else (1.0, 255.0, 65535.0)
    brightest = deep.max()
    white = next((white for white in whites if brightest <= white), brightest)
    return np.rint(deep * (255.0 / white)).astype(np.uint8)
