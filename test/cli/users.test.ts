import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type Answer, startUsers, type Users } from '../../src/cli/demo/users.ts';
import { systemClock } from '../../src/system.ts';

const opened: (() => void)[] = [];
afterEach(() => {
  for (const end of opened.splice(0).toReversed()) end();
});

async function addressOf(listener: RequestListener): Promise<{ address: string; server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** Users of the address, and what they got; resolves when there are at least `count` answers. */
async function answersOf(address: string, count: number): Promise<{ answers: Answer[]; users: Users }> {
  const answers: Answer[] = [];
  const users = startUsers({
    clock: systemClock,
    address,
    perSecond: 100,
    clients: 3,
    onAnswer: (one) => answers.push(one),
  });
  opened.push(() => users.stop());
  for (const deadline = Date.now() + 30_000; answers.length < count; ) {
    if (Date.now() > deadline) throw new Error(`only ${answers.length} answers within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { answers, users };
}

describe('the users of the demo', () => {
  test('keep their pace and their connections, and tell which version answered', async () => {
    let connections = 0;
    const { address, server } = await addressOf((_request, response) => response.end('{"version":"v7"}'));
    server.on('connection', () => connections++);
    const { answers } = await answersOf(address, 50);
    const [first, last] = [answers[0], answers[49]];
    const tookMs = (last?.sentMs ?? 0) - (first?.sentMs ?? 0);
    expect(tookMs).toBeGreaterThan(400);
    expect(answers.every(({ version, cause }) => version === 'v7' && cause === undefined)).toBe(true);
    expect(connections).toBeLessThan(20);
  });

  test('count a 5xx as failed, and say whether a version or the gateway gave it', async () => {
    let turn = 0;
    const { address } = await addressOf((_request, response) => {
      turn++;
      response.statusCode = [500, 503, 404][turn % 3] ?? 200;
      response.end(response.statusCode === 500 ? '{"version":"v3"}' : 'no healthy upstream');
    });
    const { answers } = await answersOf(address, 9);
    expect(new Set(answers.map(({ cause }) => cause))).toEqual(new Set(['500 by v3', '503 by the gateway', undefined]));
  });

  test('count a cut connection and a half answer as failed', async () => {
    let turn = 0;
    const { address } = await addressOf((request, response) => {
      turn++;
      if (turn % 2 === 0) return void request.socket.destroy();
      response.setHeader('content-length', 100);
      response.write('{"version":"v3"');
      setTimeout(() => request.socket.destroy(), 5);
    });
    const { answers, users } = await answersOf(address, 6);
    users.stop();
    await users.settled();
    expect(new Set(answers.map(({ cause }) => cause))).toEqual(new Set(['connection: ECONNRESET']));
  });

  test('go on while answers are slow', async () => {
    const waiting: (() => void)[] = [];
    let open = false;
    const { address } = await addressOf((_request, response) => {
      const answer = () => response.end('{"version":"v1"}');
      if (open) answer();
      else waiting.push(answer);
    });
    const started = answersOf(address, 20);
    for (const deadline = Date.now() + 30_000; waiting.length < 10 && Date.now() < deadline; ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    open = true;
    for (const answer of waiting) answer();
    const { answers } = await started;
    expect(answers.filter(({ sentMs, endedMs }) => endedMs - sentMs > 20).length).toBeGreaterThan(0);
    expect(answers.every(({ cause }) => cause === undefined)).toBe(true);
  });
});
