import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { runLinnet } from './process.ts';

const prometheus = ['--prometheus', 'http://127.0.0.1:1'];

describe('linnet', () => {
  test('prints version, Node and machine', async () => {
    const { code, stdout } = await runLinnet(['version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^linnet \d+\.\d+\.\d+ \(Node \d+\.\d+\.\d+, \w+ \w+\)\n$/);
    expect((await runLinnet(['--version'])).stdout).toBe(stdout);
  });

  test('lists its commands when asked', async () => {
    const { code, stdout } = await runLinnet(['--help']);
    expect(code).toBe(0);
    for (const command of ['controller', 'sandbox', 'demo', 'version']) expect(stdout).toContain(`\n  ${command}`);
  });

  test('names every flag of the controller and where else it can be set', async () => {
    const { code, stdout } = await runLinnet(['controller', '--help']);
    expect(code).toBe(0);
    const flags = [
      'kubeconfig',
      'prometheus',
      'address',
      'port',
      'namespace',
      'lease-name',
      'lease-namespace',
      'check-period',
      'log-level',
    ];
    for (const flag of flags) {
      expect(stdout).toContain(`--${flag} `);
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`env: LINNET_${flag.toUpperCase().replaceAll('-', '_')}`);
    }
  });

  const refused: Record<string, [args: string[], env: Record<string, string>, line: string]> = {
    'an unknown command': [['fly'], {}, "linnet: unknown command 'fly'"],
    'an unknown flag': [['version', '--loud'], {}, "linnet: unknown option '--loud'"],
    'an argument too many': [
      ['version', 'now'],
      {},
      "linnet: too many arguments for 'version'. Expected 0 arguments but got 1: now.",
    ],
    'a controller without a metrics store': [
      ['controller'],
      {},
      "linnet: required option '--prometheus <url>' not specified",
    ],
    'a metrics store that is no URL': [
      ['controller', '--prometheus', 'prometheus:9090'],
      {},
      "linnet: option '--prometheus <url>' argument 'prometheus:9090' is invalid. Write it as http://host:port or https://host:port, with a path if there is one.",
    ],
    'a port that is none': [
      ['controller', ...prometheus, '--port', '65536'],
      {},
      "linnet: option '--port <number>' argument '65536' is invalid. A port is a number from 0 to 65535; 0 takes a free one.",
    ],
    'a port in the environment that is none': [
      ['controller', ...prometheus],
      { LINNET_PORT: 'http' },
      "linnet: option '--port <number>' value 'http' from env 'LINNET_PORT' is invalid. A port is a number from 0 to 65535; 0 takes a free one.",
    ],
    'a period without a unit': [
      ['controller', ...prometheus, '--check-period', '5'],
      {},
      `linnet: option '--check-period <duration>' argument '5' is invalid. "5" is not a duration: write numbers with ms, s, m or h, such as 30s or 1m30s.`,
    ],
    'a period of nothing': [
      ['controller', ...prometheus, '--check-period', '0s'],
      {},
      "linnet: option '--check-period <duration>' argument '0s' is invalid. A period must be longer than 0.",
    ],
    'a namespace that cannot be one': [
      ['controller', ...prometheus, '--namespace', 'shop,Bad_One'],
      {},
      `linnet: option '--namespace <name>' argument 'shop,Bad_One' is invalid. "Bad_One" is not a name of a namespace.`,
    ],
    'a log level that is none': [
      ['controller', ...prometheus, '--log-level', 'loud'],
      {},
      "linnet: option '--log-level <level>' argument 'loud' is invalid. Allowed choices are debug, info, warn, error.",
    ],
    'a mode of the demo that is none': [
      ['demo', '--mode', 'own'],
      {},
      "linnet: option '--mode <mode>' argument 'own' is invalid. Allowed choices are targetRef, backends.",
    ],
  };
  test.each(Object.entries(refused))('refuses %s with one line and code 2', async (_name, [args, env, line]) => {
    expect(await runLinnet(args, env)).toEqual({ code: 2, stdout: '', stderr: `${line}\n` });
  });

  test('prints its usage and ends with code 2 when it is told nothing', async () => {
    const { code, stderr } = await runLinnet([]);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: linnet');
  });

  test('ends with one line and code 1 when there is no cluster', async () => {
    const { code, stderr } = await runLinnet(['controller', ...prometheus, '--address', '127.0.0.1', '--port', '0']);
    expect(code).toBe(1);
    expect(stderr).toBe(
      'linnet: the engine could not start: no cluster: pass --kubeconfig, set KUBECONFIG, or run in a pod with a service account\n',
    );
  });

  test('ends with one line and code 1 when its port is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { code, stderr } = await runLinnet([
      'controller',
      ...prometheus,
      '--address',
      '127.0.0.1',
      '--port',
      `${port}`,
    ]);
    server.close();
    expect(code).toBe(1);
    expect(stderr).toBe(
      `linnet: --port ${port} on 127.0.0.1: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`,
    );
  });
});
