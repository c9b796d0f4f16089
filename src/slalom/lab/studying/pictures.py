"""To be written by the pictures' author."""

from typing import Any


def check_picture(picture: str, several: bool) -> None: ...
def study_writers(study: Any, picture: str = "auto") -> dict[str, Any]:
    return {}


def across_writers(across: Any, parts: Any, picture: str = "auto") -> dict[str, Any]:
    return {}
