"""Whatever a photo comes as, it becomes an upright uint8 RGB array, or one clear sentence says why not."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from bengali_feedback.errors import ImageError
from bengali_feedback.images import MAX_PIXELS, load_image

ORIENTATION = 0x0112  # the EXIF tag


@pytest.fixture
def colours() -> np.ndarray:
    """A photo without symmetry: every row and column differs, uint8 [40, 60, 3]."""
    rows, columns = np.mgrid[0:40, 0:60]
    return np.stack([rows * 6, columns * 4, rows + columns], axis=2).astype(np.uint8)


def encode(image: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises ``width`` × ``height`` pixels and holds a few hundred bytes: a decompression bomb's shape."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def refusal(source) -> str:
    """The sentence with which ``source`` is refused."""
    with pytest.raises(ImageError) as caught:
        load_image(source)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".")
    return sentence


def test_path_bytes_pil_image_and_array_give_the_same_pixels(colours, tmp_path):
    image = Image.fromarray(colours)
    path = tmp_path / "ছবি.png"
    image.save(path)
    for source in (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), image, colours):
        result = load_image(source)
        assert result.dtype == np.uint8
        np.testing.assert_array_equal(result, colours)


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM"])
def test_reads_the_usual_formats(colours, format):
    assert np.abs(load_image(encode(Image.fromarray(colours), format)).astype(int) - colours).mean() < 8


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90), (8, Image.Transpose.ROTATE_270)],
)
def test_the_rotation_noted_in_exif_is_applied(colours, orientation, stored):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = encode(Image.fromarray(colours).transpose(stored), "PNG", exif=exif)
    np.testing.assert_array_equal(load_image(photo), colours)


def test_broken_exif_does_not_spoil_a_photo(colours):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    photo = encode(Image.fromarray(colours), "JPEG", exif=exif)
    assert b"Exif\0\0MM\0*" in photo or b"Exif\0\0II*\0" in photo
    broken = photo.replace(b"Exif\0\0MM\0*", b"Exif\0\0XX\0*").replace(b"Exif\0\0II*\0", b"Exif\0\0XX*\0")
    assert load_image(broken).shape == colours.shape


def test_grey_becomes_three_equal_channels(colours):
    grey = colours[:, :, 0]
    for source in (grey, Image.fromarray(grey), encode(Image.fromarray(grey), "PNG")):
        result = load_image(source)
        assert result.shape == (40, 60, 3)
        for channel in range(3):
            np.testing.assert_array_equal(result[:, :, channel], grey)


def test_transparency_is_laid_on_white(colours):
    alpha = np.full((40, 60, 1), 255, np.uint8)
    alpha[:10], alpha[10:20] = 0, 128
    result = load_image(encode(Image.fromarray(np.concatenate([colours, alpha], axis=2)), "PNG"))
    assert (result[:10] == 255).all()
    np.testing.assert_allclose(result[10:20], 255 - (255 - colours[10:20].astype(float)) * 128 / 255, atol=1)
    np.testing.assert_array_equal(result[20:], colours[20:])


def test_a_transparent_palette_colour_becomes_white():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 0)
    result = load_image(encode(image, "PNG", transparency=0))
    assert result[0, 0].tolist() == [255, 255, 255]
    assert result[3, 3].tolist() == [0, 0, 255]


def test_cmyk_keeps_its_colours(colours):
    cmyk = Image.fromarray(colours).convert("CMYK")
    assert np.abs(load_image(encode(cmyk, "TIFF")).astype(int) - colours).max() <= 1
    assert np.abs(load_image(encode(cmyk, "JPEG", quality=95)).astype(int) - colours).mean() < 4


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_not_cut_off(format):
    deep = np.linspace(0, 65535, 40 * 60).reshape(40, 60).astype(np.uint16)
    result = load_image(encode(Image.fromarray(deep), format))
    np.testing.assert_allclose(result[:, :, 1], deep / 257, atol=0.51)


@pytest.mark.parametrize(
    ("kind", "white"), [(np.int32, 255), (np.int32, 65535), (np.float32, 1), (np.float32, 255), (np.float32, 65535)]
)
def test_modes_i_and_f_are_scaled_from_their_own_white(kind, white):
    ramp = np.linspace(0, white, 256).reshape(16, 16).astype(kind)
    result = load_image(Image.fromarray(ramp))
    np.testing.assert_allclose(result[:, :, 0], np.arange(256).reshape(16, 16), atol=1)


def test_mode_f_survives_values_that_are_no_brightness():
    strange = np.array([[np.nan, np.inf], [-3.0, 1.0]], np.float32)
    assert load_image(Image.fromarray(strange))[:, :, 0].tolist() == [[0, 0], [0, 255]]


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    animation = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert load_image(animation)[4, 4].tolist() == [255, 0, 0]


def test_one_pixel_is_a_photo_too():
    assert load_image(encode(Image.new("RGB", (1, 1), "red"), "PNG")).tolist() == [[[255, 0, 0]]]
    assert load_image(np.zeros((1, 1), np.uint8)).shape == (1, 1, 3)


def test_missing_file(tmp_path):
    assert refusal(tmp_path / "none.jpg") == f"{tmp_path}/none.jpg does not exist: give the path of a photo."


def test_folder_empty_file_and_device_are_named(tmp_path):
    assert "is a folder" in refusal(tmp_path)
    empty = tmp_path / "empty.jpg"
    empty.touch()
    assert f"{empty} is empty (0 bytes)" in refusal(empty)
    assert "is empty (0 bytes)" in refusal(b"")
    fifo = tmp_path / "fifo.jpg"
    os.mkfifo(fifo)  # opening it would wait for ever
    assert "is not a regular file" in refusal(fifo)


def test_impossible_file_names():
    assert "cannot be opened" in refusal("x" * 5000 + ".jpg")
    assert "does not exist" in refusal("a\0b.jpg")


@pytest.mark.parametrize("content", [b"hello", b"%PDF-1.7\n", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_not_an_image(content, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    assert f"{path} is not a photo that can be read" in refusal(path)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_truncated_photos_are_refused(astronaut, format, share):
    whole = encode(Image.fromarray(astronaut[:128, 128:256]), format)
    sentence = refusal(whole[: int(share * len(whole))])
    assert "truncated or corrupt" in sentence or "not a photo" in sentence


def test_noise_inside_a_photo_is_refused(colours):
    photo = bytearray(encode(Image.fromarray(colours), "PNG"))
    photo[60:120] = bytes(60)
    assert "truncated or corrupt" in refusal(photo)


def test_decompression_bombs_are_refused_before_decoding(recwarn):
    side = int(MAX_PIXELS**0.5)
    assert "truncated" in refusal(png_header(side, side))  # let pass by its size
    assert f"has {side} × {side + 1} pixels, more than 64 megapixels" in refusal(png_header(side, side + 1))
    assert "more than 64 megapixels" in refusal(png_header(12_000, 10_000))  # here Pillow would only warn
    assert "more than 64 megapixels" in refusal(png_header(60_000, 60_000))  # here Pillow itself refuses
    assert not recwarn.list


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros(16, np.uint8),
        np.zeros((2, 4, 4, 3), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_arrays_of_another_shape(array):
    assert f"has shape {list(array.shape)} but must be [H, W, 3]" in refusal(array)


@pytest.mark.parametrize("kind", [np.float32, np.uint16, bool, object])
def test_arrays_of_another_type(kind):
    assert f"has type {np.dtype(kind)} but must be uint8" in refusal(np.zeros((4, 4, 3), kind))


@pytest.mark.parametrize("source", [None, 3, [1, 2]])
def test_other_objects(source):
    assert f"cannot be read from {type(source).__name__}" in refusal(source)
