#!/usr/bin/python3
"""An RTSP server with GStreamer's ball on it, for the tests; says its address on stdout."""
import gi

gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

BALL = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=640,height=480,framerate=30/1"

Gst.init(None)
server = GstRtspServer.RTSPServer.new()
server.set_address("127.0.0.1")
server.set_service("0")
factory = GstRtspServer.RTSPMediaFactory.new()
factory.set_launch(f"( {BALL} ! x264enc tune=zerolatency key-int-max=30 ! rtph264pay name=pay0 config-interval=-1 )")
factory.set_shared(True)
server.get_mount_points().add_factory("/ball", factory)
server.attach(None)
print(f"rtsp://127.0.0.1:{server.get_bound_port()}/ball", flush=True)
GLib.MainLoop().run()
