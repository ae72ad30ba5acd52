import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMatcher } from '../../src/sandbox/world/metrics/matcher.ts';
import { compileRegex, RegexError } from '../../src/sandbox/world/metrics/regex.ts';

describe('a regular expression of a matcher', () => {
  test.each([
    ['5..', ['503'], ['1503', '50', '5033']],
    ['a|b', ['a', 'b'], ['ab', '']],
    ['a|', ['a', ''], ['b']],
    ['svc-1|svc-2', ['svc-1', 'svc-2'], ['svc-', 'svc-12']],
    ['.*', ['', 'x\ny'], []],
    ['.+', ['\n'], ['']],
    ['(?i)get|post', ['GET', 'Post'], ['PUT']],
    ['a(?i)b|c', ['aB', 'C'], ['AB']],
    ['(?i:g)et', ['Get'], ['GET']],
    ['(?P<x>a)b', ['ab'], ['b']],
    ['\\d{3}', ['404'], ['40']],
    ['a{,2}', ['a{,2}'], ['a', 'aa']],
    ['{}', ['{}'], ['']],
    ['\\Qa.b\\E+', ['a.b', 'a.bb'], ['axb']],
    ['[[:alpha:]_-]+', ['a-b_c'], ['a1']],
    ['[]a]', [']', 'a'], ['b']],
    ['[^a-c]', ['d'], ['a']],
    ['[\\w.-]+', ['a.b-c_1'], ['a b']],
    ['a\\-b\\_c\\/d\\:e', ['a-b_c/d:e'], []],
    ['\\pL+', ['äb'], ['1']],
    ['\\p{Greek}', ['α'], ['a']],
    ['\\x41\\x{42}', ['AB'], []],
    ['^a$', ['a'], ['ba']],
    ['\\Aa\\z', ['a'], ['ba']],
    ['a-b', ['a-b'], []],
    ['/api/v1/.*', ['/api/v1/x'], ['/api/v2']],
  ])('%s matches the whole value as RE2 does', (pattern, yes, no) => {
    const matcher = createMatcher('label', '=~', pattern);
    const negative = createMatcher('label', '!~', pattern);
    for (const value of yes)
      expect([value, matcher.matches(value), negative.matches(value)]).toEqual([value, true, false]);
    for (const value of no)
      expect([value, matcher.matches(value), negative.matches(value)]).toEqual([value, false, true]);
  });

  test.each(['(', ')', '[', '*', 'a**', '(?=x)', '(?!x)', '(?<=x)', '\\1', '\\y', '\\', '(?z)', '[[:none:]]', '[b-a]'])(
    '%s is refused',
    (pattern) => {
      expect(() => compileRegex(pattern)).toThrow(RegexError);
    },
  );

  test('made of any text by quoting matches that text only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (text, other) => {
        const quoted = text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
        const matcher = createMatcher('label', '=~', quoted);
        expect(matcher.matches(text)).toBe(true);
        expect(matcher.matches(other)).toBe(other === text);
      }),
    );
  });

  test('either compiles or is refused by name, whatever it is', () => {
    const unit = fc.constantFrom(
      'a',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '?',
      '*',
      '|',
      '\\',
      '^',
      '-',
      ':',
      'i',
      'P',
      '<',
      '>',
      '1',
      ',',
      'x',
      'Q',
      'E',
    );
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), (pattern) => {
        try {
          compileRegex(pattern);
        } catch (error) {
          expect(error).toBeInstanceOf(RegexError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
