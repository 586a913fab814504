"""Cameras on loopback: GStreamer's RTSP server with and without a password, and a playlist a real encoder writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.servers import _die_with_parent, free_port, until

PYTHON = "/usr/bin/python3"  # The system's: its GStreamer is not in our environment.
SERVER = """
import sys, gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
gi.require_version("GstRtsp", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer
Gst.init(None)
port, user, password = sys.argv[1:4]
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
if user:
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_digest(user, password, token)
    server.set_auth(auth)
for path, launch in (("/cam1", "videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48,framerate=5/1 ! jpegenc ! rtpjpegpay name=pay0"),
                     ("/sound", "audiotestsrc is-live=true ! audioconvert ! alawenc ! rtppcmapay name=pay0")):
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch("( " + launch + " )")
    factory.set_shared(True)
    if user:
        factory.add_role_from_structure(Gst.Structure.new_from_string("user, media.factory.access=true, media.factory.construct=true"))
    server.get_mount_points().add_factory(path, factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
"""  # noqa: E501


def gstreamer() -> str | None:
    """What is missing for the RTSP server; None if all is there."""
    code = 'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer'
    if not Path(PYTHON).exists() or subprocess.run([PYTHON, "-c", code], capture_output=True, check=False).returncode:
        return (
            "GStreamer's RTSP server is not installed (Debian: apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi)"
        )
    for element in ("jpegenc", "rtpjpegpay"):
        if (
            shutil.which("gst-inspect-1.0")
            and subprocess.run(["gst-inspect-1.0", "--exists", element], capture_output=True, check=False).returncode
        ):
            return f"GStreamer has no {element} (Debian: apt-get install gstreamer1.0-plugins-good)"
    return None


@contextmanager
def rtsp_server(user: str = "", password: str = "") -> Iterator[str]:
    """A server with ``/cam1`` (video) and ``/sound`` (no video); gives ``rtsp://127.0.0.1:port``."""
    port = free_port()
    process = subprocess.Popen(
        [PYTHON, "-c", SERVER, str(port), user, password], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent, env={**os.environ, "GST_REGISTRY_FORK": "no"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", "the RTSP server has not started"
        yield f"rtsp://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def hls_encoder(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A live playlist in ``folder``, written by GStreamer until the block ends or the process is stopped."""
    words = (
        "videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=10/1 ! openh264enc ! h264parse ! "
        f"hlssink2 target-duration=1 max-files=5 playlist-length=3 location={folder}/s%05d.ts "
        f"playlist-location={folder}/live.m3u8"
    )
    process = subprocess.Popen(
        ["gst-launch-1.0", "-q", *words.split()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent,
    )  # fmt: skip
    try:
        until(lambda: process.poll() is not None or (folder / "live.m3u8").exists(), 20, "a playlist is written")
        yield process
    finally:
        process.kill()
        process.wait()


def can_encode() -> bool:
    """Whether GStreamer can write HLS here."""
    tool = shutil.which("gst-inspect-1.0")
    return bool(tool) and all(
        subprocess.run([str(tool), "--exists", name], capture_output=True, check=False).returncode == 0
        for name in ("openh264enc", "hlssink2", "h264parse")
    )


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """The files of a folder over HTTP; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
