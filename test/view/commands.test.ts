import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readStatus } from '../../src/api/parse-status.ts';
import { commandsOf } from '../../src/view/commands.ts';
import { aView, inAttempt, withCommand, written } from '../decide/builders.ts';

const request = (text: string) => commandsOf({ 'command.linnet.dev/one': text, 'other.dev/one': text });

describe('a command request', () => {
  test('is an annotation with JSON in it', () => {
    const text = '{"verb":"promote","attempt":3,"revision":"9f1c03ab77","by":"ann","reason":"tested","full":true}';
    expect(request(text)).toEqual([
      { id: 'one', verb: 'promote', attempt: 3, revision: '9f1c03ab77', by: 'ann', reason: 'tested', full: true },
    ]);
  });

  const refused: [sentence: string, text: string, problem: string][] = [
    ['no JSON', 'abort', 'not JSON'],
    ['a list', '["abort"]', 'not JSON'],
    ['too long', JSON.stringify({ verb: 'abort', reason: 'x'.repeat(3000) }), 'more than 2048 characters'],
    ['an unknown verb', '{"verb":"explode"}', '"explode" is not one of'],
    ['a verb that is no text', '{"verb":7}', 'verb is missing'],
    ['half an attempt', '{"verb":"abort","attempt":1.5}', 'attempt is not a whole number'],
    ['an endless attempt', '{"verb":"abort","attempt":1e999}', 'attempt is not a whole number'],
    ['an attempt in words', '{"verb":"abort","attempt":"one"}', 'attempt is not a whole number'],
  ];

  test.each(refused)('is refused when it is %s', (_sentence, text, problem) => {
    expect(request(text)[0]?.problem).toContain(problem);
  });

  test('can never lead to a status that cannot be stored', () => {
    const values = fc.record(
      {
        verb: fc.oneof(fc.constantFrom('abort', 'promote', 'pause', 'retry'), fc.jsonValue()),
        attempt: fc.oneof(fc.double(), fc.jsonValue()),
        revision: fc.jsonValue(),
        by: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
        reason: fc.string({ unit: 'binary', maxLength: 900 }),
        full: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(values, (value) => {
        const status = written(aView(inAttempt('Watching', 5), withCommand(...request(JSON.stringify(value)))));
        expect(readStatus(JSON.parse(JSON.stringify(status))).problem).toBeUndefined();
        expect(status.lastCommand?.id).toBe('one');
      }),
      { numRuns: 500 },
    );
  });
});
