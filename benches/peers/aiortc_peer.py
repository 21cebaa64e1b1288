#!/usr/bin/env python3
"""A receiver for `rebound send --frame-code` on aiortc: docs/signalling.md, docs/protocol.md, and a detector of twenty lines.

Its timestamps begin at the first frame received (`frame.pts`), so it names frames by `ticks` and `code`; the sender learns the
offset between them. On SIGTERM it prints what it cost as one line of JSON.
"""
import asyncio, json, resource, signal, sys
from pathlib import Path

import aiohttp
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples"))
from coordinates import answer_pings, watch


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
