"""An agent of LiveKit's Agents framework for Python, unmodified and without any
model: it says a tone, answers a text stream and repeats what data it gets. Needs:
pip install livekit-agents. LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET
name the server, as for every agent.

Usage: livekit_agent.py AGENT_NAME HZ
"""
import array
import asyncio
import logging
import math
import sys

from livekit import rtc
from livekit.agents import AgentServer, JobContext, JobExecutorType

NAME, HZ = sys.argv[1], int(sys.argv[2])
RATE = 48000
FRAME = RATE // 100
AMPLITUDE = 0.3

server = AgentServer(
    job_executor_type=JobExecutorType.THREAD, num_idle_processes=0, host="127.0.0.1", port=0,
    load_fnc=lambda: 0.1, load_threshold=0.9, shutdown_process_timeout=2.0,
)


async def speak(room):
    source = rtc.AudioSource(RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track("tone", source)
    await room.local_participant.publish_track(track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False))
    n = 0
    while True:
        samples = array.array("h", (int(32767 * AMPLITUDE * math.sin(2 * math.pi * HZ * (n + i) / RATE)) for i in range(FRAME)))
        await source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, FRAME))
        n += FRAME


@server.rtc_session(agent_name=NAME)
async def entrypoint(ctx: JobContext):
    tasks = set()

    def go(coroutine):
        task = asyncio.create_task(coroutine)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def answer(reader, identity):
        text = await reader.read_all()
        await ctx.room.local_participant.send_text(f"you said {text}", topic="answer", destination_identities=[identity])

    ctx.room.register_text_stream_handler("question", lambda reader, identity: go(answer(reader, identity)))

    @ctx.room.on("data_received")
    def _(packet):
        if packet.topic == "ping" and packet.participant:
            go(ctx.room.local_participant.publish_data(packet.data, topic="pong", destination_identities=[packet.participant.identity]))

    await ctx.connect()
    print(f"joined {ctx.room.name} for {ctx.job.id}", flush=True)
    go(speak(ctx.room))


@server.on("worker_registered")
def _(worker_id, _info):
    print(f"registered {worker_id}", flush=True)


logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
asyncio.run(server.run(devmode=True))
