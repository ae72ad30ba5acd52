import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeObject } from '../../src/sandbox/http/api-server/protobuf/decode.ts';

test('what kubectl sends for `create deployment` is read as the object that it means', () => {
  const deployment = message(
    field(1, message(field(1, 'web'), field(5, ''), field(11, message(field(1, 'app'), field(2, 'web'))))),
    field(
      2,
      message(
        field(1, 0),
        field(2, message(field(1, message(field(1, 'app'), field(2, 'web'))))),
        field(
          3,
          message(
            field(2, message(field(2, message(field(1, 'nginx'), field(2, 'nginx:1'), field(8, Buffer.alloc(0)))))),
          ),
        ),
        field(
          4,
          message(field(1, ''), field(2, message(field(1, message(field(1, 1), field(2, 0), field(3, '25%')))))),
        ),
        field(5, 0),
      ),
    ),
    field(3, Buffer.alloc(0)),
  );
  expect(decodeObject(envelope('apps/v1', 'Deployment', deployment))).toEqual({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'web' } },
      template: { spec: { containers: [{ name: 'nginx', image: 'nginx:1', resources: {} }] } },
      strategy: { rollingUpdate: { maxUnavailable: '25%' } },
    },
    status: {},
  });
});

test('bytes become base64 and embedded structs stand among the fields around them', () => {
  const secret = message(field(2, message(field(1, 'key'), field(2, Buffer.from([0, 255])))), field(3, 'Opaque'));
  expect(decodeObject(envelope('v1', 'Secret', secret))).toMatchObject({ data: { key: 'AP8=' }, type: 'Opaque' });
  const volume = message(field(1, 'tmp'), field(2, message(field(2, Buffer.alloc(0)))));
  const pod = message(field(2, message(field(1, volume))));
  expect(decodeObject(envelope('v1', 'Pod', pod))).toMatchObject({
    spec: { volumes: [{ name: 'tmp', emptyDir: {} }] },
  });
});

test('a kind that is not known is undefined, and bytes that are none are refused', () => {
  expect(decodeObject(envelope('batch/v1', 'Job', Buffer.alloc(0)))).toBeUndefined();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        decodeObject(envelope('apps/v1', 'Deployment', Buffer.from(bytes)));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});

function envelope(apiVersion: string, kind: string, raw: Buffer): Buffer {
  const typeMeta = message(field(1, apiVersion), field(2, kind));
  return Buffer.concat([Buffer.from('k8s\0'), message(field(1, typeMeta), field(2, raw), field(3, ''), field(4, ''))]);
}

function message(...fields: Buffer[]): Buffer {
  return Buffer.concat(fields);
}

/** A field on the wire; the numbers and lengths of these tests fit into one byte each, but for lengths, which may take two. */
function field(number: number, value: number | string | Buffer): Buffer {
  if (typeof value === 'number') return Buffer.from([number << 3, value]);
  const bytes = Buffer.from(value);
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}
