#!/usr/bin/env python3
"""Plays over WHEP from a rebound hub (or from `rebound send --frame-code` itself) and returns coordinates, all on aiortc.

    target/peers-venv/bin/python examples/whep_aiortc.py http://127.0.0.1:8080/whep/SESSION [TOKEN]

The data channel is made here, since it is the player that offers. Ends on SIGINT or SIGTERM, and says goodbye with DELETE.
"""
import asyncio, signal, sys
from urllib.parse import urljoin

import aiohttp
from aiortc import RTCPeerConnection, RTCSessionDescription

from coordinates import answer_pings, watch


async def play(url, token, ending):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    peer, tasks = RTCPeerConnection(), []
    peer.addTransceiver("video", direction="recvonly")
    channel = peer.createDataChannel("rebound", ordered=False, maxRetransmits=0)
    answer_pings(channel)

    @peer.on("track")
    def on_track(track):
        tasks.append(asyncio.ensure_future(watch(track, lambda: channel)))

    @peer.on("connectionstatechange")
    def on_state():
        print(peer.connectionState, flush=True)

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
            await ending.wait()
        finally:
            await http.delete(resource)
            await peer.close()


async def main():
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    await play(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None, ending)


if __name__ == "__main__":
    asyncio.run(main())
