import { stringify } from 'yaml';

/** A kubeconfig file, as YAML, for an API server at `url`. */
export function kubeconfigFor(url: string, token?: string): string {
  const name = 'linnet-sandbox';
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: token === undefined ? {} : { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
  });
}
