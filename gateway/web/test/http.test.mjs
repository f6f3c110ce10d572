// Joining over HTTP against a real server on loopback: what is sent, and what
// each refusal becomes.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { patchOffer, postOffer } from '../http.js';

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
