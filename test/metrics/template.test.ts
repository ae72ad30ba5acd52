import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { templateQuery } from '../../src/metrics/template.ts';
import { variables } from './harness.ts';

test.each([
  [
    'sum(rate(errors_total{namespace="{{ namespace }}",service="{{canary}}"}[{{ interval }}]))',
    'sum(rate(errors_total{namespace="shop",service="cart-canary"}[30s]))',
  ],
  [`up{pod=~"{{ target }}-[a-z0-9]+"}`, `up{pod=~"cart-deploy-[a-z0-9]+"}`],
  [`up{host=~"{{ route }}"}`, `up{host=~"cart\\\\.example\\\\.org"}`],
  [`up{host!~ '{{ route }}'}`, `up{host!~ 'cart\\\\.example\\\\.org'}`],
  [`up{host="{{ route }}", a!="{{ name }}"}`, `up{host="cart.example.org", a!="cart"}`],
  ['up{host=`{{ route }}`}', 'up{host=`cart.example.org`}'],
  ['up # who is {{ nobody }}?\n > 0', 'up # who is {{ nobody }}?\n > 0'],
  ['up{a="\\"{{ name }}"} == 1', 'up{a="\\"cart"} == 1'],
  ['no variable', 'no variable'],
])('%s', (query, expected) => {
  expect(templateQuery(query, variables)).toEqual({ ok: true, query: expected });
});

test('an unknown variable is named together with the known ones', () => {
  expect(templateQuery('up{a="{{ ingress }}"}', variables)).toEqual({
    ok: false,
    message:
      'The query names the unknown variable {{ ingress }}; known are name, namespace, target, service, route, interval, canary, stable.',
  });
});

test.each(['up{a={{ name }}}', '{{ service }}_total', 'up[{{ name }}]'])(
  '%s is refused: outside of quotes',
  (query) => {
    expect(templateQuery(query, variables)).toMatchObject({
      ok: false,
      message: expect.stringContaining('inside quotes'),
    });
  },
);

test('an interval that is none is refused', () => {
  const odd = { ...variables, interval: '30s]) or vector(1' };
  expect(templateQuery('rate(up[{{ interval }}])', odd).ok).toBe(false);
});

test('no value can leave its quotes', () => {
  const unquoted: Record<string, (literal: string) => string> = {
    '"': (literal) => JSON.parse(literal) as string,
    "'": (literal) => JSON.parse(`"${literal.slice(1, -1).replaceAll('"', '\\"').replaceAll("\\'", "'")}"`) as string,
  };
  // JSON has no other escapes than those that are written; control characters stay out as JSON.parse refuses them bare.
  const value = fc.string({ unit: fc.constantFrom('a', '"', "'", '\\', '\n', '{', '}', '$', '`', '#') });
  fc.assert(
    fc.property(value, fc.constantFrom('"', "'"), (name, quote) => {
      const filled = templateQuery(`up{a=${quote}{{ name }}${quote}} > 1`, { ...variables, name });
      if (!filled.ok) throw new Error(filled.message);
      const literal = filled.query.slice('up{a='.length, -'} > 1'.length);
      expect(literal).toMatch(quote === '"' ? /^"(\\.|[^"\\])*"$/ : /^'(\\.|[^'\\])*'$/);
      expect(unquoted[quote]?.(literal)).toBe(name);
    }),
    { numRuns: 1000 },
  );
});

test('any text at all gives a query or a message, never an exception', () => {
  const text = fc.string({ unit: fc.constantFrom('{{', '}}', '"', "'", '`', '\\', '#', ' name ', 'x', '=~', '\n') });
  fc.assert(
    fc.property(text, (query) => {
      const filled = templateQuery(query, variables);
      expect(filled.ok ? typeof filled.query : typeof filled.message).toBe('string');
    }),
  );
});
