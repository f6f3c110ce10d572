package main

const loadtestText = `earshot loadtest brings people who are programs to a server and measures what each
of them hears and sees, against what they should. It shows how it goes, prints a
summary and writes report.html, which opens in any browser, and result.json.

  earshot loadtest                        run a scenario (smoke, against localhost)
  earshot loadtest capacity               add people until a rule breaks
  earshot loadtest compare A.json B.json  what differs between two runs, and is it noise
  earshot loadtest report RESULT.json     make the page of a result again
  earshot loadtest relay                  a bad network between your client and a server
  earshot loadtest peers                  the same load on other servers
  earshot loadtest cluster                kill nodes and their store: what do people notice

Examples
  earshot serve                           in another terminal
  earshot loadtest
  earshot loadtest -list                  which scenarios there are
  earshot loadtest -scenario plaza -set count=100 -set duration=30s
  earshot loadtest -scenario meeting -set network=4g -out before
  earshot loadtest -scenario smoke -show > mine.yaml; earshot loadtest -scenario ./mine.yaml
  earshot loadtest -scenario plaza -slo rules.slo -quiet    for a build: see the exit code
  earshot loadtest -url https://world.example.org -key-id main -key-secret-file key

A server without keys (earshot serve as it is) gives the tester its tokens. For any
other the tester makes them: with -config, the server's file, or with a key.

A file of rules has one a line: voice.latency_ms.p99 <= 150. -metrics lists the names.
Exit codes: 0 all rules held, 3 one was missed, 2 it was asked wrongly, 1 it broke.
Ctrl-C ends a run early and still writes the report; a second one gives it up.
`

const loadtestCompareText = `earshot loadtest compare shows how B differs from A, figure by figure, as ratios with
their spread, and says where the difference is noise. Each side is a result, several
with commas between them, or a folder with results: with three or more on each side
it can tell much smaller differences from noise than with one.

Examples
  earshot loadtest compare before/result.json after/result.json
  earshot loadtest compare a1.json,a2.json,a3.json b1.json,b2.json,b3.json
  earshot loadtest compare -json before after
`

const loadtestReportText = `earshot loadtest report makes the page of a result again, and prints its summary.

Examples
  earshot loadtest report result.json
  earshot loadtest report -slo stricter.slo -out page.html result.json
`

const loadtestRelayText = `earshot loadtest relay passes UDP between clients and a server, with a network of a
kind between them: delay, jitter, losses in bursts, a bottleneck. It is for browsers
and other people's programs; the tester's own bots bring their networks along
(network: in a scenario, or -set network=4g).

Examples
  earshot loadtest relay -network 3g -listen 127.0.0.1:3479 -to 127.0.0.1:3478
`

const loadtestCapacityText = `earshot loadtest capacity finds how many people a server can carry: it brings more
and more of the scenario's people, lets them settle, measures, and stops when a rule
of the scenario breaks; then it tries once in between. It says whether the server or
this tester was the limit.

Examples
  earshot loadtest capacity -scenario plaza
  earshot loadtest capacity -scenario meeting -from 20 -to 200 -step 20 -window 20s
  earshot loadtest capacity -scenario crowd -slo rules.slo -out knee
`
