// Waiting for a full world against a server on loopback that answers by a
// script: what is asked where, what is told, and how it ends.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { moreOf, ordinal, placeOf } from '../app/waiting-words.js';
import { postOffer } from '../http.js';
import { Nodes } from '../nodes.js';
import { joinOrWait } from '../queue.js';
import { EarshotError } from '../signal.js';

/** @typedef {import('node:http').ServerResponse} Response */
/** @type {string[]} */ let asked = [];
/** @type {((res: Response) => void)[]} */ let answers = [];
let base = '', other = '', sent = false;

const server = () => createServer((req, res) => {
  asked.push(`${req.headers.host === new URL(base).host ? 'a' : 'b'} ${req.method} ${req.url} ${req.headers.authorization?.slice(7)}`);
  if (req.method === 'DELETE') return void res.writeHead(204).end();
  if (sent && req.headers.host === new URL(other).host) { // fetch may ask a second time by itself
    return void json(421, { code: 'failed_precondition', message: 'there' }, { Location: `${base}v1/queue/qu_0` })(res);
  }
  const answer = answers.shift();
  if (answer) answer(res); // else it is held
});
const servers = [server(), server()];

before(async () => {
  [base, other] = await Promise.all(servers.map((s) => new Promise((ready) => {
    s.listen(0, '127.0.0.1', () => ready(`http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (s.address()).port}/`));
  })));
});
after(() => servers.forEach((s) => { s.close(); s.closeAllConnections(); }));
beforeEach(() => { asked = []; answers = []; sent = false; });

const json = (/** @type {number} */ status, /** @type {object} */ body, headers = {}) =>
  (/** @type {Response} */ res) => void res.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
const accept = (/** @type {Response} */ res) => void res.writeHead(201, { Location: '/v1/sessions/se_1' }).end('v=0');
const waits = (/** @type {number} */ position, more = {}) => ({ queue: `qu_${position}`, position, waiting: 5, again_s: 0, ...more });

/** An Earshot as far as joinOrWait knows it. */
const world = () => {
  const nodes = new Nodes(base);
  return /** @type {any} */ ({ nodes, token: 'tok', async join() { return postOffer(nodes.url, this.token, 'v=0', { query: nodes.query }); } });
};

test('position by position, with the newest ticket and token, until there is room on another node', async () => {
  answers = [json(202, waits(2, { estimated_s: 40 })), json(200, waits(1, { token: 'tok2' })),
    json(200, { queue: 'qu_x', again_s: 0, ready: true, reservation: 'rs_1', instance: 'in_plaza_2', url: other.slice(0, -1) }), accept];
  /** @type {import('../queue.js').Standing[]} */ const told = [];
  let turns = 0;
  const w = world();
  assert.deepEqual(await joinOrWait(w, {}, { onWait: (s) => told.push(s), onTurn: () => turns++ }), { answer: 'v=0', session: `${other}v1/sessions/se_1` });
  assert.deepEqual(asked, [
    'a POST /v1/join?wait=1 tok', 'a GET /v1/queue/qu_2?known=2 tok', 'a GET /v1/queue/qu_1?known=1 tok2',
    'b POST /v1/join?wait=1&reservation=rs_1 tok2',
  ]);
  assert.deepEqual(told, [{ position: 2, waiting: 5, estimatedSeconds: 40 }, { position: 1, waiting: 5, estimatedSeconds: 0 }]);
  assert.deepEqual([turns, w.nodes.query], [1, {}]);
});

test('another node has the queue: by url, and by 421', async () => {
  sent = true;
  answers = [json(202, { queue: 'qu_0', again_s: 0, url: other }), json(200, waits(1, { ready: true, reservation: 'rs_1' })), accept];
  await joinOrWait(world(), {});
  assert.deepEqual([...new Set(asked.slice(1, -1))], ['b GET /v1/queue/qu_0 tok', 'a GET /v1/queue/qu_0 tok']);
});

test('a node that is gone: an alternate is asked', { timeout: 10_000 }, async () => {
  answers = [json(202, waits(3, { alternates: [other] })), (res) => res.destroy(), json(200, waits(3, { ready: true, reservation: 'rs_1' })), accept];
  await joinOrWait(world(), {});
  assert.deepEqual(asked.slice(1, 3), ['a GET /v1/queue/qu_3?known=3 tok', 'b GET /v1/queue/qu_3?known=3 tok']);
});

test('a place that is lost: another one, but not for ever', async () => {
  const lost = json(404, { code: 'not_found', message: 'your place was given up' });
  answers = [json(202, waits(1)), lost, json(202, waits(5)), lost, json(202, waits(5)), lost];
  await assert.rejects(joinOrWait(world(), {}), (e) => e instanceof EarshotError && e.code === 'resource_exhausted');
  assert.equal(asked.length, 6);
});

test('who leaves gives the place up at once, though a request is held', async () => {
  answers = [json(202, waits(2))];
  const stop = new AbortController();
  const left = assert.rejects(joinOrWait(world(), {}, { signal: stop.signal }), (e) => e instanceof EarshotError && e.code === 'canceled');
  while (asked.length < 2) await new Promise((done) => setTimeout(done, 5));
  stop.abort();
  await left;
  while (asked.length < 3) await new Promise((done) => setTimeout(done, 5));
  assert.equal(asked[2], 'a DELETE /v1/queue/qu_2 tok');
});

test('another refusal is one', async () => {
  answers = [json(403, { code: 'permission_denied', message: 'no' })];
  await assert.rejects(joinOrWait(world(), {}), (e) => e instanceof EarshotError && e.code === 'permission_denied');
});

test('it is said in words', () => {
  assert.deepEqual([1, 2, 3, 4, 11, 12, 13, 21, 102].map(ordinal), ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd']);
  assert.equal(placeOf({ position: 1, waiting: 1, estimatedSeconds: 0 }), 'You are next');
  assert.equal(moreOf({ position: 1, waiting: 1, estimatedSeconds: 20 }), 'Nobody else waits · less than a minute');
  assert.equal(moreOf({ position: 3, waiting: 12, estimatedSeconds: 170 }), '12 people wait · about 3 minutes');
  assert.equal(moreOf({ position: 3, waiting: 12, estimatedSeconds: 0 }), '12 people wait');
});
