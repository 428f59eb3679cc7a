"""Names of the channels by which an answer may come."""

from collections.abc import Collection, Mapping

from surveys.definition import Text

CHANNELS: Mapping[str, Text] = {
    "kiosk": Text(vi="Màn hình cảm ứng", en="Touch screen"),
    "qr": Text(vi="Mã QR", en="QR code"),
    "paper": Text(vi="Phiếu giấy", en="Paper"),
    "import": Text(vi="Nhập từ tệp", en="Imported"),
}
SELF_SELECTED = {"kiosk", "qr"}


def modes(channels: Collection[str]) -> list[str]:
    """How answers of some channels were taken, as keys of the catalogue's ``mode``."""
    if not set(channels) >= SELF_SELECTED:
        return [name for name in CHANNELS if name in channels]
    return ["any", *(name for name in CHANNELS if name in {*channels} - SELF_SELECTED)]
