"""What our texts must not do where they are read: in the header of a mail, in a chat."""


def one_line(text: str) -> str:
    """A line break in a subject would begin another mail header."""
    return "".join(char if char.isprintable() else " " for char in text)[:200]


def for_chat(text: str) -> str:
    """Angle brackets call people and hide links in chats; our text must do neither."""
    return text.replace("<", "\u2039").replace(">", "\u203a")
