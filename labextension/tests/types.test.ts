import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('the types of the record are those of its schema', () => {
  const { status, stderr } = spawnSync('node', ['types.mjs', '--check'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});
