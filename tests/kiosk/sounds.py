"""Short sounds for tests, written as a centre would its recordings."""

import io
import math
import wave
from pathlib import Path

RATE = 8000  # samples a second


def tone(seconds: float = 0.05, loudness: float = 0.5) -> bytes:
    """A WAVE file of one tone; ``loudness`` is its largest value, of 1."""
    samples = (
        round(32767 * loudness * math.sin(2 * math.pi * 440 * one / RATE))
        for one in range(round(RATE * seconds))
    )
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(one.to_bytes(2, "little", signed=True) for one in samples))
    return content.getvalue()


def record(languages: Path, name: str, data: bytes, suffix: str = ".wav") -> Path:
    """Put a recording of a Vietnamese text, by its name, into a folder of languages."""
    path = languages / "vi" / "audio" / f"{name}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
