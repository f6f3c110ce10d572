#!/usr/bin/python3
"""Publishes by WHIP or plays by WHEP with GStreamer's webrtcbin.

    gstreamer.py publish URL [--codec vp8|h264] [--seconds N]
    gstreamer.py play    URL [--codec vp8|h264] [--seconds N]

The token is in EARSHOT_TOKEN. publish sends a moving test picture and a tone of
440 Hz. play decodes what comes. Both write one line of JSON a second and end
with DELETE, on SIGTERM too. Debian: python3-gst-1.0
gir1.2-gst-plugins-bad-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good
gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-nice
"""
import argparse
import json
import os
import signal
import sys
import urllib.error
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

CODECS = {
    "vp8": {
        "pay": "vp8enc deadline=1 keyframe-max-dist=30 target-bitrate=500000 ! rtpvp8pay picture-id-mode=15-bit pt=96",
        "caps": "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96",
        "decode": "rtpvp8depay ! vp8dec",
    },
    "h264": {
        "pay": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 bitrate=500 ! "
        "video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency pt=102",
        "caps": "application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=102,"
        "packetization-mode=(string)1,profile-level-id=(string)42e01f",
        "decode": "rtph264depay ! avdec_h264",
    },
}
VOICE = "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=111"


class Client:
    """One session of WHIP or WHEP, from POST to DELETE."""

    def __init__(self, url, token):
        self.url, self.token = url, token
        self.session = None
        self.counts = {"video": 0, "audio": 0}
        self.loop = GLib.MainLoop()
        self.failed = None

    def publish(self, codec):
        self.pipeline = Gst.parse_launch(
            "webrtcbin name=rtc bundle-policy=max-bundle "
            "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1 ! videoconvert ! "
            f"{CODECS[codec]['pay']} ! rtc. "
            "audiotestsrc is-live=true freq=440 volume=0.5 ! audioconvert ! audioresample ! opusenc ! "
            "rtpopuspay pt=111 ! rtc."
        )
        self.start()

    def play(self, codec):
        self.pipeline, self.codec = Gst.Pipeline.new(), codec
        self.rtc = Gst.ElementFactory.make("webrtcbin", "rtc")
        self.rtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.pipeline.add(self.rtc)
        for caps in (VOICE, CODECS[codec]["caps"]):
            self.rtc.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(caps))
        self.rtc.connect("pad-added", self.on_pad)
        self.start()

    def start(self):
        self.rtc = self.pipeline.get_by_name("rtc")
        self.rtc.connect("on-negotiation-needed", self.on_negotiation_needed)
        self.rtc.connect("notify::connection-state", self.on_state)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", lambda _, m: self.fail(str(m.parse_error())))
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()

    def on_negotiation_needed(self, rtc):
        promise = Gst.Promise.new_with_change_func(self.on_offer)
        rtc.emit("create-offer", None, promise)

    def on_offer(self, promise):
        reply = promise.get_reply()  # owns the offer
        offer = reply.get_value("offer")
        text = offer.sdp.as_text()
        self.rtc.emit("set-local-description", offer, Gst.Promise.new())
        GLib.idle_add(self.post, text)

    def post(self, offer):
        if os.environ.get("EARSHOT_DEBUG"):
            print(offer, file=sys.stderr)
        try:
            with self.request("POST", self.url, offer.encode(), {"Content-Type": "application/sdp"}) as reply:
                answer = reply.read().decode()
                self.session = urllib.parse.urljoin(self.url, reply.headers["Location"])
        except urllib.error.HTTPError as refusal:
            self.fail(f"POST: {refusal.code} {refusal.read().decode()}")
            return False
        if os.environ.get("EARSHOT_DEBUG"):
            print(answer, file=sys.stderr)
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.rtc.emit("set-remote-description", description, Gst.Promise.new())
        return False

    def on_state(self, rtc, _):
        print(json.dumps({"state": rtc.get_property("connection-state").value_nick}), flush=True)

    def on_pad(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        media = pad.get_current_caps().get_structure(0).get_string("media")
        decode = CODECS[self.codec]["decode"] if media == "video" else "rtpopusdepay ! opusdec"
        branch = Gst.parse_bin_from_description(
            f"queue ! {decode} ! fakesink name=sink sync=false signal-handoffs=true", True
        )
        branch.get_by_name("sink").connect("handoff", self.on_decoded, media)
        self.pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))

    def on_decoded(self, _sink, _buffer, _pad, media):
        self.counts[media] += 1

    def report(self):
        print(json.dumps(self.counts), flush=True)
        return True

    def fail(self, why):
        self.failed = why
        self.loop.quit()

    def end(self):
        if self.session:
            try:
                with self.request("DELETE", self.session) as reply:
                    print(json.dumps({"deleted": reply.status}), flush=True)
            except urllib.error.HTTPError as refusal:  # it has ended already
                print(json.dumps({"deleted": refusal.code}), flush=True)
        self.pipeline.set_state(Gst.State.NULL)

    def request(self, method, url, body=None, headers=None):
        return urllib.request.urlopen(
            urllib.request.Request(
                url, data=body, method=method, headers={"Authorization": f"Bearer {self.token}", **(headers or {})}
            ),
            timeout=30,
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["publish", "play"])
    parser.add_argument("url")
    parser.add_argument("--codec", choices=CODECS, default="vp8")
    parser.add_argument("--seconds", type=int, default=0, help="0: until a signal")
    options = parser.parse_args()
    Gst.init(None)
    client = Client(options.url, os.environ["EARSHOT_TOKEN"])
    for number in (signal.SIGINT, signal.SIGTERM):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, client.loop.quit)
    GLib.timeout_add(1000, client.report)
    if options.seconds:
        GLib.timeout_add_seconds(options.seconds, client.loop.quit)
    getattr(client, options.what)(options.codec)
    client.end()
    if client.failed:
        sys.exit(client.failed)


if __name__ == "__main__":
    main()
