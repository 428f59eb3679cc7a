"""What the ways an answer may come in are called."""

from collections.abc import Mapping

from surveys.definition import Text

CHANNELS: Mapping[str, Text] = {
    "kiosk": Text(vi="Màn hình cảm ứng", en="Touch screen"),
    "qr": Text(vi="Mã QR", en="QR code"),
    "paper": Text(vi="Phiếu giấy", en="Paper"),
    "import": Text(vi="Nhập từ tệp", en="Imported"),
}
