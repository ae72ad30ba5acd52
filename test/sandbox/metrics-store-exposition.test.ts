import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ExpositionError, parseExposition, parseSeries } from '../../src/sandbox/world/metrics/exposition.ts';

/** Samples with their labels read, as plain objects. */
function parsed(text: string): { labels: Record<string, string>; value: number; timestampMs: number | undefined }[] {
  return parseExposition(text).map(({ series, value, timestampMs, line }) => ({
    labels: Object.fromEntries(parseSeries(series, line)),
    value,
    timestampMs,
  }));
}

describe('the text format', () => {
  test('is read with comments, blank lines, spaces, timestamps and histograms', () => {
    const text = [
      '# HELP http_requests_total The total, with "quotes" and \\n.',
      '# TYPE http_requests_total counter',
      'http_requests_total{method="post",code="200"} 1027 1395066363000',
      '',
      '# Anything else is a comment.',
      '  metric_without_labels   12.47  ',
      'minimalistic_line{ } 0',
      '# TYPE duration histogram',
      'duration_bucket{le="0.05",} 24054',
      'duration_bucket { le = "+Inf" , x = "y" } 1e3 -42',
      'duration_sum 1.7560473e+07',
    ].join('\n');
    expect(parsed(text)).toEqual([
      {
        labels: { __name__: 'http_requests_total', method: 'post', code: '200' },
        value: 1027,
        timestampMs: 1395066363000,
      },
      { labels: { __name__: 'metric_without_labels' }, value: 12.47, timestampMs: undefined },
      { labels: { __name__: 'minimalistic_line' }, value: 0, timestampMs: undefined },
      { labels: { __name__: 'duration_bucket', le: '0.05' }, value: 24054, timestampMs: undefined },
      { labels: { __name__: 'duration_bucket', le: '+Inf', x: 'y' }, value: 1000, timestampMs: -42 },
      { labels: { __name__: 'duration_sum' }, value: 17560473, timestampMs: undefined },
    ]);
  });

  test.each([
    ['NaN', Number.NaN],
    ['nan', Number.NaN],
    ['+Inf', Number.POSITIVE_INFINITY],
    ['Inf', Number.POSITIVE_INFINITY],
    ['-Inf', Number.NEGATIVE_INFINITY],
    ['-1.5e-9', -1.5e-9],
    ['.5', 0.5],
    ['5.', 5],
  ])('takes the value %s', (text, value) => {
    expect(parsed(`m ${text}\n`)[0]?.value).toBe(value);
  });

  test.each([
    ['m\n', 'line 1: value "" is not a number'],
    ['m one\n', 'line 1: value "one" is not a number'],
    ['ok 1\nm 1 2 3\n', 'line 2: unexpected "3"'],
    ['m 1 1.5\n', 'line 1: timestamp "1.5"'],
    ['m{a="b" 1\n', 'line 1: the labels of "m" have no closing brace'],
    ['m{a="b"c="d"} 1\n', 'line 1: cannot read the labels of "m"'],
    ['m{a=b} 1\n', 'line 1: cannot read the labels of "m" at "a=b}"'],
    ['m{a="1",a="2"} 1\n', 'line 1: "m" has the label "a" twice'],
    ['1m 1\n', 'line 1: "1m 1" does not start with a metric name'],
    ['# TYPE m thing\n', 'line 1: TYPE of metric "m" is "thing"'],
  ])('refuses %j', (text, message) => {
    expect(() => parsed(text)).toThrow(ExpositionError);
    expect(() => parsed(text)).toThrow(message);
  });

  test('carries any label value through its escapes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.double(), (value, number) => {
        const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
        const spelled = Number.isFinite(number) || Number.isNaN(number) ? String(number) : number > 0 ? '+Inf' : '-Inf';
        const [sample] = parsed(`m{a="${escaped}",b="}"} ${spelled}\n`);
        expect(sample?.labels).toEqual({ __name__: 'm', a: value, b: '}' });
        expect(sample?.value === number || Number.isNaN(number)).toBe(true);
      }),
    );
  });

  test('gives an error and nothing else for any other text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('m', '{', '}', '"', '\\', '=', ',', ' ', '1', '\n', '#') }),
        (text) => {
          try {
            parsed(text);
          } catch (error) {
            expect(error).toBeInstanceOf(ExpositionError);
          }
        },
      ),
    );
  });
});
