package main

const helpText = `Earshot is the real-time gateway of a shared virtual world: who is here, who is
near whom, and what each of them hears and sees.

Commands
  earshot serve      run a node
  earshot token      issue a token that lets somebody join
  earshot config     print the configuration in force, or an example file
  earshot policy     test a moderation policy, or replay incidents under it
  earshot loadtest   measure a server with bots: what does everybody hear
  earshot replay     play a recording back into a running world
  earshot version    print the version
  earshot help serve explain a command and its flags

Try it
  earshot serve
      a complete world on this machine: open http://localhost:8080

Run it for others
  earshot config -example > earshot.yaml
      every key with its default, explained; set at least keys
  earshot serve -config earshot.yaml
  earshot token -config earshot.yaml -world plaza -name Ada

Moderate it
  earshot token -config earshot.yaml -world plaza -name Max -grant moderate,admin
      a token for the console, http://localhost:8080/console/
  earshot policy default > plaza.yaml
      the rules, explained: change them, earshot policy test plaza.yaml, then
      moderation.worlds.plaza.policy in the configuration
`

const serveText = `earshot serve runs a node until Ctrl-C, which says goodbye to everybody; a second
Ctrl-C ends it at once.

Without a configuration it is a complete world for this machine: the demo world
"plaza" on http://localhost:8080, nothing stored, and a key made at every start,
with which it gives a token to everybody who asks.

Examples
  earshot serve
  earshot serve -listen 0.0.0.0:8080 -udp 3478
  earshot serve -config earshot.yaml -log-format json
  EARSHOT_KEY_ID=main EARSHOT_KEY_SECRET=base64:… earshot serve

Every flag has an environment variable: EARSHOT_CONFIG, EARSHOT_LISTEN,
EARSHOT_UDP, EARSHOT_ADMIN, EARSHOT_LOG_LEVEL, EARSHOT_LOG_FORMAT; and there are
EARSHOT_EGRESS, EARSHOT_PUBLIC_IPS (separated by commas), EARSHOT_KEY_ID and
EARSHOT_KEY_SECRET.
Flags win over the environment, the environment over the file.
`

const tokenText = `earshot token prints a token with which somebody can join. Applications make
their own with any JWT library; this is for trying and for scripts.

Examples
  earshot token -config earshot.yaml -world plaza -name Ada
  earshot token -config earshot.yaml -world plaza -name Max -sub max@example.org -grant moderate -ttl 8h
  EARSHOT_KEY_SECRET=base64:… earshot token -key-id main -world plaza -name Bot -kind bot
  earshot token -config earshot.yaml -world plaza -name "Main stage" -sub stage-main -stage main \
      -grant publish.audio,publish.video -ttl 24h        (OBS, by WHIP)
  earshot token -url http://localhost:8080 -name Ada     (a server without keys)
  earshot token -livekit -config earshot.yaml -world plaza -name Ada
      an access token of LiveKit's form, for LiveKit's SDKs (docs/livekit-server.md)

Grants
  publish.audio publish.video publish.pose   speak, show camera or screen, move
  subscribe chat                             hear and see others, write
  moderate    the console at /console/, and mute and kick in the world
  admin       with moderate: change the policy, export and erase a person
  design      the studio at /studio/: NPCs and the parameters of the world
  record      start and stop to record the world
  inference   ask model servers: POST /v1/chat/completions
Without -grant a token has the first five. A moderator needs an own -sub: it is
what the journal names them by. With -livekit they become LiveKit's: chat is
canPublishData, moderate roomAdmin of the world, admin roomCreate and roomList
too; the rest has no word there.

A secret given by -key-secret can be seen by others on this machine (ps); the
environment or a file is better.
`

const configText = `earshot config prints the configuration that earshot serve would use: defaults,
then the file, then EARSHOT_* variables, then flags. Secrets are masked.

Examples
  earshot config
  earshot config -config earshot.yaml -listen 0.0.0.0:8080
  earshot config -example > earshot.yaml
`

const policyText = `earshot policy is about the rules of moderation: a YAML file per world that says
what is looked for, what it leads to, and what people are told.

  earshot policy default [-minors]             print a policy that explains itself
  earshot policy test FILE [-trace]            run the cases in the file
  earshot policy replay FILE -incidents LOG    what would have been decided with it?

Examples
  earshot policy default > plaza.yaml
  earshot policy test plaza.yaml
  earshot policy replay plaza.yaml -incidents incidents.jsonl -examples 10

Use it: moderation.worlds.plaza.policy: plaza.yaml in the configuration, or the
tab Policy of the console, which a token with moderate and admin may change.

A policy turns scores (0 to 1 for each category) and listed words into what
happens to a message (mask, hold) and strikes; strikes fade, and their sum picks
a rung of the ladder: nudge, mask, slow, mute, isolate, kick, suspend. Rungs
above automatic say by: person. Each argument about a rule is worth a case:

  cases:
    - name: the fourth insult of an evening mutes
      given: { scores: { toxicity: 0.95 }, at: "sat 23:30" }
      history: [{ weight: 1, ago: 3h }, { weight: 1, ago: 2h }, { weight: 1, ago: 1h }]
      expect: { actions: [mask, mute 10m], strike: 1 }

test prints a verdict for each case and exits with 1 if one failed. A file that
contradicts itself is refused with all its problems, by line and field; exit 2.
replay shows nobody's name or words, unless -text is given.
`

const replayText = `earshot replay plays a recording back into a running world: everybody in it
comes, walks, talks, shows their camera and leaves again, as bots with the
recorded sound and pictures. Give the folder of one recording, which has a
manifest.json (docs/recording.md), after the flags.

Examples
  earshot replay recordings/in_plaza-20261121T170000Z
  earshot replay -from 90s -to 5m -world stage recordings/in_plaza-20261121T170000Z
  earshot replay -url https://earshot.example.org -config earshot.yaml DIR

Where the server has keys, tokens are made with one of them: -config, or -key-id
with EARSHOT_KEY_SECRET. Bots send VP8 and H.264; other videos, and screens, are
left out and named at the end. Ctrl-C has all of them leave.
`
