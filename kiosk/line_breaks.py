"""Keeps Vietnamese words of two syllables on one line, and a dash at the end of its line."""

import re

WORDS = re.compile(
    r"\b(hài lòng|bình thường|du lịch|thể thao|văn hóa|môi trường|tài nguyên|đào tạo|giáo dục"
    r"|đầu tư|kế hoạch|nông nghiệp|nông thôn|phát triển|vận tải|giao thông|nội vụ|thương binh"
    r"|lao động|xã hội|xây dựng|truyền thông|thông tin|tài chính|công nghệ|khoa học|tư pháp"
    r"|công thương|nước sạch)\b",
    re.IGNORECASE,
)


def keep_words_whole(text: str) -> str:
    """A name or an answer with no-break spaces inside its words of two syllables, before dashes."""
    return WORDS.sub(lambda match: match[0].replace(" ", "\u00a0"), text).replace(" - ", "\u00a0- ")
