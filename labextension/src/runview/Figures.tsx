import type { JSX } from 'preact';
import { isFinal } from '../core/fold';
import { isObject } from '../core/normal';
import type { RunRecord } from '../core/record';
import { Bundle } from './Foreign';
import { Section } from './parts';

const SHOWN = 2;

/** The newest figures of a run that is over, seen without unfolding a step. */
export function Figures({ record }: { record: RunRecord }): JSX.Element | null {
  if (!isFinal(record.status)) return null;
  const pictures = record.steps
    .filter(step => step.status === 'done')
    .flatMap(step => step.outputs.map(output => output['data']))
    .filter(isObject)
    .filter(data => Object.keys(data).some(mime => mime.startsWith('image/')))
    .slice(-SHOWN);
  if (!pictures.length) return null;
  return (
    <Section name="pictures" label={pictures.length > 1 ? 'Figures' : 'Figure'}>
      {pictures.map((data, index) => <Bundle key={index} data={data} />)}
    </Section>
  );
}
