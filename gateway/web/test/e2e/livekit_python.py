"""livekit's Python SDK, unmodified, against a server that speaks LiveKit: one
publishes a tone, the other hears it; data go both ways. Needs: pip install livekit.

Usage: livekit_python.py URL TOKEN_OF_ALICE TOKEN_OF_BOB
"""
import array
import asyncio
import math
import sys

from livekit import rtc

RATE = 48000
FRAME = RATE // 100
HZ = 440
AMPLITUDE = 0.3
LEVEL = 20 * math.log10(AMPLITUDE / math.sqrt(2))


async def speak(room):
    source = rtc.AudioSource(RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track("tone", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
    await room.local_participant.publish_track(track, options)
    n = 0
    while True:
        samples = array.array("h", (int(32767 * AMPLITUDE * math.sin(2 * math.pi * HZ * (n + i) / RATE)) for i in range(FRAME)))
        await source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, FRAME))
        n += FRAME


def level(samples):
    """RMS of the tone in dBFS."""
    re = sum(s * math.cos(2 * math.pi * HZ * i / RATE) for i, s in enumerate(samples))
    im = sum(s * math.sin(2 * math.pi * HZ * i / RATE) for i, s in enumerate(samples))
    return 20 * math.log10(math.sqrt(2) * math.hypot(re, im) / len(samples) / 32768 + 1e-9)


async def main(url, alice_token, bob_token):
    alice, bob = rtc.Room(), rtc.Room()
    heard, data = asyncio.Queue(), asyncio.Queue()

    @bob.on("track_subscribed")
    def _(track, _publication, _participant):
        heard.put_nowait(rtc.AudioStream(track, sample_rate=RATE, num_channels=1))

    @alice.on("data_received")
    def _(packet):
        data.put_nowait((packet.participant.identity, packet.data, packet.topic))

    await bob.connect(url, bob_token)
    await alice.connect(url, alice_token)
    speaking = asyncio.create_task(speak(alice))
    stream = await asyncio.wait_for(heard.get(), 60)

    window, best = array.array("h"), -120.0
    async def listen():
        nonlocal window, best
        async for event in stream:
            window.extend(event.frame.data)
            if len(window) >= RATE // 5:
                best = level(window)
                window = array.array("h")
                if abs(best - LEVEL) < 2:
                    return
    try:
        await asyncio.wait_for(listen(), 60)
    except asyncio.TimeoutError:
        raise SystemExit(f"the tone of {LEVEL:.1f} dBFS came at {best:.1f}")
    print(f"the tone of {LEVEL:.1f} dBFS comes at {best:.1f}")

    await bob.local_participant.publish_data(b"hello", reliable=True, topic="greeting", destination_identities=["python-alice"])
    got = await asyncio.wait_for(data.get(), 60)
    if got != ("python-bob", b"hello", "greeting"):
        raise SystemExit(f"data came as {got}")
    print("data come")
    speaking.cancel()
    await bob.disconnect()
    await alice.disconnect()


asyncio.run(main(*sys.argv[1:]))
