"""Letters for pictures: a five by seven dot font, so that a report can be written into an image without a font file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 6, 9
"""Dots of one character with the space around it."""

# Seven rows of five dots, each row a digit in base 32.
_SHAPES = """
A=ehhvhhh B=uhhuhhu C=ehggghe D=uhhhhhu E=vgguggv F=vgguggg G=ehgnhhe H=hhhvhhh I=e44444e J=72222ic K=hikokih
L=ggggggv M=hrllhhh N=hhpljhh O=ehhhhhe P=uhhuggg Q=ehhhlid R=uhhukih S=fgge11u T=v444444 U=hhhhhhe V=hhhhha4
W=hhhllla X=hha4ahh Y=hha4444 Z=v1248gv 0=ehjlphe 1=4c4444e 2=eh1248v 3=v2421he 4=26aiv22 5=vgu11he 6=68guhhe
7=v124888 8=ehhehhe 9=ehhf12c .=00000cc :=0cc0cc0 -=000v000 /=01248g0 %=op248j3 (=2488842 )=8422248 +=044v440
,=0000c48 >=8421248
"""
_GLYPHS = dict(pair.split("=") for pair in _SHAPES.split())


def write(picture: Picture, text: str, x: int, y: int, *, scale: int = 2) -> None:
    """Draw one line in white capitals into an RGB picture, in place; unknown characters are spaces; cut at the edge."""
    for i, letter in enumerate(text.upper()):
        left = x + i * WIDTH * scale
        dots = np.kron(_dots(letter), np.ones((scale, scale), np.uint8)).astype(bool)
        area = picture[y : y + dots.shape[0], left : left + dots.shape[1]]
        area[dots[: area.shape[0], : area.shape[1]]] = 255


def _dots(letter: str) -> npt.NDArray[np.uint8]:
    rows = [int(digit, 32) for digit in _GLYPHS.get(letter, "0000000")]
    return np.array([[row >> bit & 1 for bit in range(4, -1, -1)] for row in rows], np.uint8)
