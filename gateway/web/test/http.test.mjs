// Joining over HTTP against a real server on loopback: what is sent, and what
// each refusal becomes.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { answers as answersPing, patchOffer, postOffer } from '../http.js';

/** @typedef {import('node:http').ServerResponse} Response */
/** @type {{method?: string, url?: string, headers: import('node:http').IncomingHttpHeaders, body: string}[]} */
let requests = [];
/** @type {((res: Response) => void)[]} */
let answers = [];
let base = '';

const server = createServer(async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const raw = Buffer.concat(chunks);
  const body = (req.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString();
  requests.push({ method: req.method, url: req.url, headers: req.headers, body });
  answers.shift()?.(res);
});

before(() => new Promise((ready) => {
  server.listen(0, '127.0.0.1', () => {
    base = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/`;
    ready(undefined);
  });
}));
after(() => server.close());

/**
 * @param {...(res: Response) => void} list
 */
function answerWith(...list) {
  requests = [];
  answers = list;
}

const accept = (/** @type {Response} */ res) => res.writeHead(201, { Location: '/v1/sessions/se_1', 'Content-Type': 'application/sdp' }).end('v=0 answer');

/**
 * @param {number} status
 * @param {string} body
 * @param {Record<string, string>} [headers]
 */
const refuse = (status, body, headers = {}) => (/** @type {Response} */ res) => res.writeHead(status, headers).end(body);

test('an offer goes as gzip with the token, the session URL comes back absolute', async () => {
  answerWith(accept);
  assert.deepEqual(await postOffer(base, 'tok', 'v=0 offer'), { answer: 'v=0 answer', session: `${base}v1/sessions/se_1` });
  const [{ method, url, headers, body }] = requests;
  assert.deepEqual([method, url, body], ['POST', '/v1/join', 'v=0 offer']);
  assert.deepEqual([headers.authorization, headers['content-type'], headers['content-encoding']], ['Bearer tok', 'application/sdp', 'gzip']);
});

test('a base URL with a path is kept', async () => {
  answerWith(accept);
  await postOffer(`${base}earshot/`, 'tok', 'v=0');
  assert.equal(requests[0].url, '/earshot/v1/join');
});

test('a refusal carries code and message of the server', async () => {
  answerWith(refuse(401, '{"code":"unauthenticated","message":"the token expired: get another one"}'));
  await assert.rejects(postOffer(base, 'tok', 'v=0'), { name: 'EarshotError', code: 'unauthenticated', message: 'the token expired: get another one' });
});

test('a busy server is asked again after the time it names', async () => {
  const busy = refuse(503, '{"code":"unavailable","message":"busy"}', { 'Retry-After': '0.01' });
  answerWith(busy, busy, accept);
  assert.equal((await postOffer(base, 'tok', 'v=0')).answer, 'v=0 answer');
  assert.equal(requests.length, 3);
});

test('a server busy for long is given up', async () => {
  const busy = refuse(503, '{"code":"unavailable","message":"busy"}', { 'Retry-After': '0.01' });
  answerWith(busy, busy, busy, busy, accept);
  await assert.rejects(postOffer(base, 'tok', 'v=0'), { code: 'unavailable', message: 'busy' });
  assert.equal(requests.length, 4);
});

test('a refusal that is not of Earshot is told by its status', async () => {
  answerWith(refuse(502, '<html>Bad Gateway'));
  await assert.rejects(postOffer(base, 'tok', 'v=0'), { code: 'unavailable', message: /502/ });
});

test('a server that is not there says so', async () => {
  await assert.rejects(postOffer('http://127.0.0.1:1/', 'tok', 'v=0'), { code: 'unavailable', message: /127\.0\.0\.1:1 cannot be reached/ });
});

test('an offer over the limit is not sent', async () => {
  answerWith(accept);
  await assert.rejects(postOffer(base, 'tok', 'v'.repeat(65537)), { code: 'invalid_argument' });
  assert.equal(requests.length, 0);
});

test('a restart goes to the session', async () => {
  answerWith((res) => { res.writeHead(200).end('v=0 restarted'); });
  assert.equal(await patchOffer(`${base}v1/sessions/se_1`, 'tok2', 'v=0 again', 1000), 'v=0 restarted');
  const [{ method, url, headers, body }] = requests;
  assert.deepEqual([method, url, headers.authorization, body], ['PATCH', '/v1/sessions/se_1', 'Bearer tok2', 'v=0 again']);
});

/**
 * Answers by path from now on. A browser may send a request that is answered 421
 * again by itself (the fetch standard, HTTP-network-or-cache fetch), so those are
 * not counted one by one.
 * @param {Record<string, (res: Response) => void>} doors
 */
function doors(doors) {
  requests = [];
  answers = /** @type {any} */ ({ shift: () => doors[requests.at(-1)?.url ?? ''] });
}

const elsewhere = (/** @type {string} */ location) => refuse(421, '{"code":"failed_precondition","message":"elsewhere"}', { Location: location });

/** What was asked for, each once. */
const asked = () => [...new Set(requests.map((r) => r.url))];

test('another node that has the instance is asked, with what it says of where to go', async () => {
  doors({ '/v1/join?instance=in_x&invitation=iv_1': elsewhere(`${base}v1/join?instance=in_x`), '/v1/join?instance=in_x': accept });
  await postOffer(base, 'tok', 'v=0', { query: { instance: 'in_x', invitation: 'iv_1' } });
  assert.deepEqual(asked(), ['/v1/join?instance=in_x&invitation=iv_1', '/v1/join?instance=in_x']);
});

test('while a node sends us back to one that is gone, it is asked again', async () => {
  const gone = elsewhere('http://127.0.0.1:1/v1/join');
  let answered = 0, sent = 0;
  doors({ '/v1/join': (res) => (sent < 2 ? gone : accept)(res) });
  const trusts = (/** @type {string} */ location) => { sent++; return !location.includes(':1/'); };
  const { session } = await postOffer(base, 'tok', 'v=0', { trusts, answered: () => answered++ });
  assert.deepEqual([session, sent, answered], [`${base}v1/sessions/se_1`, 2, 0]);
});

test('one that was not trusted and answers a ping is gone to', async () => {
  doors({ '/v1/join': elsewhere(`${base}v1/join?there=1`), '/v1/ping': (res) => { res.writeHead(204).end(); }, '/v1/join?there=1': accept });
  let answered = 0;
  await postOffer(base, 'tok', 'v=0', { trusts: () => false, answered: () => answered++ });
  assert.deepEqual([asked(), answered], [['/v1/join', '/v1/ping', '/v1/join?there=1'], 1]);
});

test('a proxy that answers for a node that is gone does not make it one that is there', async () => {
  answerWith(refuse(502, '<html>Bad Gateway'));
  assert.equal(await answersPing(`${base}v1/join`), false);
});
