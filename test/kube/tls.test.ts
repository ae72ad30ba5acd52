import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, expect, test } from 'vitest';
import { kinds } from '../../src/api/kinds.ts';
import { createKube } from '../../src/kube/client.ts';
import { createConnection } from '../../src/kube/connection.ts';
import { systemClock, systemRandom } from '../../src/system.ts';
import { authorityCertificate, clientCertificate, clientKey, serverCertificate, serverKey } from './certificates.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A TLS server that asks for a client's certificate and answers every list with an empty one. */
async function startServer() {
  const seen: { client: string | undefined; authorization: string | undefined; connection: TLSSocket }[] = [];
  const server = createServer(
    { cert: serverCertificate, key: serverKey, ca: authorityCertificate, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const connection = request.socket as TLSSocket;
      const name = connection.getPeerCertificate().subject?.CN;
      const client = Array.isArray(name) ? name[0] : name;
      seen.push({ client, authorization: request.headers.authorization, connection });
      response.end(JSON.stringify({ kind: 'DeploymentList', metadata: { resourceVersion: '1' }, items: [] }));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { seen, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function kubeWith(cluster: object, user: object, server: string) {
  const load = () => {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'test', server, skipTLSVerify: false, ...cluster },
      { name: 'test', ...user },
    );
    return config;
  };
  const connection = createConnection(load, systemClock);
  ends.push(() => connection.close());
  return createKube({ connection, clock: systemClock, random: systemRandom });
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const trusted = { caData: base64(authorityCertificate) };

test('the server is believed by its authority, and knows us by our certificate, and connections are used again', async () => {
  const { seen, url } = await startServer();
  const kube = kubeWith(trusted, { certData: base64(clientCertificate), keyData: base64(clientKey) }, url);
  for (let i = 0; i < 20; i++) expect(await kube.list(kinds.deployment)).toEqual([]);
  expect(new Set(seen.map((it) => it.client))).toEqual(new Set(['linnet-test-client']));
  expect(new Set(seen.map((it) => it.connection)).size).toBeLessThan(4);
});

test('a token goes to a server that is believed', async () => {
  const { seen, url } = await startServer();
  expect(await kubeWith(trusted, { token: 'secret' }, url).list(kinds.deployment)).toEqual([]);
  expect(seen[0]?.authorization).toBe('Bearer secret');
});

test('a server of another authority is told nothing, and the error does not tell our token', async () => {
  const { seen, url } = await startServer();
  const error: unknown = await kubeWith({}, { token: 'secret' }, url)
    .list(kinds.deployment)
    .catch((it: unknown) => it);
  expect(error).toMatchObject({ reason: 'unknown', code: 0 });
  expect(String(error)).toMatch(/certificate/);
  expect(String(error)).not.toContain('secret');
  expect(seen).toEqual([]);
});

test('verification is off only where the kubeconfig says so', async () => {
  const { url } = await startServer();
  expect(await kubeWith({ skipTLSVerify: true }, {}, url).list(kinds.deployment)).toEqual([]);
});
