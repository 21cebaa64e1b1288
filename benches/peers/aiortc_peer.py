#!/usr/bin/env python3
"""A receiver for `rebound send --frame-code` on aiortc: docs/signalling.md, docs/protocol.md, and a detector of twenty lines.

Its timestamps begin at the first frame received (`frame.pts`), so it names frames by `ticks` and `code`; the sender learns the
offset between them. On SIGTERM it prints what it cost as one line of JSON.
"""
import asyncio, json, resource, signal, sys, time

import aiohttp
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

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
        frame = await track.recv()
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


async def run(url, codec):
    peer, channels, tasks = RTCPeerConnection(), [], []

    @peer.on("datachannel")
    def on_channel(channel):
        channels.append(channel)
        answer_pings(channel)

    @peer.on("track")
    def on_track(track):
        tasks.append(asyncio.ensure_future(watch(track, lambda: channels[0] if channels else None)))

    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_json({"type": "join", "version": 1, "role": "receiver", "name": "aiortc", "codecs": [codec]})
        async for frame in socket:
            if frame.type != aiohttp.WSMsgType.TEXT:
                break
            message = json.loads(frame.data)
            if message["type"] == "offer":
                await peer.setRemoteDescription(RTCSessionDescription(message["sdp"], "offer"))
                answer = await peer.createAnswer()
                # As DTLS client aiortc offers ciphers for ECDSA certificates only, and webrtcbin 1.22 has an RSA one.
                passive = answer.sdp.replace("a=setup:active", "a=setup:passive")
                await peer.setLocalDescription(RTCSessionDescription(passive, "answer"))
                await socket.send_json({"type": "answer", "sdp": peer.localDescription.sdp})
            elif message["type"] == "candidate" and message["candidate"]:
                candidate = candidate_from_sdp(message["candidate"].removeprefix("candidate:"))
                candidate.sdpMLineIndex = message.get("sdpMLineIndex", 0)
                await peer.addIceCandidate(candidate)
            elif message["type"] in ("bye", "error"):
                print(message, file=sys.stderr)
                if not message.get("recoverable"):
                    break
    await peer.close()


async def main():
    codec, url = sys.argv[1:3]
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    running = asyncio.ensure_future(run(url, codec))
    await asyncio.wait([running, asyncio.ensure_future(ending.wait())], return_when=asyncio.FIRST_COMPLETED)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu_s": usage.ru_utime + usage.ru_stime}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
