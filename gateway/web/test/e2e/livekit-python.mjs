// livekit's Python SDK: see livekit_python.py, which this gives tokens to.
// EARSHOT_PYTHON is a Python that has it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LiveKitStage } from './livekit-stage.mjs';

test('a tone by livekit for Python is heard, data come', () => {
  const stage = new LiveKitStage();
  assert.ok(process.env.EARSHOT_PYTHON, 'EARSHOT_PYTHON names no Python');
  const out = execFileSync(process.env.EARSHOT_PYTHON, [
    fileURLToPath(new URL('livekit_python.py', import.meta.url)), stage.ws, stage.token('python-alice'), stage.token('python-bob'),
  ], { encoding: 'utf8', timeout: 180_000 });
  console.log(out.trim());
});
