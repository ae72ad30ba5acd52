import { type Fault, line } from './scripted-server.ts';

const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
const oneObject = line('ADDED', { metadata: { name: 'x', resourceVersion: '999' } });
export const watchFaults: [string, Fault][] = [
  ['410 as an HTTP code', { type: 'code', code: 410 }],
  ['410 as an ERROR event', { type: 'text', text: line('ERROR', gone) }],
  ['another ERROR event', { type: 'text', text: line('ERROR', { kind: 'Status', code: 500, message: 'oh' }) }],
  ['HTTP 500', { type: 'code', code: 500 }],
  ['HTTP 429', { type: 'code', code: 429, retryAfter: 1 }],
  ['HTTP 403', { type: 'code', code: 403 }],
  ["HTTP 504 with a proxy's page", { type: 'code', code: 504, body: '<html>no</html>' }],
  ['a reset', { type: 'reset' }],
  ['an end at once', { type: 'text', text: '' }],
  ['a torn line', { type: 'text', text: oneObject.slice(0, 30) }],
  ['a line that is not JSON', { type: 'text', text: '{"type":"ADDED",\n' }],
  ['a line that is no event', { type: 'text', text: '{"type":"HELLO","object":{}}\n' }],
  ['an event without an object', { type: 'text', text: '{"type":"ADDED"}\n' }],
  ['an object without a version', { type: 'text', text: '{"type":"ADDED","object":{"metadata":{"name":"x"}}}\n' }],
  [
    'a version that is no number',
    { type: 'text', text: line('ADDED', { metadata: { name: 'x', resourceVersion: 'new' } }) },
  ],
  ['a hanging stream', { type: 'hang' }],
];

export const listFaults: [string, Fault][] = [
  ['an empty answer', { type: 'text', text: '' }],
  [
    'a truncated answer',
    { type: 'text', text: '{"kind":"DeploymentList","metadata":{"resourceVersion":"150"},"items":[{"metadata":' },
  ],
  ['an answer without items', { type: 'text', text: '{"kind":"DeploymentList","metadata":{"resourceVersion":"999"}}' }],
  ['an answer without a version', { type: 'text', text: '{"kind":"DeploymentList","metadata":{},"items":[]}' }],
  [
    'a list that ends too early',
    {
      type: 'text',
      text: '{"kind":"DeploymentList","metadata":{"resourceVersion":"999","remainingItemCount":1},"items":[]}',
    },
  ],
  [
    'an item without a version',
    {
      type: 'text',
      text: '{"kind":"DeploymentList","metadata":{"resourceVersion":"999"},"items":[{"metadata":{"name":"x"}}]}',
    },
  ],
  [
    'a list older than what was seen',
    { type: 'text', text: '{"kind":"DeploymentList","metadata":{"resourceVersion":"5"},"items":[]}' },
  ],
  ['HTTP 500', { type: 'code', code: 500 }],
  ['HTTP 404', { type: 'code', code: 404 }],
  ['a reset', { type: 'reset' }],
];
