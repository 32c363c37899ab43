import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ansi } from '../src/core/ansi';
import { python } from '../src/core/python';
import { clock, count, duration, oneLine, unmarked } from '../src/core/words';
import { chance } from './kit';

const kinds = (source: string): Record<string, string> => Object.fromEntries(python(source).filter(piece => piece.classes).map(piece => [piece.text, piece.classes.slice('agentnb-t-'.length)]));
const whole = (pieces: { text: string }[]): string => pieces.map(piece => piece.text).join('');

test('Python is told apart', () => {
  assert.deepEqual(kinds('@wraps\nasync def fit(x):  # now\n    return f"a{x}" + \'\'\'b\n#\'\'\' if None else int(0x1F)'), {
    '@wraps': 'meta',
    async: 'keyword',
    def: 'keyword',
    fit: 'def',
    '# now': 'comment',
    return: 'keyword',
    'f"a{x}"': 'string',
    "'''b\n#'''": 'string',
    if: 'keyword',
    None: 'atom',
    else: 'keyword',
    int: 'call',
    '0x1F': 'number'
  });
  assert.deepEqual(kinds('%time x\n"open\ny = 1'), { '%time x': 'comment', '"open': 'string', '1': 'number' });
});

test('highlighting loses no character of whatever it is given', () => {
  const random = chance(3);
  const alphabet = 'ab"\'\\\n#f1.@ %é"""\'\'\'_$\u2028';
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: 30 }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
    assert.equal(whole(python(text)), text);
  }
});

test('terminal colours become classes, and colours without a class a style', () => {
  const pieces = ansi('\x1b[1;31mError\x1b[0m at \x1b[38;5;196mx\x1b[39m \x1b[48;2;1;2;3my\x1b[m!');
  assert.deepEqual(pieces, [
    { text: 'Error', classes: 'agentnb-fg1 agentnb-bold' },
    { text: ' at ', classes: '' },
    { text: 'x', classes: '', style: { color: '#ff0000' } },
    { text: ' ', classes: '' },
    { text: 'y', classes: '', style: { background: '#010203' } },
    { text: '!', classes: '' }
  ]);
});

test('progress bars show their last state, other escapes nothing', () => {
  assert.equal(whole(ansi('10%\r20%\r\x1b[2Kdone\r\nab\bc\x1b]0;title\x07\x1b[?25l\x1b')), 'done\nac');
});

test('no escape character is left of any text', () => {
  const random = chance(5);
  const alphabet = '\x1b[]0;38mK?a\r\b\n\x07\x9b';
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: 24 }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
    assert.doesNotMatch(whole(ansi(text)), /[\x1b\x07\b\r]/);
  }
});

test('figures are worded as Python does it', () => {
  assert.deepEqual([0.34, 0.9996, 59.94, 59.96, 185.4, 3725].map(duration), ['340 ms', '1.0 s', '59.9 s', '1 min 00 s', '3 min 05 s', '1 h 02 min']);
  assert.deepEqual([950, 12_400, 999_949, 999_950, 3_100_000].map(count), ['950', '12.4k', '999.9k', '1.0M', '3.1M']);
  assert.deepEqual([4.9, 61].map(clock), ['4 s', '1 min 01 s']);
  assert.deepEqual([oneLine(' a\n b ', 9), oneLine('abcdefgh', 5), unmarked('**a** `b` *c*')], ['a b', 'abcd…', 'a b c']);
});
