#!/usr/bin/env python3
"""A WHIP and WHEP server on aiortc and aiohttp, that knows nothing of rebound but the data channel's protocol.

    aiortc_server.py [--token TOKEN] [--moved] [--busy N] [--no-channel] [--silent] [--counter-offer]

Says `listening PORT` on stderr, then a line for everything that a test may want to know. With `--moved` /whip and /whep redirect to where they
are, `--busy N` answers 503 to the first N offers, `--no-channel` rejects the
data channel, `--silent` takes it and says nothing there, `--counter-offer` answers players by 406.
"""
import argparse, asyncio, json, secrets, sys
from pathlib import Path

from aiohttp import web
from aiortc import RTCPeerConnection, RTCSessionDescription

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples"))
from coordinates import answer_pings, watch
from whip_aiortc import Ball

SDP = "application/sdp"


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def without_channel(offer):
    """The offer without its data channel, and what rejects that in the answer."""
    head, *sections = offer.replace("\r\n", "\n").split("\nm=")
    kept = [section for section in sections if not section.startswith("application")]
    [rejected] = [section for section in sections if section.startswith("application")]
    mid = next(line for line in rejected.split("\n") if line.startswith("a=mid:"))
    name = mid.removeprefix("a=mid:")
    lines = [" ".join(word for word in line.split(" ") if word != name) if line.startswith("a=group:") else line for line in head.split("\n")]
    offer = "\nm=".join(["\n".join(lines), *kept]).rstrip("\n") + "\n"
    return offer, f"m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n{mid}\r\n"


class Server:
    def __init__(self, options):
        self.options, self.busy, self.peers, self.tasks = options, options.busy, {}, []

    def problem(self, status, detail, **headers):
        body = json.dumps({"type": "about:blank", "title": "no", "detail": detail})
        return web.Response(status=status, text=body, content_type="application/problem+json", headers=headers)

    def refusal(self, request):
        if self.options.token and request.headers.get("Authorization") != f"Bearer {self.options.token}":
            return self.problem(401, "who are you?", **{"WWW-Authenticate": "Bearer"})
        return None

    async def on_options(self, request):
        link = '<stun:127.0.0.1:9>; rel="ice-server"' if request.query.get("link") else None
        return web.Response(status=204, headers={"Accept-Post": SDP} | ({"Link": link} if link else {}))

    async def on_offer(self, request):
        if self.options.moved:
            raise web.HTTPTemporaryRedirect(f"/moved{request.path}")
        return await self.on_moved_offer(request)

    async def on_moved_offer(self, request):
        if (refusal := self.refusal(request)) is not None:
            return refusal
        if request.content_type != SDP:
            return self.problem(415, "an offer is application/sdp")
        if self.busy > 0:
            self.busy -= 1
            say("busy")
            return self.problem(503, "no room yet", **{"Retry-After": "1"})
        offer = await request.text()
        say("offer", "complete" if "a=end-of-candidates" in offer and "a=candidate:" in offer else "without candidates")
        name, peer = secrets.token_hex(8), RTCPeerConnection()
        self.peers[name] = peer
        headers = {"Location": f"/session/{name}", "ETag": f'"{name[:4]}"'}
        if request.path.endswith("/whep"):
            self.play(peer)
            if self.options.counter_offer:
                peer.addTransceiver(self.ball, direction="sendonly")
                self.on_channel(peer.createDataChannel("rebound"))
                await peer.setLocalDescription(await peer.createOffer())
                return web.Response(status=406, text=peer.localDescription.sdp, content_type=SDP, headers=headers)
        else:
            self.look(peer)
        return web.Response(status=201, text=await self.answer(peer, offer, request), content_type=SDP, headers=headers)

    async def answer(self, peer, offer, request):
        rejected = ""
        if self.options.no_channel:
            offer, rejected = without_channel(offer)
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        if request.path.endswith("/whep"):
            peer.addTrack(self.ball)
        answer = await peer.createAnswer()
        # As DTLS client aiortc offers ciphers for ECDSA certificates only, and webrtcbin 1.22 has an RSA one.
        passive = answer.sdp.replace("a=setup:active", "a=setup:passive")
        await peer.setLocalDescription(RTCSessionDescription(passive, "answer"))
        return peer.localDescription.sdp + rejected

    def watch_state(self, peer):
        @peer.on("connectionstatechange")
        def on_state():
            say("connection", peer.connectionState)

    def play(self, peer):
        """What comes back is printed."""
        self.watch_state(peer)
        self.ball = Ball()
        peer.on("datachannel")(self.on_channel)

    def on_channel(self, channel):
        @channel.on("message")
        def on_message(text):
            message = json.loads(text)
            if message["type"] == "sightings" and message["objects"]:
                ball = message["objects"][0]
                say("sighting", message["rtp"], round(ball["x"], 2), round(ball["y"], 2))

    def look(self, peer):
        """Coordinates are returned."""
        self.watch_state(peer)
        channels = []

        @peer.on("datachannel")
        def on_channel(channel):
            if not self.options.silent:
                channels.append(channel)
                answer_pings(channel)

        @peer.on("track")
        def on_track(track):
            self.tasks.append(asyncio.ensure_future(self.look_at(track, channels)))

    async def look_at(self, track, channels):
        await track.recv()
        say("video")
        await watch(track, lambda: channels[0] if channels else None)

    async def on_patch(self, request):
        peer = self.peers.get(request.match_info["name"])
        if peer is None:
            return self.problem(404, "no such session")
        if request.headers.get("If-Match") != f'"{request.match_info["name"][:4]}"':
            return self.problem(412, "another state")
        await peer.setRemoteDescription(RTCSessionDescription(await request.text(), "answer"))
        say("counter-answer")
        return web.Response(status=204)

    async def on_delete(self, request):
        if (refusal := self.refusal(request)) is not None:
            return refusal
        peer = self.peers.pop(request.match_info["name"], None)
        if peer is None:
            return self.problem(404, "no such session")
        say("deleted")
        await peer.close()
        return web.Response(status=200)


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--token")
    parser.add_argument("--busy", type=int, default=0)
    for flag in ("--moved", "--no-channel", "--silent", "--counter-offer"):
        parser.add_argument(flag, action="store_true")
    server, app = Server(parser.parse_args()), web.Application()
    for kind in ("whip", "whep"):
        app.router.add_route("OPTIONS", f"/{kind}", server.on_options)
        app.router.add_post(f"/{kind}", server.on_offer)
        app.router.add_post(f"/moved/{kind}", server.on_moved_offer)
    app.router.add_patch("/session/{name}", server.on_patch)
    app.router.add_delete("/session/{name}", server.on_delete)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    say("listening", site._server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
