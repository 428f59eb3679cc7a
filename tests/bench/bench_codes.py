"""How much damage a QR code bears, by level: what a real decoder still reads.

A code of the printed size is photographed in thought: some of it covered, tilted, blurred. All
levels are drawn as large as each other, so a higher level pays for itself with smaller modules.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import zxingcpp
from qrcode.constants import (  # type: ignore[import-untyped]
    ERROR_CORRECT_H,
    ERROR_CORRECT_M,
    ERROR_CORRECT_Q,
)

from qr_images import LEVEL, QUIET_ZONE, matrix
from tests.bench.report import Row

LEVELS = {"M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q, "H": ERROR_CORRECT_H}
ADDRESSES = (
    "https://gopy.laichau.gov.vn/f/7K4MP2QR9XWT",
    "http://192.168.100.200:8001/f/7K4MP2QR9XWT",
    "https://danhgia.trungtamhanhchinhcong.laichau.gov.vn/f/7K4MP2QR9XWT",
)
WIDTH = 300  # pixels of the code with its quiet zone: an A5 poster at half a metre
TRIALS = 40
PATCHES = 2  # squares, of any grey: stickers, stains, bits torn off
COVERED = (0, 5, 10, 15, 20, 25)  # per cent
GOALS = {0: 40, 15: 15}  # of the level in use; what hides a corner's square hides the code


def rows() -> Iterator[Row]:
    for address in ADDRESSES:
        for level, constant in LEVELS.items():
            picture = drawn(address, constant)
            for covered in COVERED:
                host = address.split("/")[2]
                name = f"{host[:20]}… ({len(address)}), level {level}, {covered} % covered"
                goal = GOALS.get(covered) if constant == LEVEL else None
                kind: Literal["min"] | None = "min" if goal else None
                count = readable(picture, address, covered / 100)
                yield Row(name, count, f"of {TRIALS}", goal, kind)


def readable(picture: np.ndarray, address: str, covered: float) -> int:
    """How many of TRIALS photographs of a code are read as its address."""
    seen = (photograph(picture, covered, np.random.default_rng(seed)) for seed in range(TRIALS))
    return sum(address in read(one) for one in seen)


def read(photograph: np.ndarray) -> list[str]:
    found = zxingcpp.read_barcodes(
        photograph, zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    return [one.text for one in found]


def drawn(text: str, level: int) -> np.ndarray:
    """A code with its quiet zone as grey values, WIDTH pixels a side, 0 black to 1 white."""
    modules = np.pad(~np.array(matrix(text, level)), QUIET_ZONE, constant_values=True)
    at = (np.arange(WIDTH) + 0.5) / WIDTH * len(modules)
    return np.asarray(modules[np.ix_(at.astype(int), at.astype(int))], dtype=float)


def photograph(picture: np.ndarray, covered: float, chance: np.random.Generator) -> np.ndarray:
    """A picture with a share of it covered at random, tilted, and a little blurred."""
    seen = picture.copy()
    dark = np.flatnonzero(picture.min(axis=0) == 0)
    start, end = int(dark[0]), int(dark[-1]) + 1
    side = round((covered / PATCHES) ** 0.5 * (end - start))
    for _ in range(PATCHES):
        y, x = chance.integers(start, end - side + 1, 2)
        seen[y : y + side, x : x + side] = chance.choice([0.0, 0.5, 1.0])
    image = tilted(np.pad(seen, 40, constant_values=0.8), chance)
    image = blurred(image, chance.uniform(0.5, 1.5))
    noise = chance.normal(0, 0.04, image.shape)
    return np.asarray((image * 0.8 + 0.1 + noise).clip(0, 1) * 255, dtype=np.uint8)


def tilted(image: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """An image turned by up to 20 degrees and seen from up to some 30 degrees beside it."""
    size = len(image)
    y, x = np.mgrid[:size, :size] - size / 2
    angle, (across, down) = np.radians(chance.uniform(-20, 20)), chance.uniform(-0.3, 0.3, 2)
    far = 1 + (across * x + down * y) / size
    u = (np.cos(angle) * x - np.sin(angle) * y) / far * 1.15 + size / 2
    v = (np.sin(angle) * x + np.cos(angle) * y) / far * 1.15 + size / 2
    rows, columns = v.round().astype(int), u.round().astype(int)
    there = (rows >= 0) & (rows < size) & (columns >= 0) & (columns < size)
    return np.where(there, image[rows.clip(0, size - 1), columns.clip(0, size - 1)], 0.8)


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """An image out of focus: a Gaussian of ``sigma`` pixels."""
    reach = np.arange(-5, 6)
    kernel = np.exp(-(reach**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        image = sum(
            weight * np.roll(image, shift, axis)
            for weight, shift in zip(kernel, reach, strict=True)
        )
    return image
