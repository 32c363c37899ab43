import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fold, Folder } from '../src/core/fold';
import { emptyRecord } from '../src/core/normal';
import type { AnyEvent, RunRecord } from '../src/core/record';
import { frozen } from './kit';

const FOLDS = '../tests/data/folds';

interface Fixture {
  events: AnyEvent[];
  record: RunRecord;
}

for (const name of readdirSync(FOLDS)) {
  const fixture = JSON.parse(readFileSync(`${FOLDS}/${name}`, 'utf8')) as Fixture;

  test(`${name} folds into the record that Python has`, () => {
    assert.deepEqual(fold(emptyRecord(), fixture.events), fixture.record);
  });

  test(`${name}: a record that was handed out never changes, nor do the events`, () => {
    const folder = new Folder(frozen(emptyRecord()));
    for (const event of frozen(fixture.events)) {
      folder.apply(event);
      folder.seal();
      frozen(folder.record);
    }
    assert.deepEqual(folder.record, fixture.record);
  });

  test(`${name}: what an event does not touch keeps its identity`, () => {
    const folder = new Folder(emptyRecord());
    for (const event of fixture.events) {
      const before = folder.record;
      folder.apply(event);
      folder.seal();
      const touched = 'step' in event ? event.step : null;
      if (event.type === 'run_ended' || event.type === 'asked' || event.type === 'answered' || event.type === 'undone') continue;
      for (const [index, step] of before.steps.entries()) {
        if (step.id !== touched) assert.equal(folder.record.steps[index], step);
      }
    }
  });
}
