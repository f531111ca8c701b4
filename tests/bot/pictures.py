"""The points of a picture, to look at what an icon shows."""

import struct
import zlib

from playwright.async_api import Browser

Pixels = list[list[tuple[int, ...]]]


def decoded(png: bytes) -> Pixels:
    """The points of a PNG with eight bits a colour, row by row, each as red, green, blue and opacity."""
    position, packed, width, height, samples = 8, b"", 0, 0, 0
    while position < len(png):
        size, kind = struct.unpack(">I4s", png[position : position + 8])
        chunk = png[position + 8 : position + 8 + size]
        if kind == b"IHDR":
            width, height, bits, colours, _, _, interlaced = struct.unpack(">IIBBBBB", chunk)
            assert (bits, interlaced) == (8, 0)
            samples = {2: 3, 6: 4}[colours]
        elif kind == b"IDAT":
            packed += chunk
        position += 12 + size
    raw, stride = zlib.decompress(packed), width * samples
    rows: list[bytearray] = [bytearray(stride)]
    for start in range(0, height * (stride + 1), stride + 1):
        above, line = rows[-1], bytearray(raw[start + 1 : start + 1 + stride])
        for at in range(stride):
            left, corner = (line[at - samples], above[at - samples]) if at >= samples else (0, 0)
            guess = left + above[at] - corner
            nearest = min((left, above[at], corner), key=lambda value: abs(guess - value))
            line[at] = (line[at] + (0, left, above[at], (left + above[at]) // 2, nearest)[raw[start]]) % 256
        rows.append(line)
    return [
        [(*row[at : at + 3], row[at + 3] if samples == 4 else 255) for at in range(0, stride, samples)]
        for row in rows[1:]
    ]


async def apart(browser: Browser, drawing: str, picture: bytes, side: int) -> float:
    """How far a square picture is from its drawing, at each point on the average: 0 is the same, 255 the opposite."""
    page = await browser.new_page(viewport={"width": side, "height": side})
    await page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{drawing}")
    drawn = decoded(await page.screenshot(omit_background=True))
    await page.close()
    pairs = (
        (one, other)
        for row, as_kept in zip(drawn, decoded(picture), strict=True)
        for one, other in zip(row, as_kept, strict=True)
    )
    return sum(abs(one[3] * one[0] - other[3] * other[0]) / 255 for one, other in pairs) / side**2
