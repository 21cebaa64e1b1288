#!/usr/bin/env python3
"""Publishes a moving ball over WHIP into a rebound hub and compares the coordinates that come back, all on aiortc.

    target/peers-venv/bin/python examples/whip_aiortc.py http://127.0.0.1:3001/whip/SESSION [TOKEN]

Every second it prints how many coordinates came and how far from the middle of the picture they were: the ball moves around it.
Ends on SIGINT or SIGTERM, and says goodbye with DELETE.
"""
import asyncio, json, math, signal, sys
from urllib.parse import urljoin

import aiohttp
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from av import VideoFrame

WIDTH, HEIGHT, RADIUS_PX, ORBIT_PX = 320, 240, 20, 60


class Ball(VideoStreamTrack):
    """A bright ball on dark ground that goes around the middle once in four seconds, 30 frames a second."""

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        angle = math.tau * pts * float(time_base) / 4
        ys, xs = np.mgrid[:HEIGHT, :WIDTH]
        away = np.hypot(xs - WIDTH / 2 - ORBIT_PX * math.cos(angle), ys - HEIGHT / 2 - ORBIT_PX * math.sin(angle))
        luma = (40 + 180 * np.clip(RADIUS_PX + 0.5 - away, 0, 1)).astype(np.uint8)
        frame = VideoFrame.from_ndarray(luma, format="gray").reformat(format="yuv420p")
        frame.pts, frame.time_base = pts, time_base
        return frame


def collect(channel, distances):
    @channel.on("message")
    def on_message(text):
        message = json.loads(text)
        if message["type"] == "sightings":
            distances.extend(math.hypot(ball["x"] - WIDTH / 2, ball["y"] - HEIGHT / 2) for ball in message["objects"])


async def publish(url, token, ending):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    peer, distances = RTCPeerConnection(), []
    peer.addTransceiver(Ball(), direction="sendonly")
    collect(peer.createDataChannel("rebound", ordered=False, maxRetransmits=0), distances)
    # aiortc gathers all its candidates here, so that nothing has to be trickled.
    await peer.setLocalDescription(await peer.createOffer())
    async with aiohttp.ClientSession(headers=headers) as http:
        sent = {"data": peer.localDescription.sdp, "headers": {"Content-Type": "application/sdp"}}
        async with http.post(url, **sent) as reply:
            answer = await reply.text()
            if reply.status != 201:
                sys.exit(f"{url} answers {reply.status}: {answer}")
            resource = urljoin(str(reply.url), reply.headers["Location"])
        try:
            await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            end = asyncio.ensure_future(ending.wait())
            while not end.done():
                await asyncio.wait([end], timeout=1)
                mean = sum(distances) / len(distances) if distances else math.nan
                print(f"{len(distances)} coordinates, on average {mean:.1f} px from the middle; {ORBIT_PX} is right", file=sys.stderr)
                distances.clear()
        finally:
            await http.delete(resource)
            await peer.close()


async def main():
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    await publish(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None, ending)


if __name__ == "__main__":
    asyncio.run(main())
