// A browser behind a firewall that drops all UDP: it hears and is heard. It runs
// in a network namespace of TestE2EUDPBlocked, which has somebody outside who
// talks and listens.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Stage, until } from './stage.mjs';

/** @type {Stage|undefined} */ let stage;
after(() => stage?.close());

test('voices come through', async () => {
  stage = new Stage();
  const walker = await stage.player('walker', { clips: ['Front_Center'] });
  await walker.actor.evaluate(() => {
    const all = /** @type {any} */ (globalThis), Real = globalThis.RTCPeerConnection;
    all.RTCPeerConnection = class extends Real {
      /** @param {RTCConfiguration} [config] */
      constructor(config) { super(config); all.peer = this; }
    };
  });
  await walker.enter();
  await until('a voice is heard', async () => await walker.received() > 100, 30);
  const way = await walker.actor.evaluate(async () => {
    const report = await /** @type {RTCPeerConnection} */ (/** @type {any} */ (globalThis).peer).getStats();
    for (const s of report.values()) {
      if (s.type !== 'transport' || !s.selectedCandidatePairId) continue;
      const local = report.get(report.get(s.selectedCandidatePairId).localCandidateId);
      return `${local.candidateType === 'relay' ? 'relay' : 'direct'} ${local.relayProtocol ?? local.protocol}`;
    }
    return 'none';
  });
  console.log(`by ${way}`);
  assert.equal(way, process.env.EARSHOT_WAY);
});
