"""What a client of rebound does with video and the data channel (docs/protocol.md), on aiortc: pings are answered, frames are looked at by a
detector of a few lines, and named by `ticks` and by the code that `--frame-code` draws into them, since aiortc does not tell RTP
timestamps: its `frame.pts` begins at the first frame received.
"""
import json, time

import numpy as np
from aiortc.mediastreams import MediaStreamError

COLUMNS, ROWS, CELL = 13, 4, 8
FIXED = {(0, 0): 1, (0, 1): 0, (1, 0): 0, (3, 12): 1}
STARTED = time.monotonic_ns()


def micros():
    return (time.monotonic_ns() - STARTED) // 1000


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def side_of_cell(width, height):
    return CELL * max(1, min(width // 320, height // 480))


def read_code(luma):
    """The number in the picture's corner, or None."""
    side = side_of_cell(luma.shape[1], luma.shape[0])
    grid = luma[: ROWS * side, : COLUMNS * side].reshape(ROWS, side, COLUMNS, side)
    means = grid[:, side // 4 : -(side // 4), :, side // 4 : -(side // 4)].mean(axis=(1, 3))
    white, black = (means[0, 0] + means[3, 12]) / 2, (means[0, 1] + means[1, 0]) / 2
    if white - black < 64:
        return None
    share = (means - black) / (white - black)
    if ((share > 0.35) & (share < 0.65)).any():
        return None
    bits = [int(share[cell] > 0.5) for cell in np.ndindex(ROWS, COLUMNS) if cell not in FIXED]
    if any(int(share[cell] > 0.5) != white for cell, white in FIXED.items()):
        return None
    word = int("".join(map(str, bits)), 2)
    number = word >> 16
    return number if crc16(number.to_bytes(4, "big")) == word & 0xFFFF else None


def detect(luma, threshold=150):
    """The centroid of what is bright below the code: threshold and moments."""
    top = ROWS * side_of_cell(luma.shape[1], luma.shape[0]) + 8
    ys, xs = np.nonzero(luma[top:] > threshold)
    if len(xs) < 12:
        return []
    return [{"label": "ball", "x": float(xs.mean()), "y": float(ys.mean()) + top, "radius": float((len(xs) / np.pi) ** 0.5)}]


async def watch(track, channel_of):
    seq = 0
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        received = micros()
        # Without the padding of its rows.
        plane = frame.planes[0]
        luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
        code = read_code(luma)
        objects = detect(luma)
        message = {"type": "sightings", "version": 1, "seq": seq, "ticks": frame.pts % 2**32}
        message |= {"width": frame.width, "height": frame.height, "objects": objects, "detect_us": micros() - received}
        if code is not None:
            message["code"] = code
        channel = channel_of()
        if channel is not None and channel.readyState == "open":
            channel.send(json.dumps(message))
            seq += 1


def answer_pings(channel):
    @channel.on("message")
    def on_message(text):
        message = json.loads(text)
        if message["type"] == "ping":
            at = micros()
            pong = {"type": "pong", "version": 1, "id": message["id"], "sent_us": message["sent_us"]}
            channel.send(json.dumps(pong | {"received_us": at, "answered_us": micros()}))
