"""livekit-api, LiveKit's server SDK for Python, unmodified, against Earshot: it
speaks protobuf where the one for Node speaks JSON. Run by: EARSHOT_E2E=1
go test -run E2ELiveKitServerPython ./cmd/earshot"""
import asyncio
import json
import os
import urllib.request

from livekit import api

URL, KEY, SECRET, HOST = (os.environ[name] for name in (
    "EARSHOT_LIVEKIT_URL", "EARSHOT_LIVEKIT_KEY", "EARSHOT_LIVEKIT_SECRET", "EARSHOT_HOST"))
ROOM = "plaza"


def fetch(path, method="GET"):
    with urllib.request.urlopen(urllib.request.Request(HOST + path, method=method)) as reply:
        return json.load(reply)


def told(name, kind):
    return [m for m in fetch(f"/bots/{name}")["told"] if m["type"] == kind]


async def until(what, condition):
    for _ in range(100):
        if condition():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"never: {what}")


async def refused(call, code, status):
    try:
        await call
    except api.TwirpError as e:
        assert (e.code, e.status) == (code, status), e
        assert len(e.message) > 20, e
    else:
        raise AssertionError(f"not refused: {code}")


async def main():
    ada = fetch("/bots/ada", "POST")["id"]
    async with api.LiveKitAPI(URL, KEY, SECRET) as lk:
        rooms = lk.room
        listed = (await rooms.list_rooms(api.ListRoomsRequest(names=[ROOM]))).rooms
        assert [(r.name, r.num_participants) for r in listed] == [(ROOM, 1)], listed
        updated = await rooms.update_room_metadata(api.UpdateRoomMetadataRequest(room=ROOM, metadata="night"))
        assert updated.metadata == "night" and updated.creation_time > 0

        everybody = (await rooms.list_participants(api.ListParticipantsRequest(room=ROOM))).participants
        assert [(p.identity, p.name, p.state) for p in everybody] == [(ada, "ada", api.ParticipantInfo.State.ACTIVE)], everybody
        [track] = everybody[0].tracks
        assert (track.source, track.type, track.muted) == (api.TrackSource.MICROPHONE, api.TrackType.AUDIO, False)

        for muted in (True, False):
            reply = await rooms.mute_published_track(api.MuteRoomTrackRequest(room=ROOM, identity="ada", track_sid=track.sid, muted=muted))
            assert reply.track.muted == muted, reply

        beyond = api.ParticipantPermission(can_subscribe=True, can_publish_data=True, can_publish=True, can_publish_sources=[api.TrackSource.CAMERA])
        await refused(rooms.update_participant(api.UpdateParticipantRequest(room=ROOM, identity="ada", permission=beyond)), "failed_precondition", 412)
        permission = api.ParticipantPermission(can_subscribe=True, can_publish_data=True)
        changed = await rooms.update_participant(api.UpdateParticipantRequest(
            room=ROOM, identity="ada", metadata="dances", attributes={"team_name": "red"}, permission=permission))
        assert changed.metadata == "dances" and dict(changed.attributes) == {"team_name": "red"}, changed
        assert not changed.permission.can_publish, changed

        await rooms.send_data(api.SendDataRequest(room=ROOM, data=b"\x00hi", kind=api.DataPacket.Kind.RELIABLE, topic="score"))
        await until("data", lambda: [(m["topic"], m["data"]) for m in told("ada", "data")] == [("score", "AGhp")])

        await refused(rooms.create_room(api.CreateRoomRequest(name="nowhere")), "not_found", 404)
        await refused(rooms.get_participant(api.RoomParticipantIdentity(room=ROOM, identity="nobody")), "not_found", 404)
        await refused(lk.egress.list_egress(api.ListEgressRequest()), "unimplemented", 501)
        async with api.LiveKitAPI(URL, KEY, "the secret of somebody else, long enough") as stranger:
            await refused(stranger.room.list_rooms(api.ListRoomsRequest()), "unauthenticated", 401)

        await rooms.remove_participant(api.RoomParticipantIdentity(room=ROOM, identity="ada"))
        await until("bye", lambda: told("ada", "bye"))
        assert not (await rooms.list_participants(api.ListParticipantsRequest(room=ROOM))).participants
        await rooms.delete_room(api.DeleteRoomRequest(room=ROOM))
        assert not (await rooms.list_rooms(api.ListRoomsRequest())).rooms

    receiver = api.WebhookReceiver(api.TokenVerifier(KEY, SECRET))
    names = lambda: [receiver.receive(h["body"], h["authorization"]).event for h in fetch("/hooks") or []]
    want = ["room_started", "participant_joined", "track_published", "track_unpublished", "participant_left", "room_finished"]
    await until("webhooks", lambda: names() == want)
    print("livekit-api: rooms, participants, mute, permissions, data, removal, webhooks")


asyncio.run(main())
